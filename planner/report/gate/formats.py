"""The formats of a check that are one text, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from planner.report.gate.check_ci import github_annotations, gitlab_code_quality
from planner.report.gate.check_markdown import check_html, check_markdown
from planner.report.gate.check_text import check_json
from planner.report.gate.junit import junit
from planner.report.gate.sarif import sarif
from planner.specs.gate.finding import Checked

FORMATS: Mapping[str, Callable[[Checked], str]] = {
    "json": check_json,
    "md": check_markdown,
    "html": check_html,
    "junit": junit,
    "sarif": sarif,
    "github": github_annotations,
    "gitlab": gitlab_code_quality,
}
