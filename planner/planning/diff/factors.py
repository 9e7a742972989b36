"""What differs between two versions of a scenario, grouped into the causes that people think in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from pydantic import BaseModel

from planner.planning.workload.trace import summary_of
from planner.records import dataclass
from planner.specs.case import Case
from planner.specs.gate.difference import CauseKind
from planner.specs.scenario.scenario import Scenario

Path = tuple[str, ...]

# Places into which the comparison looks; everything else is compared as a whole.
OPENED: tuple[Path, ...] = (
    (),
    ("traffic",),
    ("prompt",),
    ("prompt", "parts"),
    ("caching",),
    ("hosting",),
    ("hosting", "self_hosted"),
)
# Keys that tell people something and no calculator anything, or that the price date and the books stand for.
NO_CAUSE = ("version", "name", "description", "as_of", "books", "gates", "budget", "uncertainty")
SIZES_OF_A_TRACE: tuple[Path, ...] = (
    ("prompt", "input_tokens"),
    ("prompt", "output_tokens"),
    ("prompt", "parts"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """Keys that are one cause. In the order of substitution; the first rule that fits a key takes it."""

    kind: CauseKind
    name: str
    at: tuple[Path, ...]


RULES: tuple[Rule, ...] = (
    Rule(
        kind="volume",
        name="requests",
        at=(
            ("traffic", "requests_per_day"),
            ("traffic", "requests_per_second"),
            ("traffic", "requests_per_month"),
            ("traffic", "users"),
            ("traffic", "trace"),
            ("traffic", "days_per_month"),
        ),
    ),
    Rule(kind="traffic shape", name="shape, peak and growth of the traffic", at=(("traffic",),)),
    Rule(kind="tokens per request", name="prompt part", at=(("prompt", "parts"),)),
    Rule(kind="tokens per request", name="input tokens", at=(("prompt", "input_tokens"),)),
    Rule(kind="tokens per request", name="output tokens", at=(("prompt", "output_tokens"),)),
    Rule(kind="tokens per request", name="reasoning tokens", at=(("prompt", "reasoning_tokens"),)),
    Rule(kind="caching", name="static prefix", at=(("prompt", "static_prefix_tokens"),)),
    Rule(kind="settings", name="request settings", at=(("prompt",),)),
    Rule(kind="model mix", name="models", at=(("models",),)),
    Rule(kind="caching", name="exact cache", at=(("caching", "exact"),)),
    Rule(kind="caching", name="semantic cache", at=(("caching", "semantic"),)),
    Rule(kind="caching", name="prompt cache", at=(("caching", "prompt"),)),
    Rule(kind="caching", name="repeated queries", at=(("caching",),)),
    Rule(kind="batch share", name="batch share", at=(("batch",),)),
    Rule(kind="retries", name="errors, retries and failover", at=(("reliability",),)),
    Rule(kind="latency targets", name="latency targets", at=(("slo",),)),
    Rule(kind="data rule", name="data rule", at=(("constraints",),)),
    Rule(kind="settings", name="accounts", at=(("accounts",),)),
    Rule(kind="GPU type", name="GPU type", at=(("hosting", "self_hosted", "gpus"),)),
    Rule(
        kind="GPU count",
        name="replicas and how they are split",
        at=(
            ("hosting", "self_hosted", "redundancy"),
            ("hosting", "self_hosted", "max_utilization"),
            ("hosting", "self_hosted", "tensor_parallel"),
            ("hosting", "self_hosted", "quantization"),
            ("hosting", "self_hosted", "kv_dtype"),
            ("hosting", "self_hosted", "engine"),
        ),
    ),
    Rule(kind="GPU hours", name="hours that replicas run", at=(("hosting", "self_hosted", "autoscale"),)),
    Rule(
        kind="GPU price",
        name="purchase and clouds",
        at=(
            ("hosting", "self_hosted", "purchase"),
            ("hosting", "self_hosted", "clouds"),
            ("hosting", "self_hosted", "owned"),
        ),
    ),
    Rule(kind="hosting", name="hosting candidates", at=(("hosting",),)),
    Rule(kind="settings", name="other settings", at=((),)),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Factor:
    """One cause: the keys that go from one side to the other together."""

    kind: CauseKind
    name: str
    paths: tuple[Path, ...]
    with_trace: bool = False

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys as people write them."""
        return tuple(".".join(path) for path in self.paths)


