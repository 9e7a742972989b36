"""A git repository with two scenarios and a lock, for tests that change it as pull requests do."""

from pathlib import Path

from tests.inputs.repositories import commit, repository

CHAT = """\
name: chat
as_of: 2026-11-01
books: books
traffic: {requests_per_day: 20_000, horizon_months: 1}
prompt:
  parts:
    system: {file: prompts/system.md, static: true}
    user: {tokens: 500}
  output_tokens: 300
models:
  - {model: acme/small, share: 1.0}
hosting: {api: {}}
"""
PRICES = """\
api:
  - id: acme/small
    name: Acme Small
    lifecycle: {status: current}
    prices:
      - {effective_from: 2026-01-01, input_usd_per_mtok: 1.0, output_usd_per_mtok: 4.0,
         basis: contract, confidence: high, checked: 2026-11-01, source: "Acme, offer 12"}
  - id: acme/large
    name: Acme Large
    lifecycle: {status: current}
    prices:
      - {effective_from: 2026-01-01, input_usd_per_mtok: 5.0, output_usd_per_mtok: 20.0,
         basis: contract, confidence: high, checked: 2026-11-01, source: "Acme, offer 12"}
"""
OWN = """\
name: own-machines
as_of: 2026-11-01
traffic: {requests_per_second: 2, horizon_months: 1}
prompt: {input_tokens: 1500, output_tokens: 200}
models:
  - {model: openai/gpt-4o-mini, share: 1.0}
constraints: {data: self_hosted}
hosting:
  self_hosted: {models: [llama-3.1-8b], quantization: [fp8], gpus: [l40s], quality_equivalent: true}
"""


def write_project(root: Path) -> None:
    """Write scenarios, a prompt and own books."""
    scenarios = root / "scenarios"
    (scenarios / "prompts").mkdir(parents=True)
    (scenarios / "books").mkdir()
    (scenarios / "chat.yaml").write_text(CHAT)
    (scenarios / "own-machines.yaml").write_text(OWN)
    (scenarios / "prompts/system.md").write_text("You answer questions about orders. " * 40)
    (scenarios / "books/pricing.yaml").write_text(PRICES)
    (root / "planner.yaml").write_text("scenarios: [scenarios]\nseverities: {LOCK-STALE: ignore}\n")


def make_repository(root: Path) -> Path:
    """Return a repository whose branch ``main`` holds the project."""
    write_project(repository(root))
    commit(root, "Start")
    return root


def replaced(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text, f"{file} holds no {old!r}"
    file.write_text(text.replace(old, new))
