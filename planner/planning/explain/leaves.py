"""The leaves of explanations: values of the scenario with their lines, book rows with source and date, constants."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from planner.planning.bill.api_cost import Bill, monthly_bill
from planner.planning.explain.derivation import Derived, Operand, between
from planner.planning.hosting.rental_price import rental_price_in_force
from planner.planning.workload.places import STEP, line_of
from planner.planning.workload.trace import summary_of
from planner.records import dataclass
from planner.specs.answers.estimate import Estimate
from planner.specs.answers.explanation import Origin, Shown
from planner.specs.answers.request_cost import PriceUsed
from planner.specs.books.hardware import HardwareSpec
from planner.specs.books.model import ModelSpec
from planner.specs.case import Case
from planner.specs.scenario.workload import TextSize, TraceSummary


def steps_of(path: str) -> tuple[str | int, ...]:
    """Return the steps of a path such as ``models[0].share``."""
    return tuple(name or int(index) for name, index in STEP.findall(path))


def value_at(root: object, path: str) -> Any:  # noqa: ANN401 - results hold anything
    """Return what stands at a path of a result or document. Raises LookupError when nothing does."""
    for step in steps_of(path):
        root = _child(root, step)
    return root


def _child(holder: object, step: str | int) -> object:
    if isinstance(step, int):
        if isinstance(holder, tuple | list) and step < len(holder):
            return holder[step]
    elif isinstance(holder, Mapping):
        if step in holder:
            return holder[step]
    elif hasattr(holder, step):
        return getattr(holder, step)
    raise LookupError(step)


@dataclass(frozen=True, slots=True)
class Scene:
    """One estimate with the case it was made from: where derivations look their operands up."""

    case: Case
    estimate: Estimate
    bill: Bill
    """The bill of the first month, computed as in the estimate."""
    trace: TraceSummary | None
    overrides: tuple[str, ...]
    """Keys that ``--set`` replaced."""

    def ref(self, path: str, name: str | None = None) -> Operand:
        """Return a number of the report as an operand."""
        return Operand(name=name or path.rsplit(".", 1)[-1], value=value_at(self.estimate, path), path=path)

    def refs(self, path: str, named_by: str | None = None, having: str | None = None) -> tuple[Operand, ...]:
        """Return the same number of every entry of a list; ``[*]`` stands for the entries.

        ``named_by`` is the field that tells the entries apart; entries that lack ``having`` are left out.
        """
        before, after = path.split("[*].", 1)
        entries = value_at(self.estimate, before)
        return tuple(
            self.ref(
                f"{before}[{index}].{after}",
                f"{after} of {getattr(entry, named_by)}" if named_by is not None else None,
            )
            for index, entry in enumerate(entries)
            if having is None or getattr(entry, having) is not None
        )

    def refs_of(self, path: str, name: str) -> tuple[Operand, ...]:
        """Return every entry of a list of numbers."""
        return tuple(self.ref(f"{path}[{i}]", name) for i in range(len(value_at(self.estimate, path))))

    def key(self, path: str, name: str | None = None) -> Operand:
        """Return a value of the scenario: as its file says, as ``--set`` says, or its default."""
        found = _short(value_at(self.case.scenario, path))
        return Operand(name=name or path.rsplit(".", 1)[-1], value=found, origin=self._origin(path))

    def _origin(self, path: str) -> Origin:
        if any(_within(path, key) or _within(key, path) for key in self.overrides):
            return Origin(kind="override", place=f"--set {path}")
        if _is_stated(self.case.scenario, steps_of(path)):
            return Origin(kind="scenario", place=path, file=self.case.file, line=self.line_of(path))
        return Origin(kind="default", place=path, source=_meaning(self.case.scenario, steps_of(path)))

    def line_of(self, path: str) -> int | None:
        """Return the line of a key of the scenario, or of the nearest key above it that the file holds."""
        return line_of(self.case.lines, path)


def scene_of(case: Case, estimate: Estimate, overrides: tuple[str, ...] = ()) -> Scene:
    """Return the scene of one estimate."""
    bill = monthly_bill(case, estimate.workload, estimate.as_of)
    return Scene(case, estimate, bill, summary_of(case), overrides)


def constant(name: str, value: Shown, place: str, source: str) -> Operand:
    """Return a constant of the code with its source."""
    return Operand(name=name, value=value, origin=Origin(kind="constant", place=place, source=source))


def price_leaf(used: PriceUsed, field: str, name: str | None = None, value: float | None = None) -> Operand:
    """Return a price of a row of the pricing book, or a term of that row that ``used`` does not hold."""
    way = "" if used.mode == "standard" else f" {used.mode}"
    origin = Origin(
        kind="book",
        place=f"pricing.yaml api {used.model}{way}{' off-peak' if used.off_peak else ''} {field}",
        source=used.source,
        trust=f"{used.basis}, {used.confidence}",
        since=used.effective_from,
        checked=used.checked,
    )
    shown = value if value is not None else getattr(used, field)
    return Operand(name=name or field, value=shown, origin=origin)


def rule_leaf(scene: Scene, name: str, value: Shown, place: str) -> Operand:
    """Return a rule of thumb of the cheat sheet."""
    source = scene.case.rules.source
    return Operand(name=name, value=value, origin=Origin(kind="rule", place=place, source=source))


def rental_leaf(scene: Scene, rental: str, field: str, value: Shown) -> Operand:
    """Return a value of a row of the rentals in the pricing book."""
    price = rental_price_in_force(scene.case.books.rentals[rental], scene.estimate.as_of)
    origin = Origin(
        kind="book",
        place=f"pricing.yaml rentals {rental} {field}",
        source=price.source,
        trust=price.confidence,
        since=price.effective_from,
        checked=price.checked,
    )
    return Operand(name=field, value=value, origin=origin)


def hardware_leaf(row: HardwareSpec, field: str, value: Shown) -> Operand:
    """Return a value of a row of the hardware book."""
    origin = Origin(
        kind="book",
        place=f"hardware.yaml {row.id} {field}".rstrip(),
        source=row.source,
        trust=row.confidence,
        checked=row.checked,
    )
    return Operand(name=field or "hardware", value=value, origin=origin)


def model_leaf(row: ModelSpec) -> Operand:
    """Return a whole row of the model book: its architecture."""
    origin = Origin(
        kind="book",
        place=f"models.yaml {row.id}",
        source=row.source,
        trust=row.trust,
        checked=row.checked,
    )
    return Operand(name="model", value=row.id, origin=origin)


def file_leaf(text: TextSize, name: str, value: float | None = None) -> Operand:
    """Return what was counted in a prompt file: ``value``, or its field of that name."""
    origin = Origin(kind="file", place=text.file, source=f"sha256 {text.sha256[:12]}…")
    return Operand(name=name, value=getattr(text, name) if value is None else value, origin=origin)


def _short(value: object) -> Shown:
    """Return a value of the scenario in one line."""
    if value is None or isinstance(value, int | float | str):
        return value
    if isinstance(value, BaseModel):
        pairs = value.model_dump(exclude_none=True)
        if list(pairs) == ["mean"]:
            return float(pairs["mean"])
        return "{" + ", ".join(f"{key}: {_short(each)}" for key, each in pairs.items()) + "}"
    if isinstance(value, tuple | list | Mapping):  # of a mapping, its keys
        return ", ".join(str(_short(each)) for each in value)
    return str(value)


def _within(path: str, key: str) -> bool:
    return path == key or path.startswith((f"{key}.", f"{key}["))


def _is_stated(document: object, steps: tuple[str | int, ...]) -> bool:
    for step in steps:
        if isinstance(document, BaseModel) and step not in document.model_fields_set:
            return False
        document = _child(document, step)
    return True


def _meaning(document: object, steps: tuple[str | int, ...]) -> str | None:
    """Return what the default is a default of: the description of the field."""
    for step in steps[:-1]:
        document = _child(document, step)
    fields = type(document).model_fields if isinstance(document, BaseModel) else {}
    field = fields.get(str(steps[-1]))
    return field.description if field is not None else None


def priced_again(s: Scene, case: Case, name: str, what: str) -> Operand:
    """Return the bill of a changed scenario, computed again."""
    usd = monthly_bill(case, s.estimate.workload, s.estimate.as_of).usd
    terms = Derived(
        rule=f"cost.usd_per_month of the scenario {what}",
        operands=(
            s.ref("workload.requests_per_month"),
            *s.refs("cost.by_model[*].price.input_usd_per_mtok", "model"),
        ),
        note="the whole bill is computed again",
    )
    return between(name, usd, terms)
