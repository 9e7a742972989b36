"""A check as Markdown: the step summary and the comment on a pull request, and as a page of HTML."""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator, Sequence

from planner.report.gate.check_text import Details, by_change, change_words, told_once, verdict_words
from planner.report.gate.difference_md import cause_lines, metric_lines, unknown_lines
from planner.report.gate.difference_words import SHOWN_SCENARIOS, headline
from planner.report.markdown import cell, folded
from planner.report.numbers import signed_percent, signed_usd, usd
from planner.specs.gate.finding import Checked, Finding, ScenarioCost

MARKER = "<!-- planner-check -->"  #: by which a sticky comment finds itself
MAX_CHARACTERS = 60_000  #: GitHub refuses comments above 65,536 characters
SHOWN_FINDINGS = 25  #: a comment is read by people: the log and the artefacts have them all
MARKS = {"error": "✗", "warning": "!", "note": "·"}


def check_markdown(checked: Checked, marker: str = MARKER) -> str:
    """Return a check as Markdown of at most ``MAX_CHARACTERS``: the verdict, the costs, the findings, the causes."""
    parts = (
        (marker, *_headline(checked)),
        tuple(_costs(checked)),
        tuple(_findings(checked)),
        tuple(_change_lines(checked)),
        tuple(_waived(checked)),
        tuple(_footer(checked)),
    )
    lines = [line for part in parts for line in part]
    return _bounded("\n".join(lines).rstrip() + "\n")


def _bounded(text: str) -> str:
    """Cut a text that is too long at the end of a line, and say so."""
    if len(text) <= MAX_CHARACTERS:
        return text
    kept = text[:MAX_CHARACTERS].rsplit("\n", 1)[0]
    closing = "\n\n</details>" * (kept.count("<details>") - kept.count("</details>"))
    return f"{kept}{closing}\n\nCut here: the whole answer is in the job's log.\n"


def _headline(checked: Checked) -> Iterator[str]:
    """Yield what the change costs, whether it may merge, and mostly why."""
    mark = "✓" if checked.passed else "✗"
    change = checked.difference
    if not checked.scenarios:
        amount = "unknown, nothing could be priced"
    elif change is None:
        amount = f"{usd(checked.usd_per_month)} USD/month"
    elif not change.delta_usd_per_month:
        amount = f"no change, {usd(checked.usd_per_month)} USD/month"
    else:
        relative = f" ({signed_percent(change.delta_fraction)})" if change.usd_per_month_before else ""
        amount = f"{signed_usd(change.delta_usd_per_month)} USD/month{relative}"
    yield f"### {mark} LLM cost: {amount}"
    yield ""
    mostly = headline(change).partition("mostly ")[2] if change is not None else ""
    why = f" · mostly {cell(mostly)}" if mostly else ""
    yield f"**{verdict_words(checked)}**{why}"
    yield ""


def _costs(checked: Checked) -> Iterator[str]:
    """Yield the table of the scenarios that changed or have findings."""
    shown = [
        cost for cost in by_change(checked) if cost.findings or round(cost.delta_usd_per_month or 0.0, 2)
    ]
    if not shown:
        return
    yield "| scenario | before | after | change | findings |"
    yield "|---|---:|---:|---:|---:|"
    for cost in shown[:SHOWN_SCENARIOS]:
        yield _cost(cost, compared=checked.difference is not None)
    more, quiet = len(shown) - SHOWN_SCENARIOS, len(checked.scenarios) - len(shown)
    rest = [f"{more:,} more with changes"] if more > 0 else []
    if quiet:
        rest.append(f"{quiet} unchanged")
    yield ""
    yield f"{' and '.join(rest).capitalize()}. USD/month." if rest else "USD/month."
    yield ""


def _cost(cost: ScenarioCost, *, compared: bool) -> str:
    """Return a scenario's row; what has no cost before is new only where something was compared with."""
    before, delta = cost.usd_per_month_before, cost.delta_usd_per_month
    was = usd(before) if before is not None else ("new" if compared else "–")
    share = f" ({signed_percent(delta / before)})" if delta and before else ""
    after = usd(cost.usd_per_month)
    return f"| {cell(cost.name)} | {was} | {after} | {_change(delta)}{share} | {cost.findings or ''} |"


def _change(usd_per_month: float | None) -> str:
    return "–" if usd_per_month is None else signed_usd(usd_per_month)


def _findings(checked: Checked) -> Iterator[str]:
    for finding, details in told_once(checked.findings[:SHOWN_FINDINGS]):
        yield from _finding(finding, details)
    more = len(checked.findings) - SHOWN_FINDINGS
    if more > 0:
        yield f"- and {more:,} more, see the job's log"
    if checked.findings:
        yield ""


