"""Each kind of call that a scenario makes with its price: by line, on the account's terms, at the hours it is made."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date

from planner.errors import DataError
from planner.planning.bill.flow import Call, calls_of
from planner.planning.bill.mean_cost import MeanTokens, mean_cost_lines
from planner.planning.bill.off_peak import off_peak_fraction, utc_weights
from planner.planning.bill.pricing import price_in_force, price_sheet
from planner.planning.bill.prompt_cache import prefix_caching
from planner.planning.bill.request_cost import fees_usd, refuse_too_long
from planner.planning.bill.response_caches import reaching_fraction
from planner.planning.workload.tokens import workload_in
from planner.records import dataclass
from planner.specs.answers.prompt_cache import PrefixCaching
from planner.specs.answers.request_cost import PriceSheet, PriceUsed
from planner.specs.base import Notice
from planner.specs.books.price import STANDARD, ApiModel, Contract, Ttl
from planner.specs.case import Case
from planner.specs.scenario.scenario import Account
from planner.specs.scenario.workload import Workload

LINES = ("input", "cached input", "cache writes", "output", "reasoning", "tool calls")
NO_ACCOUNT = Account()


@dataclass(frozen=True, kw_only=True, slots=True)
class PricedCall:
    """One kind of call with what a single call of it costs, line by line in the order of ``LINES``. [USD]

    ``workload`` is the scenario's in the tokens of the call's model.
    ``storage_usd_per_day`` keeps the explicit prompt cache of the model; it does not depend on the calls.
    """

    call: Call
    workload: Workload
    sheet: PriceSheet
    used: PriceUsed
    usd_by_line: tuple[float, ...]
    caching: PrefixCaching | None
    notices: tuple[Notice, ...]

    @property
    def usd(self) -> float:
        """What one call costs. [USD]"""
        return sum(self.usd_by_line)


@dataclass(frozen=True, kw_only=True, slots=True)
class Buyer:
    """What is the same for all calls of a scenario: case, workload, date, and the share that reaches the models."""

    case: Case
    workload: Workload
    as_of: date
    reaching_fraction: float

    def account(self, provider: str) -> Account:
        """Return the account at a provider; without one the list price holds."""
        return self.case.scenario.accounts.get(provider, NO_ACCOUNT)

    def contract(self, model: ApiModel) -> Contract | None:
        """Return the contract that the scenario names for a model or for all models of its provider."""
        named = self.account(model.provider).contract
        contract = self.case.books.contracts[named] if named is not None else None
        return contract if contract is not None and contract.covers(model.id) else None


def price_calls(case: Case, workload: Workload, as_of: date) -> tuple[PricedCall, ...]:
    """Price every kind of call of a scenario.

    Raises
    ------
    DataError
        When a model has no price on that date, in that mode or region, for that tool, or a contract does not hold.
    UsageError
        When the mean request is longer than a model's context window.
    """
    buyer = Buyer(case=case, workload=workload, as_of=as_of, reaching_fraction=reaching_fraction(case))
    calls = calls_of(case)
    _refuse_unsold_cache(case, calls)
    return tuple(priced(part, buyer) for call in calls for part in _by_hour(call, buyer))


def _refuse_unsold_cache(case: Case, calls: Sequence[Call]) -> None:
    """Refuse a lifetime that no model of the scenario offers; where one does, the others keep their default."""
    cache = case.scenario.caching.prompt
    if cache is None or not cache.enabled or cache.ttl is None:
        return
    offered = {ttl for call in calls if call.model.cache is not None for ttl in call.model.cache.ttls}
    if cache.ttl not in offered and offered:
        raise DataError(
            f"no model of this scenario keeps prompt prefixes for {cache.ttl}",
            cure=f"caching.prompt.ttl: {', '.join(sorted(offered))}",
        )


def _by_hour(call: Call, buyer: Buyer) -> Iterator[Call]:
    """Split a call into its part at the vendor's full price and its part in off-peak hours."""
    # Off-peak prices are the standard mode's; batch and flex have their discount at every hour.
    offpeak = price_in_force(call.model, buyer.as_of).offpeak if call.mode == STANDARD else None
    if offpeak is None:
        yield call
        return
    weights = utc_weights(buyer.workload.hourly_weights, buyer.case.scenario.traffic.utc_offset_hours)
    cheap = off_peak_fraction(offpeak, weights)
    for off_peak, part in ((False, 1 - cheap), (True, cheap)):
        if part > 0:
            yield replace(call, share=call.share * part, off_peak=off_peak, hours_fraction=part)


