"""The house keeps its own rules."""

import subprocess
import sys


def modules_imported_by(*args: str) -> set[str]:
    """Run planner with ``args`` in a fresh interpreter and return the top-level modules that it imported."""
    script = (
        "import sys; sys.argv = ['planner', *sys.argv[1:]]\n"
        "from planner.cli.main import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "sys.stderr.write('\\nMODULES ' + ' '.join(sorted({m.split('.')[0] for m in sys.modules})))"
    )
    done = subprocess.run([sys.executable, "-c", script, *args], capture_output=True, text=True, check=True)
    return set(done.stderr.rsplit("MODULES ", 1)[1].split())


def test_help_imports_nothing_heavy() -> None:
    heavy = {
        "numpy",
        "pandas",
        "pydantic",
        "yaml",
        "rich",
        "scipy",
        "asyncio",
        "ssl",
        "email",
    }  # email: metadata
    assert not modules_imported_by("--help") & heavy


def test_an_estimate_imports_no_heavy_newcomer() -> None:
    heavy = {"pandas", "scipy", "matplotlib", "asyncio", "ssl", "llama_cpp", "gguf", "vllm", "torch"}
    assert not modules_imported_by("estimate", "scenarios/support-chatbot.yaml") & heavy
