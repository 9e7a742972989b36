"""The lowest rate-limit tier that holds a load, by each provider's own accounting and dated edition."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from itertools import islice
from math import inf

from planner.errors import DataError, UsageError
from planner.formulas.rate_limits import ALERT_FRACTION
from planner.planning.limits.limit_uses import Draw, counting_words, limit_draws, limit_uses
from planner.specs.answers.tier_check import LimitDemand, LimitUse, TierCheck, TierPlan, TierStatus
from planner.specs.base import Notice
from planner.specs.books.limits import ANY_MODEL, LimitClass, RateLimitEdition, Tier
from planner.units import percent

BATCH_KINDS = ("batch_queue_tokens", "batch_queue_requests")
STATUS_WORDS: dict[TierStatus, str] = {
    "holds": "holds",
    "tight": "is tight",
    "exceeded": "is exceeded",
    "unknown": "is not published",
}
Pool = tuple[LimitClass | None, tuple[LimitDemand, ...]]  # a bucket of the provider and who draws on it


def edition_in_force(
    editions: Iterable[RateLimitEdition], provider: str, as_of: date
) -> RateLimitEdition | None:
    """Return the provider's edition that holds on a date; ``None`` where none is published."""
    of_provider = [edition for edition in editions if edition.provider == provider]
    return next((each for each in of_provider if _holds(each.valid_from, each.valid_to, as_of)), None)


def limit_class(
    edition: RateLimitEdition, model: str, as_of: date, input_tokens: float = 0.0
) -> LimitClass | None:
    """Return the line of an edition that a model's requests fall under; ``None`` where it has none.

    A line that names the model goes before the line for the others, and the bucket of long requests before the
    ordinary one when the request is long enough for it.
    """
    name = model.split("/", 1)[-1]
    lines = [line for line in edition.limits if _holds(line.valid_from, line.valid_to, as_of)]
    fitting = [line for line in lines if (line.above_input_tokens or 0) <= input_tokens]
    for wanted in (name, ANY_MODEL):
        named = [line for line in fitting if wanted in line.models]
        if named:
            return max(named, key=lambda line: line.above_input_tokens or 0)
    return None


def tier_named(edition: RateLimitEdition, name: str) -> Tier:
    """Return a tier by id or name.

    Raises
    ------
    UsageError
        When the edition has no such tier, with those it has.
    """
    wanted = name.casefold().replace(" ", "_").replace("-", "_")
    for tier in edition.tiers:
        if wanted in (tier.id, tier.name.casefold().replace(" ", "_")):
            return tier
    raise UsageError(
        f"{edition.provider} has no tier {name!r} in the edition {edition.id}",
        cure=f"its tiers: {', '.join(tier.id for tier in edition.tiers)}",
    )


def tier_plan(
    editions: Iterable[RateLimitEdition],
    demands: Sequence[LimitDemand],
    as_of: date,
    *,
    current_tier: str | None = None,
    growth_per_month_fraction: float = 0.0,
    alert_fraction: float = ALERT_FRACTION,
    bill_usd_per_month: float = 0.0,
) -> TierPlan:
    """Check every tier of one provider against the load on its models.

    All demands must be on models of the same provider. Models that share a bucket are added up. A tier in which an
    account may not spend ``bill_usd_per_month`` is not the lowest that holds, where a higher one may.

    Raises
    ------
    UsageError
        When ``current_tier`` is a tier that the edition lacks.
    DataError
        When there is no demand, or the demands are on several providers.
    """
    provider = _one_provider(demands)
    edition = edition_in_force(editions, provider, as_of)
    if edition is None:
        return _unknown_plan(provider, as_of)
    have = tier_named(edition, current_tier) if current_tier is not None else None
    pools = _pools(edition, demands, as_of)
    checks = _checks(edition, edition.tiers, pools, growth_per_month_fraction, alert_fraction)
    lowest = _lowest(checks, bill_usd_per_month)
    current = next((check for check in checks if have is not None and check.tier == have.id), None)
    return TierPlan(
        provider=provider,
        as_of=as_of,
        edition=edition.id,
        source=edition.source,
        lowest=lowest,
        current=current,
        unknown=all(check.status == "unknown" for check in checks),
        checks=checks,
        notices=(
            *_notices(edition, lowest, current, checks),
            *_doubt(edition, current or lowest, pools, alert_fraction),
        ),
    )


def _lowest(checks: Sequence[TierCheck], bill_usd_per_month: float) -> TierCheck | None:
    """Return the tier to ask for: rather one that holds than a tight one, rather one that may spend the bill."""
    affording = [check for check in checks if (check.monthly_spend_limit_usd or inf) >= bill_usd_per_month]
    ranked = [
        check for status in ("holds", "tight") for check in (*affording, *checks) if check.status == status
    ]
    return ranked[0] if ranked else None


def _doubt(
    edition: RateLimitEdition, used: TierCheck | None, pools: tuple[Pool, ...], alert_fraction: float
) -> Iterator[Notice]:
    """Yield a warning where another way of counting that the provider writes of gives another verdict."""
    if used is None:
        return
    tier = next(each for each in edition.tiers if each.id == used.tier)
    for reading in edition.accounting.alternates:
        rules = edition.accounting.model_copy(update={"total_counts": reading.total_counts})
        counted = edition.model_copy(update={"accounting": rules})
        (other,) = _checks(counted, (tier,), pools, 0.0, alert_fraction)
        if other.status != used.status and other.tightest is not None:
            yield Notice(
                code="LIMITS-COUNTING",
                message=f"{edition.provider} counts {counting_words(edition.accounting)}; counting "
                f"{counting_words(rules)}, {tier.name} {STATUS_WORDS[other.status]}, "
                f"{percent(other.tightest.used_fraction)} used",
                cure=f"read x-ratelimit-remaining-tokens after a call; the other reading: {reading.source}",
            )


