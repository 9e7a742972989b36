"""``planner simulate --against DIR``: a measured run beside its simulation."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from planner.bench.records import read_manifest, read_records
from planner.bench.replay import replay, run_limits
from planner.cli.options import Format, emit, screen_of
from planner.cli.step_profiles import chosen_profile
from planner.errors import UsageError
from planner.report.agreement import agreement_json, agreement_table
from planner.report.bench import load_text


def show_against(
    folder: Path,
    choice: str | None,
    form: Format,
    output: str,
    *,
    sequences: int | None,
    no_color: bool,
    quiet: bool,
) -> None:
    """Replay every point of a run with a profile and show both.

    Raises
    ------
    UsageError
        Without a profile, or for another format.
    """
    if form not in (Format.table, Format.json):
        raise UsageError(f"simulate --against does not write {form.value}", cure="choose table or json")
    manifest, records = read_manifest(folder), read_records(folder)
    chosen = chosen_profile(choice, kind=manifest.engine.kind, model=None, quantization="auto", hardware=None)
    if chosen is None:
        raise UsageError("--against needs a measured profile", cure="give --profile FILE")
    limits = run_limits(chosen.profile, manifest)
    if sequences is not None:
        limits = replace(limits, max_num_seqs=sequences)
    loads = [
        replay(
            chosen,
            [record for record in records if record.point == number],
            limits,
            load=load_text(point),
        )
        for number, point in enumerate(manifest.points)
    ]
    width, color = screen_of(output, no_color=no_color)
    text = (
        agreement_json(loads)
        if form is Format.json
        else agreement_table(loads, width=width, color=color, quiet=quiet)
    )
    emit(text, output)
