"""One fit for all engines and classes of hardware: what they share is learned once, what differs is shrunk to it.

The logarithm of a coefficient is a shared value, plus what a class of chips adds to the slow-downs of its matrix units
and links, plus what an engine adds to its own work in a step. Nothing else differs: with an own set of coefficients for
every engine on every class (88 numbers in place of 31), models that the fit has not seen are missed by half as much again.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from profile_tables import CLASSES, Points
from scipy.optimize import least_squares

from planner.specs.profiles.serving import COEFFICIENTS

# Centre and log-width of the prior: what the physics suggests before any point is seen. Slow-downs of the datasheet
# near 1 to 2, microseconds per kernel and round of an all-reduce, a millisecond per step.
PRIOR = {
    "compute": (1.5, 0.5),
    "expert_compute": (2.0, 0.7),
    "read": (1.2, 0.2),
    "attention_compute": (2.0, 0.7),
    "link": (1.6, 0.7),
    "all_reduce_s": (3e-6, 1.0),
    "kernel_s": (3.5e-6, 0.4),
    "step_s": (1e-3, 1.0),
    "sequence_s": (1e-5, 1.5),
    "prefill_step_s": (5e-3, 1.5),
    "first_token_s": (2.5e-2, 1.0),
}
# What may differ, as a share of the prior's width: chips in how near they come to their datasheet, engines in what the
# host does. Chosen by the errors on left-out models, as is the strength: 0.1 to 0.6 and half of it do as well within a percent.
OF_CLASS = ("compute", "expert_compute", "attention_compute", "link")
OF_ENGINE = ("step_s", "sequence_s")
SHARE = 0.4
PRIOR_STRENGTH = 1 / 3
EAGER_KERNEL_S = 4e-5  # a launch from Python, before CUDA graphs
EAGER = "vllm-eager"  # of 2023 and measured without a server: it shares nothing with the others and is fitted alone
LOSS_SCALE = 0.05  # relative error from which a point counts less than quadratically
METRICS = ("tpot", "ttft", "throughput")
STEP = 1e-5  # of a logarithm, for derivatives

Array = np.ndarray


def errors_of(points: Points, logs: Array) -> Array:
    """Return the log errors by metric and row, NaN where a row does not state the metric; ``logs`` has one row a point."""
    values = np.exp(logs)
    found = points.predict({name: values[:, at] for at, name in enumerate(COEFFICIENTS)})
    measured = points.rows[list(METRICS)].to_numpy(float).T
    return np.log(np.array([found[name] for name in METRICS]) / measured)


@dataclass(frozen=True)
class Joint:
    """A fit: shared logarithms, what each class and each engine adds to them, and how sure all of it is."""

    shared: Array
    of_class: dict[str, Array]
    of_engine: dict[str, Array]
    covariance: Array
    names: tuple[tuple[str, str, str], ...]  # (block, its name, coefficient) of each free number

    def logs(self, engine: str, group: str) -> Array:
        """Return an engine's coefficients on a class; a class or engine that nothing measures adds nothing."""
        nothing = np.zeros(len(COEFFICIENTS))
        return self.shared + self.of_class.get(group, nothing) + self.of_engine.get(engine, nothing)

    def deviations(self, engine: str, group: str) -> Array:
        """Return the standard errors of those logarithms."""
        rows = np.zeros((len(COEFFICIENTS), len(self.names)))
        for at, (block, name, coefficient) in enumerate(self.names):
            if block == "shared" or name in {engine, group}:
                rows[COEFFICIENTS.index(coefficient), at] = 1.0
        return np.sqrt(np.einsum("ij,jk,ik->i", rows, self.covariance, rows))

    def errors(self, points: Points) -> Array:
        """Return the log errors of all points, each with its own engine and class."""
        found = {key: self.logs(*key) for key in set(keys_of(points))}
        return errors_of(points, np.array([found[key] for key in keys_of(points)]))


def keys_of(points: Points) -> list[tuple[str, str]]:
    """Return the engine and class of each point."""
    return list(zip(points.rows["profile"], points.rows["device"].map(CLASSES), strict=True))


def weights_of(points: Points) -> Array:
    """Return the weight of each metric of each row: a model counts by the root of its rows, late first tokens not at all."""
    rows = points.rows
    known = rows[list(METRICS)].notna().to_numpy().T.copy()
    known[METRICS.index("ttft")] &= points.ttft_trusted()
    group = (rows["profile"] + rows["device"].map(CLASSES) + rows["family"]).to_numpy()
    weights = np.zeros(known.shape)
    for at, chosen in enumerate(known):
        _, where, count = np.unique(group[chosen], return_inverse=True, return_counts=True)
        weights[at, chosen] = count[where] ** -0.5
    return weights * known.sum() / weights.sum()


