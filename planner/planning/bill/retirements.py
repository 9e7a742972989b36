"""When the models of a scenario are retired, and the bill with their successors on those days."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

from planner.errors import DataError, UsageError
from planner.planning.bill.api_cost import monthly_bill
from planner.planning.workload.trace import summary_of
from planner.planning.workload.workload import workload_of
from planner.specs.answers.retirement import Retirement
from planner.specs.books.price import ApiModel
from planner.specs.case import Case
from planner.specs.scenario.scenario import ModelShare

ONE_DAY = timedelta(days=1)


def retirements(case: Case, as_of: date, until: date) -> tuple[Retirement, ...]:
    """Return every retirement that a scenario meets up to a day, in order of time, those of the past among them.

    A successor that is itself retired before ``until`` follows with its own. Models that left the price lists
    without a date come last.
    """
    found: dict[str, Retirement] = {}
    waiting = list(_models(case))
    while waiting:
        model = waiting.pop(0)
        ends = model.lifecycle.retired_on
        gone = model.lifecycle.status == "unlisted" and ends is None
        if model.id in found or (not gone and (ends is None or ends > until)):
            continue
        found[model.id] = _retirement(case, model, as_of)
        if model.lifecycle.successor is not None:
            waiting.append(case.books.api.find(model.lifecycle.successor))
    return tuple(sorted(found.values(), key=lambda each: (each.on or date.max, each.model)))


def _models(case: Case) -> Iterator[ApiModel]:
    for entry in case.scenario.models:
        named = (entry.model, *(stage.model for stage in entry.cascade or ()))
        yield from (case.books.api.find(name) for name in named if name is not None)
    if case.scenario.reliability.failover_model is not None:
        yield case.books.api.find(case.scenario.reliability.failover_model)


def _retirement(case: Case, model: ApiModel, as_of: date) -> Retirement:
    life = model.lifecycle
    day = max(life.retired_on or as_of, as_of)
    before, _ = _bill(case, day - ONE_DAY if day > as_of else as_of)
    after, why = _bill(case, day) if life.successor is not None else (None, "no successor is named")
    return Retirement(
        scenario=case.scenario.name,
        file=case.file,
        model=model.id,
        on=life.retired_on,
        successor=life.successor,
        usd_before=before if life.retired_on is None or life.retired_on > as_of else None,
        usd_after=after if life.retired_on is not None else None,
        reason=why if life.retired_on is not None else f"not in the price lists since {life.last_seen}",
    )


def _bill(case: Case, day: date) -> tuple[float | None, str | None]:
    """Return the month's bill with what can be bought on a day, or why there is none. [USD/month]"""
    try:
        current = _with_successors(case, day)
        workload = workload_of(current.scenario, current.texts, summary_of(current))
        return monthly_bill(current, workload, day).usd, None
    except (DataError, UsageError) as error:
        return None, str(error)


def _with_successors(case: Case, day: date) -> Case:
    """Return the case with every model that is retired by a day replaced by what follows it then."""
    scenario = case.scenario
    entries = tuple(_entry(case, entry, day) for entry in scenario.models)
    backup = scenario.reliability.failover_model
    rules = scenario.reliability.model_copy(
        update={"failover_model": _following(case, backup, day) if backup is not None else None}
    )
    prompt = scenario.prompt.model_copy(update={"counted_with": _counted_with(case)})
    update = {"models": entries, "reliability": rules, "prompt": prompt}
    return replace(case, scenario=scenario.model_copy(update=update))


def _counted_with(case: Case) -> str | None:
    """Return whose tokens the scenario counts, so that a successor gets the same text and not the same tokens.

    What is stated holds; else the family of the scenario's models, where all of them take as many tokens a word.
    """
    families = [case.rules.family(model.tokenizer) for model in _models(case)]
    alike = len({family.words_per_token for family in families}) == 1
    return case.scenario.prompt.counted_with or (families[0].id if alike else None)


def _entry(case: Case, entry: ModelShare, day: date) -> ModelShare:
    if entry.model is not None:
        return entry.model_copy(update={"model": _following(case, entry.model, day)})
    stages = tuple(
        stage.model_copy(update={"model": _following(case, stage.model, day)})
        for stage in entry.cascade or ()
    )
    return entry.model_copy(update={"cascade": stages})


def _following(case: Case, name: str, day: date) -> str:
    """Return the model, or the first of its successors that is still sold on a day.

    Raises
    ------
    DataError
        When a retired model has no successor, or one that leads back to it.
    """
    model, passed = case.books.api.find(name), set[str]()
    while model.lifecycle.retired_on is not None and model.lifecycle.retired_on <= day:
        passed.add(model.id)
        if model.lifecycle.successor in passed:
            raise DataError(f"the successors of {model.id} lead back to {model.lifecycle.successor}")
        if model.lifecycle.successor is None:
            raise DataError(f"{model.id} was retired on {model.lifecycle.retired_on} without a successor")
        model = case.books.api.find(model.lifecycle.successor)
    return model.id
