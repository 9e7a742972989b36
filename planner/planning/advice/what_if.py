"""Advice followed, one piece after another, on top of a scenario."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from planner.errors import UsageError
from planner.planning.advice.changes import CHANGES, Ground
from planner.planning.advice.savings import OPTIONS
from planner.specs.answers.estimate import WhatIfStep


def followed(ground: Ground, advice_ids: Sequence[str]) -> tuple[Ground, tuple[WhatIfStep, ...]]:
    """Return the scenario with the advice followed in this order, and what each piece changed on the bill.

    Each step starts where the one before it ended, so the deltas sum to the difference of the first and last bill.

    Raises
    ------
    UsageError
        When there is no such advice, it changes no bill, or it cannot be followed here.
    """
    steps: list[WhatIfStep] = []
    for advice_id in advice_ids:
        _require_known(ground, advice_id)
        change = CHANGES[advice_id](ground)
        if isinstance(change, str):
            raise UsageError(
                f"--what-if {advice_id} changes nothing for {ground.case.scenario.name}: {change}",
                cure="the advice of its estimate says what can be followed; leave out scenarios where this cannot",
            )
        steps.append(
            WhatIfStep(
                id=advice_id,
                title=_titles(ground)[advice_id],
                assumption=change.assumption,
                usd_before=steps[-1].usd_after if steps else ground.usd,
                usd_after=change.after.usd,
            )
        )
        ground = change.after
    return ground, tuple(steps)


def _titles(ground: Ground) -> dict[str, str]:
    return {item.id: item.title for item in ground.case.rules.checklist}


def _require_known(ground: Ground, advice_id: str) -> None:
    if advice_id in CHANGES:
        return
    choices = ", ".join(CHANGES)
    if advice_id in _titles(ground):
        why = "is weighed among the options" if advice_id in OPTIONS else "changes no bill"
        raise UsageError(
            f"--what-if {advice_id}: this advice {why}", cure=f"advice to follow here: {choices}"
        )
    near = difflib.get_close_matches(advice_id, list(CHANGES), n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    raise UsageError(f"--what-if {advice_id}: there is no such advice", cure=f"{hint}choices: {choices}")
