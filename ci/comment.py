"""Keep one comment on a pull request: write it, or bring the one that is there up to date. Standard library only.

A token that may not write is no failure: forks get read-only ones. The step's summary holds the same text.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

MARKER = "<!-- planner-check -->"
PER_PAGE = 100
MOST_PAGES = 30
TIMEOUT_S = 20
READ_ONLY = {401, 403, 404}


def main() -> int:
    """Post the comment; return 0 in every case, because a comment is no gate."""
    number = pull_request()
    if number is None:
        print("::notice title=planner::no pull request, so no comment")
        return 0
    try:
        told = post(f"/repos/{os.environ['GITHUB_REPOSITORY']}", number, Path(sys.argv[1]).read_text("utf-8"))
    except HTTPError as error:
        words = (
            "the token may not write comments"
            if error.code in READ_ONLY
            else f"the API answered {error.code}"
        )
        told = f"::notice title=planner::{words}; the step's summary holds the same text"
    except (URLError, TimeoutError, FileNotFoundError) as error:
        told = f"::notice title=planner::no comment: {error}"
    print(told)
    return 0


def pull_request() -> int | None:
    """Return the number of the pull request of this run."""
    event = os.environ.get("GITHUB_EVENT_PATH")
    if not event or not Path(event).is_file():
        return None
    found = json.loads(Path(event).read_text("utf-8")).get("pull_request")
    return int(found["number"]) if found else None


def post(repository: str, number: int, body: str) -> str:
    """Create or update the comment that carries the marker; a quiet result starts none."""
    issue = f"{repository}/issues/{number}/comments"
    mine = find(issue)
    if mine is not None:
        call("PATCH", f"{repository}/issues/comments/{mine['id']}", {"body": body})
        return f"comment {mine['id']} updated"
    decision = " ".join(body.splitlines()[:4])
    if "no change" in decision and "nothing found" in decision:
        return "nothing to say, so no comment"
    return f"comment {call('POST', issue, {'body': body})['id']} written"


def find(issue: str) -> dict[str, Any] | None:
    """Return the comment with the marker, whoever wrote it last."""
    for page in range(1, MOST_PAGES + 1):
        comments = call("GET", f"{issue}?per_page={PER_PAGE}&page={page}")
        for comment in comments:
            if str(comment.get("body", "")).startswith(MARKER):
                return dict(comment)
        if len(comments) < PER_PAGE:
            return None
    return None


def call(method: str, path: str, document: dict[str, str] | None = None) -> Any:  # noqa: ANN401 - JSON
    """Call GitHub's API and return its answer."""
    request = Request(
        os.environ.get("GITHUB_API_URL", "https://api.github.com") + path,
        method=method,
        data=json.dumps(document).encode() if document is not None else None,
        headers={
            "Authorization": f"Bearer {os.environ.get('GITHUB_TOKEN', '')}",
            "Accept": "application/vnd.github+json",
            "Content-Type": "application/json",
            "User-Agent": "planner",
        },
    )
    with urlopen(request, timeout=TIMEOUT_S) as answer:
        return json.loads(answer.read())


if __name__ == "__main__":
    sys.exit(main())
