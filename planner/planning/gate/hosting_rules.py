"""Findings about options that no longer hold, and about the fitted coefficients behind the one that is chosen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

from planner.planning.gate.standing import Standing
from planner.planning.prediction.predict_llamacpp import stream_profile
from planner.specs.answers.estimate import HostingOption
from planner.specs.gate.finding import Finding
from planner.specs.profiles.serving import ServingProfile
from planner.specs.refusal import RefusalKind
from planner.specs.scenario.gates import RuleId

# reasons that a change of load, model or machine brings about; data rule and quality are the author's own words
PHYSICAL: tuple[RefusalKind, ...] = ("latency", "memory", "support", "market")


def hosting_findings(s: Standing) -> Iterator[Finding]:
    """Yield own machines that no longer hold: nothing else holds either, or they were what was chosen before."""
    chosen, options = s.estimate.recommendation.hosting, s.estimate.recommendation.options
    own = [option for option in options if option.kind != "api"]
    lost = _was_own(s, own) and all(option.refused for option in own)
    if chosen is not None and not lost:
        return
    physical = [option for option in own if _kinds(option) & set(PHYSICAL)]
    groups: dict[tuple[RuleId, str | None], list[HostingOption]] = {}
    for option in physical:
        groups.setdefault((_rule(option), option.model), []).append(option)
    for (rule, _), several in groups.items():
        yield _refused(s, rule, several, lost=lost)
    if chosen is None and not physical:
        yield _forbidden(s)


def _was_own(s: Standing, own: Sequence[HostingOption]) -> bool:
    """Tell whether what was chosen before is of a kind that is still weighed."""
    before = s.before.choice if s.before is not None else None
    return before is not None and any(option.kind == before.kind for option in own)


def _kinds(option: HostingOption) -> set[RefusalKind]:
    return {refusal.kind for refusal in option.refused}


def _rule(option: HostingOption) -> RuleId:
    return "SLO" if "latency" in _kinds(option) else "FIT"


def _refused(s: Standing, rule: RuleId, options: Sequence[HostingOption], *, lost: bool) -> Finding:
    """Return one finding about a model that no option of a kind serves; the first option stands for all."""
    first, slo = options[0], rule == "SLO"
    reason = next(refusal for refusal in first.refused if refusal.kind in PHYSICAL)
    before = " (it was the choice before)" if lost else ""
    others = f"; none of {len(options)} options holds" if len(options) > 1 else ""
    return s.finding(
        rule,
        "slo" if slo else f"hosting.{first.kind}",
        f"{first.name}{before}: {reason}{others}",
        subject=first.name if len(options) == 1 else first.model or first.name,
        expected="one option that holds the targets" if slo else "weights and KV cache within the memory",
        found=str(reason),
        cure="relax the target, take a faster GPU or a smaller model"
        if slo
        else "take more GPUs, a smaller quantization or context: see `planner fit`",
    )


def _forbidden(s: Standing) -> Finding:
    """Return the finding of a scenario whose own rules leave no option."""
    options = s.estimate.recommendation.options
    reasons = dict.fromkeys(str(refusal) for option in options for refusal in option.refused)
    return s.finding(
        "FIT",
        "constraints.data",
        f"no option may serve it: {'; '.join(reasons) or 'none is named'}",
        subject="no option",
        expected="one option that the scenario's own rules allow",
        found=f"{len(options)} refused" if options else "none",
        cure="change constraints.data, add a candidate under hosting, or state quality_equivalent for a model as good",
    )


def profile_findings(s: Standing) -> Iterator[Finding]:
    """Yield the coefficients behind the chosen option that are older than the gate allows."""
    chosen = s.estimate.recommendation.hosting
    if chosen is None or chosen.kind == "api":
        return
    measured = s.case.measured.get(chosen.profile or "")
    if measured is not None:
        day = date.fromisoformat(measured.measured_on)
        yield from _old(s, chosen.profile or measured.model, f"{chosen.profile} was measured", day)
        return
    if chosen.kind == "self_hosted":
        memory = s.case.vllm_memory
        yield from _old(s, memory.engine, f"the memory profile of {memory.engine} was fitted", memory.fitted)
    profile = _serving_profile(s, chosen)
    if profile is not None and profile.fitted is not None:
        about = f"the profile {profile.id} ({profile.engine} {profile.engine_versions}) was fitted"
        yield from _old(s, profile.id, about, profile.fitted)


def _serving_profile(s: Standing, chosen: HostingOption) -> ServingProfile | None:
    """Return the shipped coefficients behind an option's speed."""
    if chosen.kind == "edge" and chosen.gpu is not None:
        profile, _, _ = stream_profile(s.case.profiles, s.case.books.hardware.find(chosen.gpu))
        return profile
    return next((each for each in s.case.profiles if each.id == chosen.profile), None)


def _old(s: Standing, subject: str, about: str, day: date) -> Iterator[Finding]:
    """Yield what is older than the gate allows; ``about`` ends in ``was fitted`` or ``was measured``."""
    age = (s.today - day).days
    if age > s.gates.max_profile_age_days:
        yield s.finding(
            "PROFILE-STALE",
            "hosting",
            f"{about} on {day.isoformat()}, {age} days ago",
            subject=subject,
            severity="warning",
            expected=f"{about.rsplit(' ', 1)[-1]} within {s.gates.max_profile_age_days} days",
            found=f"{age} days",
            cure="measure the engine version in use, and fit again: planner bench --calibrate",
        )
