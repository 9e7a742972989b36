"""Cold start: wall seconds and peak memory of whole processes, median of runs that take turns.

python benchmarks/start_up.py [RUNS]

The bytecode is compiled first, as an installer does: PYTHONDONTWRITEBYTECODE in the environment, or a first run, costs
another 0.1 s.
"""

import compileall
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

COMMANDS = {
    "--help": ["--help"],
    "estimate": ["estimate", "scenarios/support-chatbot.yaml"],
}


def seconds(*args: str) -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, "-m", "planner", *args], stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - started


def thousand_scenarios(folder: Path) -> float:
    text = Path("scenarios/support-chatbot.yaml").read_text()
    for index in range(1000):
        (folder / f"s{index:04}.yaml").write_text(text.replace("name: support-chatbot", f"name: s{index:04}"))
    return seconds("estimate", str(folder), "--format", "csv")


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 9
    compileall.compile_dir("planner", quiet=1)
    times: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(runs):
        for name, args in COMMANDS.items():
            times[name].append(seconds(*args))
    for name, found in times.items():
        print(
            f"{name:10} median {statistics.median(found):.3f} s  min {min(found):.3f}  max {max(found):.3f}"
        )
    with tempfile.TemporaryDirectory() as folder:
        print(f"1,000 scenarios {thousand_scenarios(Path(folder)):.2f} s")
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"peak memory of the largest run {peak:.0f} MiB")


if __name__ == "__main__":
    main()
