"""The advice of an estimate as Markdown: what was followed, and what the rest would save."""

from __future__ import annotations

from collections.abc import Iterator

from planner.report.numbers import signed_usd, usd
from planner.specs.answers.estimate import Estimate


def advice_markdown(estimate: Estimate) -> Iterator[str]:
    """Yield the lines of two tables: advice that was followed, and advice that saves money here."""
    if estimate.what_if:
        yield "| what if | before | after | USD/month |"
        yield "|---|---:|---:|---:|"
        for step in estimate.what_if:
            yield f"| {step.id} | {usd(step.usd_before)} | {usd(step.usd_after)} | {signed_usd(step.delta_usd)} |"
        yield ""
    paying = [item for item in estimate.recommendation.advice if item.applies and item.saving_usd_per_month]
    if paying:
        yield "| advice | USD/month saved | effort | assumption |"
        yield "|---|---:|---|---|"
        for item in paying:
            yield f"| {item.id} | {usd(item.saving_usd_per_month)} | {item.effort} | {item.assumption or ''} |"
        yield ""
