"""Derivations of the workload: volumes, shape over the day, token counts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from planner.formulas.traffic import (
    SHAPES,
    mean_requests_per_s,
    users_requests_per_month,
)
from planner.planning.explain.derivation import (
    Derived,
    Function,
    Operand,
    between,
    known,
    of,
    product,
    quotient,
    stated,
    total,
)
from planner.planning.explain.leaves import Scene, constant, file_leaf, value_at
from planner.planning.explain.sizes import KINDS, of_parts, of_sizes, part_amount, part_operand
from planner.specs.answers.explanation import Origin
from planner.specs.scenario.traffic import TokenSizes
from planner.units import SECONDS_PER_DAY

W = "workload"
A_DAY = constant("seconds_per_day", SECONDS_PER_DAY, "planner/units.py SECONDS_PER_DAY", "86,400 SI seconds")


def _requests_per_day(s: Scene) -> Derived:
    traffic, days = s.case.scenario.traffic, s.ref(f"{W}.days_per_month")
    if traffic.requests_per_day is not None:
        return stated(s.key("traffic.requests_per_day"))
    if traffic.requests_per_second is not None:
        return product(s.key("traffic.requests_per_second"), A_DAY)
    if traffic.requests_per_month is not None:
        return quotient(s.key("traffic.requests_per_month"), days)
    if traffic.users is not None:
        names = ("monthly_active", "sessions_per_user_per_month", "requests_per_session")
        made = of(users_requests_per_month, *(s.key(f"traffic.users.{name}") for name in names))
        users = traffic.users
        monthly = users.monthly_active * users.sessions_per_user_per_month * users.requests_per_session
        return quotient(between("requests_per_month", monthly, made), days)
    requests, seconds = _recorded(s, "requests"), _recorded(s, "duration_s")
    return Derived(
        rule="requests ÷ duration_s × seconds_per_day",
        operands=(requests, seconds, A_DAY),
        replay=lambda count, duration, day: count / duration * day,
    )


def _recorded(s: Scene, field: str, name: str | None = None) -> Operand:
    """Return a figure measured from the scenario's trace."""
    trace = known(s.trace, "a trace")
    source = f"measured from {trace.requests:,} requests"
    origin = Origin(kind="file", place=f"{trace.file} {field}", source=source)
    return Operand(name=name or field, value=value_at(trace, field), origin=origin)


def _hourly_weight(s: Scene, hour: int) -> Derived:
    shape = s.case.scenario.traffic.shape
    weights = SHAPES[shape] if isinstance(shape, str) else shape
    here = hour % len(weights)
    if isinstance(shape, str):
        place = f"planner/formulas/traffic.py SHAPES[{shape!r}][{here}]"
        weight = constant(
            "weight", weights[here], place, "the shape's comment says whether measured or assumed"
        )
        named: tuple[Operand, ...] = (s.key("traffic.shape"),)
    else:
        weight, named = s.key(f"traffic.shape[{here}]", "weight"), ()
    mean = between(
        "mean_weight",
        sum(weights) / len(weights),
        Derived(rule=f"mean of the {len(weights)} weights", operands=(s.key("traffic.shape"),)),
    )
    return Derived(
        rule="weight ÷ mean_weight",
        operands=(weight, mean, *named),
        replay=lambda top, bottom, *_: top / bottom,
    )


def _peak_to_mean(s: Scene) -> Derived:
    if s.case.scenario.traffic.peak_to_mean is not None:
        return stated(s.key("traffic.peak_to_mean"))
    if s.trace is not None:
        return stated(_recorded(s, "peak_to_mean"))
    return Derived(
        rule="largest of hourly_weights",
        operands=s.refs_of(f"{W}.hourly_weights", "hourly_weights"),
        replay=lambda *weights: max(weights),
    )


def _burstiness(s: Scene) -> Derived:
    return stated(_recorded(s, "burstiness") if s.trace is not None else s.key("traffic.burstiness"))


