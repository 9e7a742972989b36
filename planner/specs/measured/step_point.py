"""What one step of an engine computes.

A step is one pass through the model. It carries one token for each decoding sequence and, with chunked prefill, a
piece of a prompt. Prefill, decode and mixed steps are one noun here, because the fitted model prices them alike.
"""

from __future__ import annotations

from planner.records import dataclass
from planner.units import Count


@dataclass(frozen=True, kw_only=True, slots=True)
class StepPoint:
    """One step to be measured, `repetitions` times.

    ``sequences`` decode at ``context_tokens`` each (a pure decode point lets the context grow by one a
    repetition: the depth curve); ``prompt_tokens`` of one prompt are prefilled in the same step, after
    ``prompt_offset_tokens`` of it that are in the cache already. With ``arrival`` the time counts from the sending of
    a request to an idle engine, so the way there and back is in it.
    """

    sequences: Count = 0
    context_tokens: int = 0
    prompt_tokens: int = 0
    prompt_offset_tokens: int = 0
    repetitions: Count = 5
    arrival: bool = False

    @property
    def kind(self) -> str:
        """Name the point as people do: prefill, decode or mixed."""
        if not self.sequences:
            return "prefill"
        return "mixed" if self.prompt_tokens else "decode"

    @property
    def label(self) -> str:
        """Short name in llama-bench's manner: ``pp512``, ``tg4 @ d128``, ``tg4+pp128 @ d128``."""
        parts = [f"tg{self.sequences}"] if self.sequences else []
        parts += [f"pp{self.prompt_tokens}"] if self.prompt_tokens else []
        depth = self.context_tokens if self.sequences else self.prompt_offset_tokens
        return "+".join(parts) + (f" @ d{depth}" if depth else "")
