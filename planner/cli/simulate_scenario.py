"""``planner simulate SCENARIO``: one replica of the machines that the scenario's estimate would choose, at its peak."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from planner.cli.options import today
from planner.cli.step_profiles import local_machine
from planner.errors import UsageError
from planner.inputs.estimating import read_all
from planner.inputs.step_profiles import load_step_profiles
from planner.planning.estimate import workbench_for
from planner.planning.hosting.candidates import Sized, Weighed
from planner.planning.hosting.chosen_machines import (
    PeakTraffic,
    cheapest_machines,
    peak_traffic,
    weighed_machines,
)
from planner.planning.hosting.peak_simulation import peak_share
from planner.records import dataclass
from planner.specs.answers.estimate import HostingOption
from planner.specs.answers.prediction import PredictRequest
from planner.specs.answers.simulated import PeakShare
from planner.specs.answers.simulation import RequestBatch
from planner.specs.books.books import Books
from planner.specs.case import Case
from planner.specs.scenario.hosting import SelfHosted
from planner.specs.scenario.scenario import Slo
from planner.units import Count

SIZED = frozenset({"vllm", "sglang", "tensorrt-llm"})  #: engines that an estimate sizes machines for
AUTO = "auto"


@dataclass(frozen=True, kw_only=True, slots=True)
class Flags:
    """What the command line says; what it leaves open is ``None`` or auto, and the estimate's choice."""

    model: str | None
    gpu: str | None
    engine: str | None
    tensor_parallel: Count | None
    replicas: Count | None
    profile: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class ServedShare:
    """One replica's configuration and its requests, and where both come from."""

    model: str | None
    gpu: str | None
    request: PredictRequest
    batch: RequestBatch
    share: PeakShare | None = None
    slo: Slo | None = None


def scenario_share(
    path: Path,
    flags: Flags,
    request: PredictRequest,
    *,
    draw: tuple[int, np.random.Generator],
    sets: tuple[str, ...],
    folders: tuple[Path, ...],
) -> tuple[ServedShare, Books]:
    """Return the replica of a scenario at its peak, with the books in which it stands, the scenario's own among them.

    Raises
    ------
    InputError
        When the scenario or a file that it names is missing or broken.
    UsageError
        When nothing says what serves the requests.
    """
    if path.is_dir():
        raise UsageError(f"{path} is a folder", cure="name one of its scenarios")
    measured = load_step_profiles(flags.profile)
    (case,) = read_all((path,), sets, folders, measured)
    hosting = case.scenario.hosting
    own = hosting.self_hosted if hosting is not None else None
    engine = flags.engine or (own.engine if own is not None else "vllm")
    request = replace(request, engine=engine)
    if flags.profile in (None, "none") and engine in SIZED:
        narrowed = _narrowed(own or SelfHosted(), flags, request)
        bench = workbench_for((case,), local_machine(measured))
        weighed = weighed_machines(case, narrowed, case.scenario.as_of or today(), bench)
        best = cheapest_machines(weighed)
        if best is not None:
            return _of_estimate(case, *best, flags, request, draw=draw), case.books
        if flags.gpu is None:
            raise _nothing(weighed)
    return _of_flags(case, own, flags, request, draw), case.books


def _narrowed(own: SelfHosted, flags: Flags, request: PredictRequest) -> SelfHosted:
    """Return what the scenario allows, narrowed to what the command line asks for."""
    asked = {
        "models": None if flags.model is None else (flags.model,),
        "gpus": None if flags.gpu is None else (flags.gpu,),
        "tensor_parallel": flags.tensor_parallel,
        "engine": request.engine,
        "quantization": None if request.quantization == AUTO else (request.quantization,),
        "kv_dtype": None if request.kv_dtype == AUTO else request.kv_dtype,
    }
    return own.model_copy(update={name: value for name, value in asked.items() if value is not None})


def _of_estimate(
    case: Case,
    option: HostingOption,
    sized: Sized,
    flags: Flags,
    request: PredictRequest,
    *,
    draw: tuple[int, np.random.Generator],
) -> ServedShare:
    configuration, held = sized.choice.candidate.configuration, sized.choice.fleet
    traffic = peak_traffic(case, configuration.model)
    serving = flags.replicas or held.loaded
    as_sized = serving == held.loaded
    share = PeakShare(
        peak_requests_per_s=traffic.requests_per_s,
        serving_replicas=serving,
        machines=option.name,
        replicas=held.replicas if as_sized else None,
        refused=tuple(str(reason) for reason in option.refused),
    )
    return ServedShare(
        model=configuration.model.id,
        gpu=configuration.hardware.id,
        request=replace(
            request,
            quantization=configuration.quantization,
            kv_dtype=sized.plan.own.kv_dtype,
            tensor_parallel=configuration.gpus,
        ),
        batch=_drawn(traffic, serving, draw),
        share=share,
        slo=case.scenario.slo,
    )


def _of_flags(
    case: Case,
    own: SelfHosted | None,
    flags: Flags,
    request: PredictRequest,
    draw: tuple[int, np.random.Generator],
) -> ServedShare:
    """Return what the flags say where the estimate sizes nothing: other engines, and GPUs that no one rents out."""
    model = flags.model or (own.models[0] if own is not None and own.models else None)
    gpu = flags.gpu or (own.gpus[0] if own is not None and own.gpus else None)
    traffic = peak_traffic(case, None if model is None else case.books.models.find(model))
    if own is not None and request.quantization == AUTO:
        request = replace(request, quantization=own.quantization[0])
    serving = flags.replicas or 1
    return ServedShare(
        model=model,
        gpu=gpu,
        request=request,
        batch=_drawn(traffic, serving, draw),
        share=PeakShare(peak_requests_per_s=traffic.requests_per_s, serving_replicas=serving, machines=None),
        slo=case.scenario.slo,
    )


def _drawn(traffic: PeakTraffic, serving: int, draw: tuple[int, np.random.Generator]) -> RequestBatch:
    requests, generator = draw
    return peak_share(traffic.demand, traffic.requests_per_s / serving, requests, generator)


def _nothing(weighed: Sequence[Weighed]) -> UsageError:
    """Word that nothing serves the scenario: nothing was asked, or all that was asked is refused."""
    reasons = dict.fromkeys(f"{each.option.name}, {each.option.refused[0]}" for each in weighed)
    if not reasons:
        return UsageError(
            "say what serves the requests",
            cure="give --model and --gpu, --profile FILE, or hosting.self_hosted in the scenario",
        )
    words = {reason.rpartition(": ")[2] for reason in reasons}
    return UsageError(
        f"no machines serve the scenario: {'; '.join(words if len(words) == 1 else reasons)}",
        cure="allow others with --model, --tensor-parallel or --quantization; --gpu simulates one of that GPU all the same",
    )
