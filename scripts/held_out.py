"""Errors on models and GPUs that a fit has not seen, and the intervals that follow from them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from joint_fit import METRICS, Joint, fit, keys_of
from profile_tables import Points

# One architecture under several names: who holds out one must hold out all.
SAME = {"llama-3.3-70b": "llama-70b", "llama-3.1-70b": "llama-70b", "llama-2-70b": "llama-70b"}
# Weight of a held-out group in a profile's interval: every group tells how far an unseen model is missed, those of the
# same engine tell more, and those of its own class most. Over groups that it has not seen itself, such an interval
# holds 76 to 81 % of the points; one from a profile's own two or three models some 8 % fewer.
EVERY, SAME_ENGINE, SAME_CLASS = 1.0, 1.0, 1.0
GPU_WEIGHT = 0.5  # a left-out GPU leaves its sister in the fit
# Quantiles for 80 % of the points of a group to come: two dozen groups know the tails of the next one only so well.
INSIDE = (0.09, 0.91)

Array = np.ndarray


@dataclass(frozen=True)
class HeldOut:
    """The log errors, by metric, of an engine's points on a class, predicted without their model or GPU."""

    engine: str
    group: str
    what: str
    name: str
    chosen: Array
    errors: Array


def held_out(points: Points, joint: Joint) -> list[HeldOut]:
    """Return the errors of every profile on each model and each GPU without it, wherever it was measured."""
    keys = keys_of(points)
    found = []
    for what, values in (
        ("model", points.rows["family"].replace(SAME).to_numpy()),
        ("GPU", points.rows["device"].to_numpy()),
    ):
        for value in sorted(set(values)):
            inside = values == value
            errors = fit(points.of(~inside), joint).errors(points)
            for key in sorted(set(keys)):
                chosen = inside & np.array([each == key for each in keys])
                if chosen.any():
                    found.append(HeldOut(*key, what, str(value), chosen, errors[:, chosen]))
    return found


def spread_for(
    held: list[HeldOut], metric: str, *, engine: str, group: str, width: float = 1.0
) -> dict[str, float]:
    """Return the factors that hold 80 % of the errors on what a fit has not seen, each group counting once."""
    at = METRICS.index(metric)
    errors, weights = [], []
    for each in held:
        values = each.errors[at][~np.isnan(each.errors[at])]
        if not len(values):
            continue
        near = SAME_ENGINE * (each.engine == engine)
        nearest = SAME_CLASS * ((each.engine, each.group) == (engine, group))
        weight = (EVERY + near + nearest) * (GPU_WEIGHT if each.what == "GPU" else 1.0)
        errors.append(values)
        weights.append(np.full(len(values), weight / len(values)))
    every, share = np.concatenate(errors), np.concatenate(weights)
    low, high = _quantiles(every, share, np.array(INSIDE))
    size = _quantiles(np.abs(np.expm1(every)), share, np.array([0.5]))[0]
    return {
        "low": round(float(np.exp(width * min(low, -0.01))), 4),
        "high": round(float(np.exp(width * max(high, 0.01))), 4),
        "median_error_fraction": round(float(size), 4),
    }


def _quantiles(values: Array, weights: Array, wanted: Array) -> Array:
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[order])
    middle = (reached - weights[order] / 2.0) / reached[-1]
    return np.asarray(np.interp(wanted, middle, values[order]))
