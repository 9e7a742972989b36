"""The house keeps its own rules."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

OUTSIDE = {"accuracy", "books", "ci", "scripts"}  # folders of tests about what is not in the package


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


@pytest.mark.parametrize("document", ["docs/design.md", "docs/glossary.md", "CONTRIBUTING.md", "README.md"])
def test_the_files_that_a_document_names_are_there(document: str) -> None:
    """A bare name may stand for a file of any room."""
    named = set(re.findall(r"`([\w/-]+\.py)`", Path(document).read_text(encoding="utf-8")))
    files = [path.as_posix() for root in ("planner", "tests", "scripts") for path in Path(root).rglob("*.py")]
    gone = sorted(name for name in named if not any(f"/{file}".endswith(f"/{name}") for file in files))
    assert not gone


@pytest.mark.parametrize("document", ["docs/design.md", "docs/accuracy.md", "CONTRIBUTING.md", "README.md"])
def test_the_places_that_a_document_names_are_there(document: str) -> None:
    """A decision may be named by its number alone."""
    text = Path(document).read_text(encoding="utf-8")
    places = set(re.findall(r"`((?:planner|tests|scripts|docs|scenarios|benchmarks)/[\w./-]*)`", text))
    assert not sorted(place for place in places if not list(Path().glob(f"{place.rstrip('/')}*")))


def test_tests_live_in_rooms_of_the_same_names() -> None:
    rooms = {path.parent.relative_to("tests") for path in Path("tests").rglob("test_*.py")}
    inside = {room for room in rooms if not OUTSIDE & set(room.parts)}
    assert not {room for room in inside if not (Path("planner") / room).is_dir()}
