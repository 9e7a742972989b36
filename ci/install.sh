#!/usr/bin/env bash
# Install planner from the action's own folder into an environment of its own, and put it on the path of later steps.
set -euo pipefail
python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
  echo "::error title=planner::planner needs Python 3.11 or newer; add actions/setup-python before this step"
  exit 1
}
python3 -m venv "$RUNNER_TEMP/planner-venv"
"$RUNNER_TEMP/planner-venv/bin/pip" install --quiet --disable-pip-version-check "$GITHUB_ACTION_PATH"
mkdir -p "$RUNNER_TEMP/planner-bin"
ln -sf "$RUNNER_TEMP/planner-venv/bin/planner" "$RUNNER_TEMP/planner-bin/planner"
echo "$RUNNER_TEMP/planner-bin" >>"$GITHUB_PATH"
