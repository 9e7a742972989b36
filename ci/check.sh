#!/usr/bin/env bash
# Run planner check against the pull request's base; the exit code becomes an output, so that a comment can come first.
set -euo pipefail
base=${PLANNER_BASE_REF:-}
if [ -z "$base" ] && [ -n "${PLANNER_PULL_REQUEST_BASE:-}" ]; then
  # a checkout of depth 1 has no base: one commit of it is all that is needed
  if git fetch --quiet --no-tags --depth=1 origin "$PLANNER_PULL_REQUEST_BASE"; then
    base=$(git rev-parse FETCH_HEAD)
  else
    echo "::notice title=planner::cannot fetch $PLANNER_PULL_REQUEST_BASE, comparing with the lock"
  fi
fi
arguments=()
if [ -n "$base" ]; then arguments+=(--base-ref "$base"); fi
if [ -n "${PLANNER_SARIF:-}" ]; then arguments+=(--report "sarif=$PLANNER_SARIF"); fi
arguments+=(--report "md=$RUNNER_TEMP/planner-comment.md")
# shellcheck disable=SC2206 # scenarios and further arguments are lists of words
words=(${PLANNER_SCENARIOS:-} ${PLANNER_ARGS:-})
code=0
planner check "${arguments[@]}" "${words[@]}" || code=$?
echo "exit_code=$code" >>"$GITHUB_OUTPUT"