def _finding(finding: Finding, details: Details) -> Iterator[str]:
    place = f" `{cell(finding.place)}`" if finding.place is not None else ""
    yield f"- {MARKS[finding.severity]} **{finding.rule}**{place}<br>{cell(finding.message)}"
    yield from (f"  - {label.capitalize()}: {cell(words)}" for label, words in details)


def _change_lines(checked: Checked) -> Iterator[str]:
    """Yield the waterfall over all scenarios and the figures beside the cost, folded, and what is unknown."""
    change = checked.difference
    if change is None:
        return
    if change.delta_usd_per_month or change.causes:
        yield from folded(
            "Where the change comes from", *cause_lines(change.causes, change.delta_usd_per_month)
        )
    yield from metric_lines(change.scenarios)
    yield from unknown_lines(change)


def _waived(checked: Checked) -> Iterator[str]:
    if not checked.waived:
        return
    lines = (
        f"- **{waived.finding.rule}** of {cell(waived.finding.scenario or 'all scenarios')} until "
        f"{waived.expires.isoformat()}: {cell(waived.reason)} (`{cell(waived.file)}`)"
        for waived in checked.waived[:SHOWN_FINDINGS]
    )
    yield from folded(f"{len(checked.waived)} waived", *lines)


def _footer(checked: Checked) -> Iterator[str]:
    change = checked.difference
    if not checked.scenarios:
        return
    against = (
        f"Compared with {cell(change.base)} at the same prices. "
        if change is not None
        else "Nothing to compare with, so changes are not judged. "
    )
    yield (
        f"<sub>{against}{cell(change_words(checked).split(' · ')[0])} in all. "
        "`planner explain SCENARIO PATH` shows where a number comes from.</sub>"
    )


STYLE = """body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1b1f24}
table{border-collapse:collapse;margin:1rem 0}td,th{padding:.25rem .8rem;border-bottom:1px solid #d8dee4;text-align:right}
td:first-child,th:first-child{text-align:left}.error{color:#b42318}.warning{color:#8a6100}.note,small{color:#57606a}
dt{margin-top:1rem}code{background:#f3f4f6;padding:0 .25rem}
@media(prefers-color-scheme:dark){body{background:#14181d;color:#dde3ea}td,th{border-color:#323a43}code{background:#242b33}
.error{color:#ff8f86}.warning{color:#e3b341}.note,small{color:#9aa4af}}"""


def check_html(checked: Checked) -> str:
    """Return a check as one page of HTML that needs nothing beside it."""
    title = f"planner check {verdict_words(checked)}"
    body = [
        f"<h1>{html.escape(verdict_words(checked))}</h1>",
        f"<p>{html.escape(change_words(checked))}</p>",
        "<dl>",
        *(line for finding in checked.findings for line in _html_finding(finding)),
        *(
            f"<dt class=note>waived {item.finding.rule}</dt><dd>{html.escape(item.finding.scenario or 'all')} until "
            f"{item.expires.isoformat()}: {html.escape(item.reason)}</dd>"
            for item in checked.waived
        ),
        "</dl>",
        _html_table(checked),
    ]
    return (
        "<!doctype html>\n<html lang=en><meta charset=utf-8>"
        '<meta name=viewport content="width=device-width,initial-scale=1">'
        f"<title>{html.escape(title)}</title><style>{STYLE}</style>\n" + "\n".join(body) + "\n</html>\n"
    )


def _html_finding(finding: Finding) -> Iterator[str]:
    place = f" <code>{html.escape(finding.place)}</code>" if finding.place is not None else ""
    yield f"<dt class={finding.severity}>{finding.severity} <b>{finding.rule}</b>{place}</dt>"
    yield f"<dd>{html.escape(finding.message)}"
    for label, words in (("expected", finding.expected), ("cause", finding.cause), ("cure", finding.cure)):
        if words:
            yield f"<br><small>{label}: {html.escape(words)}</small>"
    yield "</dd>"


def _html_table(checked: Checked) -> str:
    rows = [
        (
            cost.name,
            usd(cost.usd_per_month_before) if cost.usd_per_month_before is not None else "–",
            usd(cost.usd_per_month),
            _change(cost.delta_usd_per_month),
            str(cost.findings or ""),
        )
        for cost in by_change(checked)
    ]
    head = _html_row(("scenario", "before", "USD/month", "change", "findings"), "th")
    return "<table>" + head + "".join(_html_row(row, "td") for row in rows) + "</table>"


def _html_row(cells: Sequence[str] | Iterable[str], tag: str) -> str:
    return "<tr>" + "".join(f"<{tag}>{html.escape(each)}</{tag}>" for each in cells) + "</tr>"
