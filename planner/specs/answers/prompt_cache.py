"""What a provider's prompt cache does for one model of a scenario."""

from __future__ import annotations

from planner.records import dataclass
from planner.specs.base import Notice
from planner.specs.books.price import Ttl


@dataclass(frozen=True, kw_only=True, slots=True)
class PrefixCaching:
    """The static prefix of a prompt under a provider's cache, as means per request.

    ``hit_fraction`` is ``None`` where it is neither given nor derivable; then nothing is counted as cached.
    ``cached_read_tokens`` and ``cache_write_tokens`` go into the bill; a write that costs what input costs is left
    in the plain input. ``storage_usd_per_day`` keeps an explicit cache, and is not in the saving per request.
    ``reason`` says why nothing is cached, when nothing is.
    """

    model: str
    ttl: Ttl | None
    cacheable_tokens: float
    hit_fraction: float | None
    derived: bool
    cached_read_tokens: float
    cache_write_tokens: float
    saving_usd_per_request: float
    break_even_requests_per_s: float | None
    storage_usd_per_day: float = 0.0
    reason: str | None = None
    notices: tuple[Notice, ...] = ()

    @property
    def pays(self) -> bool:
        """Whether caching costs less than not caching."""
        return self.saving_usd_per_request > 0