def priced(call: Call, buyer: Buyer) -> PricedCall:
    """Price one kind of call, in the tokens of its model. Raises as :func:`price_calls` does."""
    buyer = replace(buyer, workload=workload_in(buyer.case, buyer.workload, call.model))
    workload, account = buyer.workload, buyer.account(call.model.provider)
    sheet = price_sheet(
        call.model,
        buyer.as_of,
        mode=call.mode,
        ttl=_lifetime(call, buyer),
        region=account.region,
        off_peak=call.off_peak,
        contract=buyer.contract(call.model),
    )
    caching = _caching(call, sheet, buyer)
    read, write = (caching.cached_read_tokens, caching.cache_write_tokens) if caching else (0.0, 0.0)
    generated = workload.output_tokens.mean + workload.reasoning_tokens.mean
    # Only the mean is refused: that some prompts of a spread are too long is a warning, _too_long.
    refuse_too_long(sheet, workload.input_tokens.mean, generated)
    fees = fees_usd(sheet, buyer.case.scenario.prompt.paid_calls)
    lines = (*_mean_lines(sheet, workload, read, write), fees)
    return PricedCall(
        call=call,
        workload=workload,
        sheet=sheet,
        used=sheet.used,
        usd_by_line=tuple(line * call.billed for line in lines),
        caching=caching,
        notices=(*sheet.notices, *(caching.notices if caching else ()), *_too_long(sheet, workload)),
    )


def _lifetime(call: Call, buyer: Buyer) -> Ttl | None:
    cache, rules = buyer.case.scenario.caching.prompt, call.model.cache
    if cache is None or rules is None or cache.ttl not in rules.ttls:
        return None
    return cache.ttl


def _caching(call: Call, sheet: PriceSheet, buyer: Buyer) -> PrefixCaching | None:
    cache, workload = buyer.case.scenario.caching.prompt, buyer.workload
    if cache is None or not cache.enabled:
        return None
    rate = workload.mean_requests_per_s * buyer.reaching_fraction * call.all_hours_share
    return prefix_caching(
        call.model,
        sheet,
        buyer.as_of,
        static_prefix_tokens=workload.static_prefix_tokens,
        input_tokens=workload.input_tokens.mean,
        requests_per_s_by_hour=[rate * weight for weight in workload.hourly_weights],
        distinct_prefixes=cache.distinct_prefixes,
        hit_rate=cache.hit_rate,
        stored_hours_per_day=cache.stored_hours_per_day,
        ready_s=cache.ready_s,
    )


def _mean_lines(sheet: PriceSheet, workload: Workload, read: float, write: float) -> tuple[float, ...]:
    """Return the mean of each line of tokens over the spread of prompt lengths, in the order of ``LINES``. [USD]"""
    output, hidden = workload.output_tokens.mean, workload.reasoning_tokens.mean
    tokens = MeanTokens(workload.input_tokens.mean, output, hidden, read, write)
    lines = mean_cost_lines(sheet, tokens, workload.input_tokens.sigma)
    # Hidden tokens have no price of their own: their line is their part of what all generated tokens cost.
    generated = float(lines.output_usd)
    hidden_usd = generated * hidden / (output + hidden) if hidden else 0.0
    return (
        float(lines.input_usd),
        float(lines.cached_usd),
        float(lines.cache_write_usd),
        generated - hidden_usd,
        hidden_usd,
    )


def _too_long(sheet: PriceSheet, workload: Workload) -> tuple[Notice, ...]:
    window = sheet.max_input_tokens or sheet.context_window_tokens
    longest = workload.input_tokens.p99
    if window is None or longest <= window:
        return ()
    message = f"1 % of the prompts are longer than {longest:,.0f} tokens; {sheet.used.model} takes {window:,}"
    return (
        Notice(code="CONTEXT", message=message, cure="shorten the longest prompts or route them elsewhere"),
    )