def fit(points: Points, start: Joint | None = None) -> Joint:
    """Return the joint fit of all points."""
    keys = keys_of(points)
    names = _names(keys)
    width = np.array(
        [PRIOR[c][1] * (1.0 if {block, name} & {"shared", EAGER} else SHARE) for block, name, c in names]
    )
    centre = np.array([_centre(*each) for each in names])
    member = np.array([[block == "shared" or name in key for block, name, _ in names] for key in keys], float)
    column = np.array([COEFFICIENTS.index(c) for _, _, c in names])
    weights = weights_of(points)
    known = weights > 0
    root = np.sqrt(weights)
    pull = PRIOR_STRENGTH * LOSS_SCALE * np.sqrt(known.sum()) / width

    def logs(x: Array) -> Array:
        return np.array([member[:, column == at] @ x[column == at] for at in range(len(COEFFICIENTS))]).T

    def residuals(x: Array) -> Array:
        return np.concatenate([(root * _robust(errors_of(points, logs(x))))[known], pull * (x - centre)])

    def jacobian(x: Array) -> Array:
        at_x = logs(x)
        base = errors_of(points, at_x)
        slopes = np.empty((len(COEFFICIENTS), int(known.sum())))
        for at in range(len(COEFFICIENTS)):
            moved = at_x.copy()
            moved[:, at] += STEP
            change = (errors_of(points, moved) - base) / STEP
            slopes[at] = (root * change * _robust_slope(base))[known]
        row = np.broadcast_to(np.arange(len(keys)), known.shape)[known]
        return np.vstack([slopes[column].T * member[row], np.diag(pull)])

    first = centre if start is None else np.array([_of(start, *each) for each in names])
    found = least_squares(residuals, first, jac=jacobian, method="trf", max_nfev=40, ftol=1e-7, xtol=1e-7)
    covariance = np.linalg.pinv(found.jac.T @ found.jac) * np.mean(found.fun**2)
    return Joint(
        shared=_block(names, found.x, "shared", ""),
        of_class={name: _block(names, found.x, "class", name) for _, name in keys},
        of_engine={name: _block(names, found.x, "engine", name) for name, _ in keys},
        covariance=covariance,
        names=names,
    )


def _names(keys: list[tuple[str, str]]) -> tuple[tuple[str, str, str], ...]:
    names = [("shared", "", each) for each in COEFFICIENTS]
    names += [("class", group, each) for group in sorted({group for _, group in keys}) for each in OF_CLASS]
    for engine in sorted({engine for engine, _ in keys}):
        own = (*OF_ENGINE, "kernel_s") if engine == EAGER else OF_ENGINE
        names += [("engine", engine, each) for each in own]
    return tuple(names)


def _centre(block: str, name: str, coefficient: str) -> float:
    if block == "shared":
        return float(np.log(PRIOR[coefficient][0]))
    launched = name == EAGER and coefficient == "kernel_s"
    return float(np.log(EAGER_KERNEL_S / PRIOR["kernel_s"][0])) if launched else 0.0


def _block(names: tuple[tuple[str, str, str], ...], x: Array, block: str, name: str) -> Array:
    found = np.zeros(len(COEFFICIENTS))
    for value, (kind, of, coefficient) in zip(x, names, strict=True):
        if (kind, of) == (block, name):
            found[COEFFICIENTS.index(coefficient)] = value
    return found


def _of(start: Joint, block: str, name: str, coefficient: str) -> float:
    blocks = {"shared": {"": start.shared}, "class": start.of_class, "engine": start.of_engine}[block]
    return float(blocks[name][COEFFICIENTS.index(coefficient)])


def _robust(errors: Array) -> Array:
    """Return residuals whose squares grow like the error beyond the loss's scale."""
    return np.sign(errors) * np.sqrt(2 * LOSS_SCALE * (np.hypot(errors, LOSS_SCALE) - LOSS_SCALE))


def _robust_slope(errors: Array) -> Array:
    away = np.where(np.abs(errors) < 1e-9, 1e-9, errors)
    return LOSS_SCALE * away / np.hypot(away, LOSS_SCALE) / _robust(away)