def _holds(valid_from: date | None, valid_to: date | None, as_of: date) -> bool:
    started = valid_from is None or valid_from <= as_of
    return started and (valid_to is None or as_of < valid_to)


def _one_provider(demands: Sequence[LimitDemand]) -> str:
    providers = sorted({demand.model.split("/", 1)[0] for demand in demands})
    if len(providers) != 1:
        raise DataError(
            f"a tier belongs to one provider, found {', '.join(providers) or 'none'}",
            cure="check the demands of one provider at a time",
        )
    return providers[0]


def _pools(edition: RateLimitEdition, demands: Sequence[LimitDemand], as_of: date) -> tuple[Pool, ...]:
    pools: dict[object, Pool] = {}
    for demand in demands:
        line = limit_class(edition, demand.model, as_of, demand.input_tokens)
        shared = line is not None and line.pooled
        key = (edition.limits.index(line), None if shared else demand.model) if line else demand.model
        drawn = pools[key][1] if key in pools else ()
        pools[key] = (line, (*drawn, demand))
    return tuple(pools.values())


def _checks(
    edition: RateLimitEdition,
    tiers: Sequence[Tier],
    pools: tuple[Pool, ...],
    growth_per_month_fraction: float,
    alert_fraction: float,
) -> tuple[TierCheck, ...]:
    """Return the check of each tier. The uses of all of them are computed at once."""
    drawn = [_drawn(edition, tier, pools) for tier in tiers]
    uses = iter(limit_uses([draw for draws, _ in drawn for draw in draws], growth_per_month_fraction))
    return tuple(
        _check(tier, tuple(islice(uses, len(draws))), unpublished, alert_fraction)
        for tier, (draws, unpublished) in zip(tiers, drawn, strict=True)
    )


def _drawn(
    edition: RateLimitEdition, tier: Tier, pools: tuple[Pool, ...]
) -> tuple[list[Draw], tuple[str, ...]]:
    """Return what draws on each limit of a tier, and the models for which it publishes none."""
    queued = [each for _, demands in pools for each in demands if each.batch_requests_queued]
    draws = list(limit_draws(edition.accounting, edition.batch_queue, tier.id, queued))
    shared_queue = bool(draws)
    unpublished: list[str] = []
    for line, demands in pools:
        found = limit_draws(edition.accounting, line, tier.id, demands)
        draws.extend(found)
        models = dict.fromkeys(demand.model for demand in demands)
        if not found:
            unpublished.extend(models)
        elif _unlimited_batches(demands, found, shared=shared_queue):
            unpublished.extend(f"batches of {model}" for model in models)
    return draws, tuple(unpublished)


def _unlimited_batches(demands: Sequence[LimitDemand], found: Sequence[Draw], *, shared: bool) -> bool:
    """Tell whether something waits in batches of which no limit is published: their own, or that of all models."""
    waiting = any(each.batch_requests_queued for each in demands)
    return waiting and not shared and not any(draw.kind in BATCH_KINDS for draw in found)


def _check(
    tier: Tier, uses: tuple[LimitUse, ...], unpublished: tuple[str, ...], alert_fraction: float
) -> TierCheck:
    return TierCheck(
        tier=tier.id,
        name=tier.name,
        status=_status(uses, unpublished, alert_fraction),
        requirement=tier.requirement,
        monthly_spend_limit_usd=tier.monthly_spend_limit_usd,
        uses=uses,
        unpublished=unpublished,
    )


def _status(uses: Sequence[LimitUse], unpublished: Sequence[str], alert_fraction: float) -> TierStatus:
    most = max((use.used_fraction for use in uses), default=0.0)
    if most > 1:
        return "exceeded"
    if unpublished or not uses:
        return "unknown"
    return "holds" if most <= alert_fraction else "tight"


def _unknown_plan(provider: str, as_of: date) -> TierPlan:
    notice = Notice(
        code="LIMITS-UNKNOWN",
        message=f"the books hold no rate limits of {provider} on {as_of}",
        cure="read them in the provider's console and add an edition to your own books",
    )
    return TierPlan(
        provider=provider,
        as_of=as_of,
        edition=None,
        source=None,
        lowest=None,
        current=None,
        unknown=True,
        checks=(),
        notices=(notice,),
    )


def _notices(
    edition: RateLimitEdition,
    lowest: TierCheck | None,
    current: TierCheck | None,
    checks: Sequence[TierCheck],
) -> Iterable[Notice]:
    known = [check for check in checks if check.status != "unknown"]
    if not known:
        found = {name for check in checks for name in check.unpublished}
        models = ", ".join(sorted(name for name in found if f"batches of {name}" not in found))
        yield Notice(
            code="LIMITS-UNKNOWN",
            message=f"{edition.id} publishes no limits for {models or 'these models'}",
            cure="read them in the provider's console and add a line to your own books",
        )
    elif lowest is None:
        yield Notice(
            code="LIMITS-EXCEEDED",
            message=f"no published tier of {edition.provider} holds the peak",
            cure="ask sales for a custom tier, spread the peak, or route a part elsewhere",
        )
    elif lowest.status == "tight":
        yield Notice(
            code="LIMITS-TIGHT",
            message=f"{lowest.name} of {edition.provider} holds the peak without headroom for the alert line",
            cure="ask for more, or spread the peak",
        )
    if current is not None and current.status == "exceeded":
        yield Notice(
            code="LIMITS-CURRENT",
            message=f"your tier {current.name} does not hold the peak",
            cure=f"you need {lowest.name}" if lowest is not None else None,
        )
