"""From an estimate to the figures that a lock remembers and that a diff compares."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date
from typing import overload

import numpy as np

from planner.errors import DataError, UsageError
from planner.formulas.bands import joint_reach_usd
from planner.planning.bill.calls import price_calls
from planner.planning.bill.draws import Billed
from planner.planning.bill.uncertainty import banded_swings
from planner.planning.hosting.configurations import Workbench
from planner.planning.lock.figures import Figures, figures_of
from planner.planning.memory.architecture import unpack
from planner.planning.memory.fit import fit_vllm
from planner.planning.recommend import cheapest_option, ranked_options
from planner.planning.workload.trace import summary_of
from planner.planning.workload.workload import part_tokens, workload_of
from planner.specs.answers.estimate import ApiCost, Estimate, HostingOption, ModelCost, TierAdvice
from planner.specs.answers.fit import FitRequest
from planner.specs.base import Quantity
from planner.specs.case import Case
from planner.specs.gate.outcome import Band, Choice, ModelOutcome, Outcome, SwingOutcome, TierOutcome
from planner.specs.scenario.uncertainty import Swing
from planner.specs.scenario.workload import Workload

DIGITS = 12  # significant digits that are kept: beyond them processors and libraries differ


def outcome_of(case: Case, estimate: Estimate) -> Outcome:
    """Return the figures of an estimate, rounded to twelve significant digits."""
    advice = estimate.recommendation
    found = Figures(
        workload=estimate.workload,
        cost=estimate.cost,
        priced=price_calls(case, estimate.workload, estimate.as_of),
        tiers=advice.provider_tiers,
        options=advice.options,
    )
    return _outcome(case, found, estimate.as_of)


def outcome_at(case: Case, as_of: date, workbench: Workbench) -> Outcome:
    """Return the figures of a scenario at the prices of a date, without a whole estimate.

    Raises as :func:`planner.planning.lock.figures.figures_of` does.
    """
    found = figures_of(case, workload_of(case.scenario, case.texts, summary_of(case)), as_of, workbench)
    return _outcome(case, found, as_of)


def _outcome(case: Case, found: Figures, as_of: date) -> Outcome:
    workload, cost = found.workload, found.cost
    ranked = ranked_options(found.options)
    chosen = cheapest_option(ranked)
    by_api = chosen is not None and chosen.kind == "api"
    billed = Billed(case=case, workload=workload, priced=found.priced, as_of=as_of)
    # Only the API's bill follows the uncertain inputs one by one; a machine's cost steps with the capacity (_cost_band).
    swings: dict[str, SwingOutcome] = (
        {each.input: _swing(each) for each in banded_swings(billed)} if by_api else {}
    )
    exact = Outcome(
        usd_per_month=chosen.usd_per_month if chosen is not None else None,
        usd_per_month_band=_bill_band(cost, swings) if by_api else _cost_band(chosen),
        api_usd_per_month=cost.usd_per_month,
        api_usd_per_request=cost.usd_per_request,
        api_swings=swings,
        api_lines={line.name: line.usd_per_month for line in cost.lines},
        by_model={model.model: _model(model) for model in cost.by_model},
        choice=_choice(chosen),
        requests_per_month=workload.requests_per_month,
        input_tokens=workload.input_tokens.mean,
        output_tokens=workload.output_tokens.mean,
        reasoning_tokens=workload.reasoning_tokens.mean,
        part_tokens={part.name: part_tokens(part) for part in workload.parts},
        ttft_p95_s=_band(chosen.ttft_s) if chosen is not None else None,
        tpot_p95_s=_band(chosen.tpot_s) if chosen is not None else None,
        tiers={tier.provider: _tier(tier) for tier in found.tiers},
        memory_headroom_fraction=_headroom(case, chosen, workload),
        break_even_requests_per_day=_break_even(ranked),
    )
    return Outcome.model_validate(rounded(exact.model_dump()))


@overload
def rounded(value: float) -> float: ...
@overload
def rounded(value: dict[str, object]) -> dict[str, object]: ...
@overload
def rounded(value: object) -> object: ...
def rounded(value: object) -> object:
    """Return a plain value with every float in it rounded to twelve significant digits."""
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}")
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    return tuple(rounded(item) for item in value) if isinstance(value, tuple) else value


def _model(cost: ModelCost) -> ModelOutcome:
    return ModelOutcome(
        share=cost.share,
        requests_per_month=cost.requests_per_month,
        usd_per_request=cost.usd_per_request,
        usd_per_month=cost.usd_per_month,
        lines={line.name: line.usd_per_month for line in cost.lines},
    )


def _choice(option: HostingOption | None) -> Choice | None:
    if option is None:
        return None
    return Choice(
        kind=option.kind,
        name=option.name,
        model=option.model,
        gpu=option.gpu,
        gpus_per_replica=option.gpus_per_replica,
        replicas=option.replicas,
        machines=option.machines,
        rental=option.rental,
        purchase=option.purchase,
        quantization=option.quantization,
        usd_per_hour=option.usd_per_hour,
    )


def _tier(advice: TierAdvice) -> TierOutcome:
    return TierOutcome(
        tier=advice.shown_tier, holds=advice.holds, limit=advice.limit, used_fraction=advice.used_fraction
    )


def _band(quantity: Quantity | None) -> Band | None:
    if quantity is None:
        return None
    return Band(value=quantity.value, low=quantity.low, high=quantity.high, grade=quantity.grade)


def _swing(swing: Swing) -> SwingOutcome:
    return SwingOutcome(at_low=swing.usd_at_low, at_high=swing.usd_at_high)


def _bill_band(cost: ApiCost, swings: Mapping[str, SwingOutcome]) -> Band | None:
    """Return the bill with all of its uncertain inputs, which are independent of each other."""
    if not swings:
        return None
    usd = cost.usd_per_month
    ends = [[each.at_low - usd, each.at_high - usd] for each in swings.values()]
    down, up = joint_reach_usd(*np.transpose(ends))
    return Band(value=usd, low=max(usd - down, 0.0), high=usd + up, grade="assumed")


def _cost_band(option: HostingOption | None) -> Band | None:
    """Return the cost with the machines that the low and the high end of the predicted capacity take."""
    if option is None:
        return None
    usd, machines, served = option.usd_per_month, option.machines, option.requests_per_s_per_replica
    if usd is None or not machines or served is None or served.low <= 0:
        return None
    fewest, most = (math.ceil(machines * served.value / end) for end in (served.high, served.low))
    each = usd / machines
    return Band(value=usd, low=each * fewest, high=each * most, grade=served.grade)


def _break_even(ranked: Sequence[HostingOption]) -> float | None:
    """Return from how many requests the cheapest machine that holds costs less than the API. [requests/day]"""
    known = (option.break_even_requests_per_day for option in ranked if not option.refused)
    return next((requests for requests in known if requests is not None), None)


def _headroom(case: Case, option: HostingOption | None, workload: Workload) -> float | None:
    """Return the share of a replica's KV pool that the peak leaves free, by Little's law. [1]"""
    if option is None or option.kind != "self_hosted":
        return None
    served, load = option.requests_per_s_per_replica, option.utilisation_fraction
    if served is None or load is None or option.ttft_s is None or option.tpot_s is None:
        return None
    pool = _pool_tokens(case, option, workload)
    if not pool:
        return None
    output = workload.output_tokens.mean + workload.reasoning_tokens.mean
    seconds = option.ttft_s.value + option.tpot_s.value * max(output - 1, 0.0)
    in_flight = served.value * load * seconds
    return 1 - in_flight * (workload.input_tokens.mean + output) / pool


def _pool_tokens(case: Case, option: HostingOption, workload: Workload) -> float | None:
    own = case.scenario.hosting.self_hosted if case.scenario.hosting is not None else None
    tokens = (workload.input_tokens, workload.output_tokens, workload.reasoning_tokens)
    request = FitRequest(
        quantization=option.quantization or "auto",
        kv_dtype=own.kv_dtype if own is not None else "auto",
        tensor_parallel=option.gpus_per_replica or 1,
        context_tokens=max(math.ceil(sum(each.p99 for each in tokens)), 1),
    )
    model = case.books.models.find(option.model or "")
    gpu = case.books.hardware.find(option.gpu or "")
    try:
        return float(fit_vllm(unpack(model), gpu, request, case.vllm_memory).kv_pool_tokens)
    except (UsageError, DataError):  # the serving model knows a quantization that the memory model does not
        return None