def _static_prefix(s: Scene) -> Derived:
    if s.case.scenario.prompt.static_prefix_tokens is not None:
        return stated(s.key("prompt.static_prefix_tokens"))
    parts = s.estimate.workload.parts
    static = [part_operand(s, index) for index, part in enumerate(parts) if part.static]
    if static:
        return total(*static)
    key = s.key("prompt.static_prefix_tokens")
    return Derived(rule="0: no part is marked static", operands=(key,), replay=lambda _: 0.0)


def _counted(s: Scene, index: int, which: int) -> Derived:
    text = known(s.estimate.workload.parts[index].text, "a prompt file")
    count = text.counts[which]
    origin = Origin(kind="file", place=text.file, source=f"counted with {count.counter}")
    return stated(Operand(name="tokens", value=count.tokens, origin=origin))


def _part_text(s: Scene, index: int, field: str) -> Derived:
    return stated(file_leaf(known(s.estimate.workload.parts[index].text, field), field))


def _part_kind(kind: str) -> Function:
    def derive(s: Scene, index: int) -> Derived:
        text = known(s.estimate.workload.parts[index].text, kind)
        return stated(file_leaf(text, kind, float(getattr(text.kinds, kind))))

    return derive


def _tokens(s: Scene, what: str, field: str) -> Derived:
    """Return one statistic of a token count, whichever way the scenario gave it."""
    sizes: TokenSizes | None = getattr(s.case.scenario.prompt, what)
    if sizes is not None:
        return of_sizes(s, sizes, f"prompt.{what}", field)
    if what == "input_tokens" and s.estimate.workload.parts:
        return of_parts(s, field)
    if what != "reasoning_tokens" and s.trace is not None:
        return stated(_recorded(s, f"{what}.{field}", field))
    return Derived(rule="0: none are stated", operands=(s.key(f"prompt.{what}"),), replay=lambda _: 0.0)


def _token_rows() -> Iterator[tuple[str, Function]]:
    for what in ("input_tokens", "output_tokens", "reasoning_tokens"):
        for field in ("mean", "p50", "p95", "p99", "sigma"):
            yield f"{W}.{what}.{field}", _token_row(what, field)


def _token_row(what: str, field: str) -> Function:
    return lambda s: _tokens(s, what, field)


WORKLOAD: Mapping[str, Function] = {
    f"{W}.requests_per_day": _requests_per_day,
    f"{W}.requests_per_month": lambda s: product(
        s.ref(f"{W}.requests_per_day"), s.ref(f"{W}.days_per_month")
    ),
    f"{W}.mean_requests_per_s": lambda s: of(mean_requests_per_s, s.ref(f"{W}.requests_per_day")),
    f"{W}.hourly_weights[*]": _hourly_weight,
    f"{W}.peak_to_mean": _peak_to_mean,
    f"{W}.peak_requests_per_s": lambda s: product(
        s.ref(f"{W}.mean_requests_per_s"), s.ref(f"{W}.peak_to_mean")
    ),
    f"{W}.burstiness": _burstiness,
    f"{W}.growth_per_month_fraction": lambda s: stated(s.key("traffic.growth_per_month")),
    f"{W}.horizon_months": lambda s: stated(s.key("traffic.horizon_months")),
    f"{W}.days_per_month": lambda s: stated(s.key("traffic.days_per_month")),
    f"{W}.static_prefix_tokens": _static_prefix,
    f"{W}.parts[*].amount": part_amount,
    f"{W}.parts[*].text.characters": lambda s, index: _part_text(s, index, "characters"),
    f"{W}.parts[*].text.counts[*].tokens": _counted,
    f"{W}.parts[*].text.words": lambda s, index: _part_text(s, index, "words"),
    **{f"{W}.parts[*].text.kinds.{kind}": _part_kind(kind) for kind in KINDS},
    **dict(_token_rows()),
}
