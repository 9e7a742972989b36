"""How long a diff of a thousand scenarios takes, by what changed. Run: python benchmarks/diff.py [SCENARIOS]."""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SCENARIO = """\
name: feature-{index}
as_of: 2026-11-01
traffic: {{requests_per_day: {volume}}}
prompt:
  parts:
    system: {{file: prompts/{index}.md, static: true}}
    user: {{tokens: {tokens}}}
  output_tokens: 400
models:
  - {{model: openai/gpt-4o-mini, share: 0.8}}
  - {{model: anthropic/claude-sonnet-4-6, share: 0.2}}
caching: {{prompt: {{enabled: true}}}}
"""


def write(folder: Path, count: int, changed: int = 0) -> None:
    (folder / "prompts").mkdir(parents=True, exist_ok=True)
    for index in range(count):
        volume = 10_000 + index + (5000 if index < changed else 0)
        text = SCENARIO.format(index=index, volume=volume, tokens=1000 + index % 7)
        (folder / f"{index:04}.yaml").write_text(text)
        (folder / "prompts" / f"{index}.md").write_text("word " * (200 + index))


def timed(what: str, folder: Path, *args: str) -> None:
    start, used = time.perf_counter(), processor_s()
    done = subprocess.run(
        (sys.executable, "-m", "planner", *args), capture_output=True, text=True, check=False, cwd=folder
    )
    seconds = time.perf_counter() - start
    cpu = processor_s() - used
    print(
        f"{what:44} {seconds:6.2f} s, {cpu:5.2f} s of processor   {(done.stdout or done.stderr).splitlines()[0][:60]}"
    )


def processor_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder / "scenarios", count)
        git = ("git", "-C", str(folder), "-c", "user.name=a", "-c", "user.email=a@example.com")
        for args in (("init", "-q"), ("add", "-A"), ("commit", "-qm", "base")):
            subprocess.run((*git, *args), check=True)
        timed(f"lock {count} scenarios", folder, "lock", "scenarios")
        timed("check them, nothing changed", folder, "lock", "--check")
        timed("diff with the lock, nothing changed", folder, "diff")
        timed("diff with git, nothing changed", folder, "diff", "--base-ref", "HEAD", "scenarios")
        write(folder / "scenarios", count, changed=10)
        timed("diff with git, 10 changed", folder, "diff", "--base-ref", "HEAD", "scenarios")
        timed("diff with the lock, 10 changed", folder, "diff")
        write(folder / "scenarios", count, changed=count)
        timed("diff with git, all changed", folder, "diff", "--base-ref", "HEAD", "scenarios")
        timed("diff with the lock, all changed", folder, "diff")


if __name__ == "__main__":
    main()
