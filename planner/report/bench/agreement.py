"""Measured loads beside their simulation, on the screen and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from rich.console import RenderableType

from planner.report.numbers import duration, signed_percent
from planner.report.plain import plain, to_json
from planner.report.screen import grid, render
from planner.specs.measured.agreement import Agreement, HostComparison, LoadAgreement

SCHEMA = "planner.replay/1"
NAMES = {"ttft_s": "TTFT", "tpot_s": "TPOT", "e2e_s": "end to end"}


def agreement_json(loads: Sequence[LoadAgreement]) -> str:
    """Write the comparison as JSON."""
    documents = [plain(load) | {"rows": [_row_json(row) for row in load.rows]} for load in loads]
    return to_json({"schema": SCHEMA, "loads": documents})


def agreement_table(loads: Sequence[LoadAgreement], *, width: int, color: bool, quiet: bool = False) -> str:
    """Lay out one table per load: measured, predicted, error; both once more at the speed that the host had meanwhile."""
    parts: list[RenderableType] = []
    for load in loads:
        heads = ("at its speed", "error") if load.host is not None else ()
        table = grid("", "statistic", "measured", "predicted", "error", *heads, left=2)
        for row in load.rows:
            name = NAMES[row.metric] if row.statistic == "mean" else ""
            figures: tuple[str, ...] = (
                duration(row.measured_s),
                duration(row.predicted_s),
                signed_percent(row.error_fraction),
            )
            if load.host is not None:
                figures += (duration(row.predicted_here_s), signed_percent(row.error_here_fraction))
            table.add_row(name, row.statistic, *figures)
        parts += [
            f"[head]{load.load}: {load.requests} requests, profile {load.profile}, {load.grade}[/]",
            table,
            *_host_lines(load.host),
        ]
        if not quiet:
            parts += [f"[warn]note: {notice.message}[/]" for notice in load.notices]
    return render(*parts, width=width, color=color)


def _row_json(row: Agreement) -> dict[str, object]:
    return {
        **asdict(row),
        "error_fraction": row.error_fraction,
        "error_here_fraction": row.error_here_fraction,
    }


def _host_lines(host: HostComparison | None) -> list[str]:
    """Say how slow the host was around the load, over the host of the profile."""
    if host is None:
        return []
    decode = f"decoding {host.decode_before:.2f}, {host.decode_after:.2f}"
    prompts = f"prompts {host.prefill_before:.2f}, {host.prefill_after:.2f}"
    return [f"the host over the profile's (1 is as fast), before and after: {decode}; {prompts}"]
