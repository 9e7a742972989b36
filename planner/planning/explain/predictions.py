"""Derivations of what the serving model predicts of an option: the question that it was asked, and its profile."""

from __future__ import annotations

from datetime import date

from planner.planning.explain.derivation import (
    Derived,
    Function,
    Operand,
    modelled,
)
from planner.planning.explain.leaves import (
    Scene,
    hardware_leaf,
    model_leaf,
    value_at,
)
from planner.planning.explain.tokens import tokens_in
from planner.planning.hosting.capacity import capacities, latency_at
from planner.planning.workload.tokens import workload_hosted
from planner.specs.answers.estimate import HostingOption
from planner.specs.answers.explanation import Origin
from planner.specs.scenario.hosting import SelfHosted

OWN = "hosting.self_hosted"
PREDICTED = ("ttft_s", "tpot_s", "e2e_s", "requests_per_s_per_replica")


def option_at(s: Scene, at: str) -> HostingOption:
    """Return the option at a place of the report."""
    found: HostingOption = value_at(s.estimate, at)
    return found


def own_key(s: Scene, field: str) -> Operand:
    """Return a choice for own machines; the default where the scenario has no such section."""
    hosting = s.case.scenario.hosting
    if hosting is not None and hosting.self_hosted is not None:
        return s.key(f"{OWN}.{field}")
    head, _, rest = field.partition(".")
    default = SelfHosted.model_fields[head]
    value = default.get_default(call_default_factory=True)
    for step in rest.split(".") if rest else ():
        value = getattr(value, step)
    shown = ", ".join(value) if isinstance(value, tuple) else value
    return Operand(
        name=field,
        value=shown,
        origin=Origin(kind="default", place=f"{OWN}.{field}", source=default.description),
    )


def predicted(what: str, field: str) -> Function:
    """Return the derivation of one figure of a prediction: what the serving model was asked."""

    def derive(s: Scene, at: str) -> Derived:
        option = option_at(s, at)
        books = s.case.books
        model = books.models.find(option.model or "")
        device = books.hardware.find(option.gpu or "")
        peak = device.tflops.get("bf16") or device.tflops.get("fp16")
        targets = [
            s.key(f"slo.{name}") for name in type(s.case.scenario.slo).model_fields if name != "availability"
        ]
        workload = workload_hosted(s.case, s.estimate.workload, model)
        family = s.case.rules.open_family(model.family)
        operands = (
            model_leaf(model),
            Operand(name="quantization", value=option.quantization, origin=_quantization(s, option)),
            s.ref(f"{at}.gpus_per_replica"),
            hardware_leaf(device, "bandwidth_gb_per_s", device.bandwidth_gb_per_s),
            hardware_leaf(device, "tflops", peak),
            hardware_leaf(device, "memory_gib", device.memory_gib),
            _profile(s, option),
            tokens_in(s, workload, family, "input_tokens"),
            tokens_in(s, workload, family, "output_tokens"),
            s.ref("workload.peak_requests_per_s"),
            *(target for target in targets if target.value is not None),
        )
        asked = capacities if what == "requests_per_s_per_replica" else latency_at
        meaning = {"low": "lower end of the 80 % interval", "high": "upper end of the 80 % interval"}
        note = f"{meaning.get(field, 'best value')} of the serving model; `planner predict` shows its steps"
        return modelled(asked, *operands, note=note)

    return derive


def _quantization(s: Scene, option: HostingOption) -> Origin | None:
    if option.kind == "edge":
        return s.key("hosting.edge.quantization").origin
    return own_key(s, "quantization").origin


def _profile(s: Scene, option: HostingOption) -> Operand:
    measured = s.case.measured.get(option.profile or "")
    if measured is not None:
        origin = Origin(
            kind="profile",
            place=option.profile or "",
            file=option.profile,
            since=date.fromisoformat(measured.measured_on),
            source=f"measured on {measured.measured_on} with {measured.engine} {measured.engine_version} on "
            f"{measured.machine}: {measured.points} points, {measured.held_out_points} held out",
            trust=option.grade,
        )
        return Operand(name="profile", value=option.profile, origin=origin)
    file = "llamacpp" if option.kind == "edge" else "serving"
    used = option.plan.profile if option.plan is not None else file
    origin = Origin(
        kind="profile",
        place=f"planner/profiles/{file}.json {used}",
        source="coefficients of the step time, fitted to published measurements; see docs/accuracy.md",
        trust=option.grade,
    )
    return Operand(name="profile", value=used, origin=origin)