def factors_of(base: Case, head: Case) -> tuple[Factor, ...]:
    """Return what differs between two cases, in the order of substitution."""
    changed = list(changed_paths(base.scenario, head.scenario, ()))
    changed.extend(path for path in _changed_texts(base, head) if not _covered(path, changed))
    retraced = summary_of(base) != summary_of(head)
    if retraced and ("traffic", "trace") not in changed:
        changed.append(("traffic", "trace"))
    groups: dict[tuple[int, str], list[Path]] = {}
    for path in changed:
        rule = _rule_of(path, retraced=retraced)
        part = path[2] if RULES[rule].name == "prompt part" and len(path) > 2 else ""
        groups.setdefault((rule, part), []).append(path)
    return tuple(
        _factor(RULES[rule], part, paths, retraced=retraced) for (rule, part), paths in sorted(groups.items())
    )


def changed_paths(base: BaseModel, head: BaseModel, at: Path) -> Iterator[Path]:
    """Yield the places in which two documents of one kind differ, as deep as :data:`OPENED` says."""
    for name in type(base).model_fields:
        path, old, new = (*at, name), getattr(base, name), getattr(head, name)
        if old == new or path[0] in NO_CAUSE:
            continue
        if path in OPENED and isinstance(old, BaseModel) and isinstance(new, BaseModel):
            yield from changed_paths(old, new, path)
        elif path in OPENED and isinstance(old, dict) and isinstance(new, dict):
            yield from ((*path, key) for key in {**old, **new} if old.get(key) != new.get(key))
        else:
            yield path


def _changed_texts(base: Case, head: Case) -> Iterator[Path]:
    """Yield the prompt parts whose file says something else, though the scenario may be the same."""
    for name in {**base.texts, **head.texts}:
        old, new = base.texts.get(name), head.texts.get(name)
        if old is None or new is None or old.sha256 != new.sha256:
            yield ("prompt", "parts", name)


def _covered(path: Path, changed: list[Path]) -> bool:
    return any(path[: len(known)] == known for known in changed)


def _rule_of(path: Path, *, retraced: bool) -> int:
    if retraced and any(path[: len(at)] == at for at in SIZES_OF_A_TRACE):
        return 0  # a trace tells volume and sizes at once
    if path == ("prompt", "parts"):  # one side sizes the prompt by parts, the other as a whole
        path = ("prompt", "input_tokens")
    return next(index for index, rule in enumerate(RULES) if any(path[: len(at)] == at for at in rule.at))


def _factor(rule: Rule, part: str, paths: list[Path], *, retraced: bool) -> Factor:
    name = f"{rule.name} {part}" if part else rule.name
    with_trace = retraced and rule is RULES[0]
    if with_trace:
        name = "recorded traffic"
    return Factor(kind=rule.kind, name=name, paths=tuple(paths), with_trace=with_trace)


def substituted(case: Case, source: Case, factor: Factor) -> Case:
    """Return a case with one factor as it is in another one."""
    scenario, texts = case.scenario, dict(case.texts)
    for path in factor.paths:
        scenario = grafted(scenario, source.scenario, path)
        if path[:2] == ("prompt", "parts"):
            touched = {path[2]} if len(path) > 2 else {*texts, *source.texts}
            kept = {name: text for name, text in texts.items() if name not in touched}
            texts = kept | {name: text for name, text in source.texts.items() if name in touched}
    changed = replace(case, scenario=scenario, texts=texts)
    return replace(changed, trace=source.trace, summary=source.summary) if factor.with_trace else changed


def grafted(target: Scenario, source: Scenario, path: Path) -> Scenario:
    """Return a scenario with the value at one place taken from another scenario. Both have the place's parents."""
    return target.model_copy(update={path[0]: _grafted(target, source, path)})


def _grafted(target: BaseModel, source: BaseModel, path: Path) -> object:
    """Return the new value of ``path[0]``."""
    step, rest = path[0], path[1:]
    theirs = getattr(source, step)
    if not rest:
        return theirs
    mine = getattr(target, step)
    if isinstance(mine, BaseModel):
        return mine.model_copy(update={rest[0]: _grafted(mine, theirs, rest)})
    others = {name: value for name, value in mine.items() if name != rest[0]}
    return others | {name: value for name, value in theirs.items() if name == rest[0]}
