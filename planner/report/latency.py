"""What an answer waits for, as a bar: its first token, its steps by operator class, and the prompts of others."""

from __future__ import annotations

from rich.text import Text

from planner.report.bars import SHOWN_FRACTION, Part, bar_lines, shaded
from planner.report.numbers import duration, percent
from planner.specs.answers.prediction import Prediction, StreamPrediction

OPERATORS = {
    "linear": "dense layers",
    "head": "output head",
    "attention_decode": "attention",
    "communication": "links",
    "kernels": "kernel launches",
    "overhead": "engine",
}


def operator(name: str) -> str:
    """Write an operator class in words.

    >>> operator("attention_decode"), operator("host_memory")
    ('attention', 'host memory')
    """
    return OPERATORS.get(name, name.replace("_", " "))


def latency_parts(prediction: Prediction | StreamPrediction) -> list[Part]:
    """Return the seconds of a whole answer by what they are spent on: the first token, then the largest first."""
    p = prediction
    alone_s = min(p.tpot_alone_s.value, p.tpot_s.value) if isinstance(p, Prediction) else p.tpot_s.value
    later_s = max(p.e2e_s.value - p.ttft_s.value, 0.0)
    own = later_s * alone_s / p.tpot_s.value if p.tpot_s.value > 0 else 0.0
    steps = [(operator(part.name), own * part.share_fraction) for part in p.breakdown]
    steps.append(("prompts of others", later_s - own))
    first = "waiting and first token" if _waiting(p) else "first token"
    return [(first, p.ttft_s.value), *sorted(steps, key=lambda part: -part[1])]


def _waiting(p: Prediction | StreamPrediction) -> bool:
    return isinstance(p, Prediction) and p.concurrency - p.running >= 1


def latency_lines(prediction: Prediction | StreamPrediction, *, width: int) -> list[Text]:
    """Draw the mean answer's time."""
    parts = latency_parts(prediction)
    whole = sum(seconds for _, seconds in parts)
    shown = [part for part in parts if part[1] >= SHOWN_FRACTION * whole]
    drawn = [(shade, f"{name} {percent(s / whole, 0)}", s) for shade, name, s in shaded(shown, whole)]
    return bar_lines("latency", drawn, whole, total=f"{duration(whole)} an answer", width=width)
