"""Derivations of the tokens of a call: the workload's, in the tokenizer of its model."""

from __future__ import annotations

from planner.planning.bill.calls import PricedCall
from planner.planning.explain.derivation import Operand, between, product
from planner.planning.explain.leaves import Scene
from planner.specs.answers.explanation import Origin
from planner.specs.books.tokenizer import TokenizerFamily
from planner.specs.scenario.workload import Workload


def tokens_of(s: Scene, call: PricedCall, what: str) -> Operand:
    """Return a token count of one call; the workload's own where the model counts text as everybody does."""
    return tokens_in(s, call.workload, s.case.rules.family(call.call.model.tokenizer), what)


def tokens_in(s: Scene, workload: Workload, family: TokenizerFamily, what: str) -> Operand:
    """Return a token count of a workload in the tokens of a family."""
    path = f"workload.{what}" if what == "static_prefix_tokens" else f"workload.{what}.mean"
    stated = s.ref(path, what)
    common, own = _tokens(s.estimate.workload, what), _tokens(workload, what)
    if own == common:
        return stated
    origin = Origin(
        kind="rule",
        place=f"planner/rules/tokenizers.yaml {family.id}",
        source=family.source,
        checked=family.checked,
    )
    factor = Operand(name=f"tokens_in_{family.id}", value=own / common, origin=origin)
    return between(what, own, product(stated, factor))


def _tokens(workload: Workload, what: str) -> float:
    found = getattr(workload, what)
    return float(found if isinstance(found, float | int) else found.mean)
