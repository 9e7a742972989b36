"""Where the scenario may be hosted: the candidates the recommender weighs."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from planner.specs.base import Document, refusal

Purchase = Literal["on_demand", "reserved_1y", "reserved_3y", "spot", "owned"]


def _auto_or_whole(value: object) -> object:
    if value == "auto" or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    raise refusal("auto or a whole number", str(value))


class Api(Document):
    """Provider APIs may serve the scenario; nothing to say beyond that."""


class Autoscale(Document):
    """Whether replicas follow the traffic, and how long a new one takes to be ready."""

    enabled: bool = Field(False, description="replicas follow the hourly traffic")
    cold_start_s: float = Field(180, ge=0, description="from the request for a replica to its first token")


class OwnedHardware(Document):
    """What a machine that we own costs: price spread over its life, and its power."""

    gpu: str | None = Field(
        None,
        description="row of the hardware book: which GPUs the machine has, where several types are weighed",
    )
    price_usd: float = Field(gt=0, description="purchase price of one whole machine")
    gpu_count: int = Field(8, ge=1, description="GPUs in one machine")
    amortization_years: float = Field(4, gt=0, description="years over which the price is spread")
    power_w: float | None = Field(
        None, gt=0, description="mean draw of one machine; TDP of its GPUs if not given"
    )
    pue: float = Field(1.4, ge=1, description="power usage effectiveness of the room")
    usd_per_kwh: float = Field(0.12, ge=0, description="electricity tariff")


class Spot(Document):
    """How often a spot machine is taken away, and how soon there is another one."""

    interruptions_per_month: float = Field(
        10,
        ge=0,
        description="of one machine; assumed, between the 20 % a month of AWS's advisor and several a day",
    )
    replacement_s: float = Field(
        600, ge=0, description="until another machine is there; then comes the start"
    )


class SelfHosted(Document):
    """Open models on GPUs that we rent or own."""

    models: tuple[str, ...] = Field(
        (), description="rows of the model book; the API model's open twin if empty"
    )
    quantization: tuple[str, ...] = Field(
        ("fp8", "bf16"), min_length=1, description="weight types to consider"
    )
    kv_dtype: str = Field("auto", description="type of the KV cache")
    gpus: tuple[str, ...] = Field((), description="rows of the hardware book; every rentable GPU if empty")
    tensor_parallel: Annotated[int | Literal["auto"], BeforeValidator(_auto_or_whole)] = Field(
        "auto", description="GPUs that share one replica"
    )
    engine: Literal["vllm", "sglang", "tensorrt-llm"] = Field("vllm", description="serving engine")
    purchase: tuple[Purchase, ...] = Field(
        ("on_demand",), min_length=1, description="ways to pay for the machines"
    )
    clouds: tuple[str, ...] = Field((), description="clouds to rent from; all of the book if empty")
    redundancy: Literal["none", "n+1", "zone"] = Field("n+1", description="what may be lost at the peak")
    max_utilization: float = Field(
        0.8, gt=0, le=1, description="share of a replica's capacity that is planned with"
    )
    autoscale: Autoscale = Field(default_factory=Autoscale, description="whether replicas follow the traffic")
    quality_equivalent: bool = Field(
        False, description="the user's word that this model may stand in for the API models"
    )
    community: bool = Field(
        False, description="whether machines of third parties that a broker lists may be chosen"
    )
    spot: Spot = Field(default_factory=Spot, description="interruptions, for purchase: spot")
    owned: OwnedHardware | None = Field(None, description="cost of own machines, for purchase: owned")


class Edge(Document):
    """An open model on the user's own device."""

    devices: tuple[str, ...] = Field((), description="rows of the hardware book; the common devices if empty")
    model: str | None = Field(None, description="row of the model book")
    quantization: str = Field("q4_k_m", description="GGUF type of the weights")
    quality_equivalent: bool = Field(False, description="the user's word that this model may stand in")


class Hosting(Document):
    """The candidates; absent ones are not considered."""

    api: Api | None = Field(None, description="provider APIs")
    self_hosted: SelfHosted | None = Field(None, description="open models on rented or owned GPUs")
    edge: Edge | None = Field(None, description="an open model on the user's device")
