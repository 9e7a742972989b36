"""The command table. A command's module is imported when it is called, so that ``--help`` stays fast."""

from __future__ import annotations

import gc
import os
from difflib import get_close_matches
from importlib import import_module
from types import ModuleType
from typing import Any, TypeAlias

import typer
from typer.core import TyperGroup

import planner as package
from planner.cli.edge import error_edge
from planner.errors import UsageError

# What libraries do at their start that no command needs, a tenth of a cold estimate: numpy's BLAS starts a thread for
# each processor, for products of matrices that are small here; pydantic looks for plugins in every installed package.
QUICK_START = {"OPENBLAS_NUM_THREADS": "1", "PYDANTIC_DISABLE_PLUGINS": "__all__"}

# family -> command -> (module, what it does)
FAMILIES: dict[str, dict[str, tuple[str, str]]] = {
    "Plan": {
        "init": ("planner.cli.init", "Write a scenario from a template."),
        "estimate": (
            "planner.cli.estimate",
            "Cost, capacity and the tier to choose, for one or many scenarios.",
        ),
        "cost": ("planner.cli.cost", "The price of one request, without a scenario."),
        "fit": ("planner.cli.fit", "Does the model fit the GPU: weights, KV cache, longest context, batch."),
        "predict": ("planner.cli.predict", "TTFT, TPOT and throughput of one configuration at one load."),
        "simulate": ("planner.cli.simulate", "What each request sees on one replica, event by event."),
    },
    "Measure": {
        "validate": ("planner.cli.validate", "How wrong predictions are on a measured table."),
        "bench": ("planner.cli.bench", "Measure a real engine; rebuild, compare and import measurements."),
        "steps": (
            "planner.cli.steps",
            "Time prefill and decode of a GGUF file in process, as llama-bench does.",
        ),
        "calibrate": (
            "planner.cli.calibrate",
            "Fit step times to measurements, and prove them on held-out points.",
        ),
    },
    "Watch": {
        "lock": (
            "planner.cli.lock",
            "Scenarios, the rows that price them and the results in one reviewed file.",
        ),
        "diff": ("planner.cli.diff", "What a change costs, cause by cause, and what else it moves."),
        "check": ("planner.cli.check", "Gates for CI: cost, budget, prices, limits, fit, targets, the lock."),
        "explain": ("planner.cli.explain", "Where a number comes from: formula, inputs, book rows, sources."),
    },
    "Look things up": {
        "books": ("planner.cli.books", "List, show and check the pricing, hardware and model books."),
        "models": ("planner.cli.models", "A row for the model book from a model's own files."),
        "doctor": ("planner.cli.doctor", "What this machine offers: memory, GPUs, engines, extras."),
        "schema": ("planner.cli.schema", "JSON Schema of the scenario file, for editors."),
    },
}
COMMANDS = {name: entry for family in FAMILIES.values() for name, entry in family.items()}


# click's own types: typer carries its click in some releases and imports it in others
Context: TypeAlias = Any
Formatter: TypeAlias = Any
Command: TypeAlias = Any
Resolved: TypeAlias = Any


class CommandTable(TyperGroup):
    """A group that knows its commands by name and imports one only when it is used."""

    def list_commands(self, ctx: Context) -> list[str]:  # noqa: ARG002 - click asks for it
        """Return the command names in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: Context, cmd_name: str) -> Command | None:  # noqa: ARG002
        """Import the command's module and return its command, or ``None`` for an unknown name."""
        if cmd_name not in COMMANDS:
            return None
        module = _imported(COMMANDS[cmd_name][0])
        command = typer.main.get_command(module.app)
        command.name = cmd_name
        return command

    def resolve_command(self, ctx: Context, args: list[str]) -> Resolved:
        """Find the command, or name the nearest one."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            near = get_close_matches(args[0], COMMANDS, n=1)
            cure = f"did you mean planner {near[0]}?" if near else "planner --help lists them"
            raise UsageError(f"there is no command {args[0]!r}", cure=cure)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: Context, formatter: Formatter) -> None:  # noqa: ARG002
        """List the commands by family without importing any of them."""
        for family, commands in FAMILIES.items():
            with formatter.section(family):
                formatter.write_dl([(name, summary) for name, (_, summary) in commands.items()], col_max=12)

    def invoke(self, ctx: Context) -> object:
        """Run the command inside the error edge."""
        with error_edge():
            return super().invoke(ctx)


def _imported(name: str) -> ModuleType:
    """Import a module without collecting garbage meanwhile.

    An import makes half a million objects and drops almost none; searching them takes a tenth of a cold estimate.
    """
    gc.disable()
    try:
        return import_module(name)
    finally:
        gc.freeze()  # what a module made stays until the end: no later collection looks at it either
        gc.enable()


app = typer.Typer(
    cls=CommandTable,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 fine, 1 a finding, 2 bad usage or file, 3 data missing or stale, "
    "4 engine failed, 5 lock out of date, 70 a bug, 130 interrupted.",
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"planner {package.__version__}")
        raise typer.Exit


@app.callback()
def planner(
    _version: bool = typer.Option(
        False, "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
    ),
) -> None:
    """Capacity planning and cost estimation for LLM systems. Start with: planner estimate SCENARIO."""


def main() -> None:
    """Run the command line."""
    for name, value in QUICK_START.items():
        os.environ.setdefault(name, value)
    gc.set_threshold(100_000, 20, 20)  # a report makes many objects and no circles
    app(prog_name="planner")
