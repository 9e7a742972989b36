"""vLLM's memory on one GPU, stage by stage: weights, activation, CUDA, graphs, and the pool that is left."""

from __future__ import annotations

from planner.formulas.pool import forward_activation_bytes, pool_bytes, sampling_activation_bytes
from planner.planning.memory.architecture import Architecture
from planner.planning.memory.kv_groups import CacheGroup, cache_groups, kv_element_bytes
from planner.planning.memory.vllm_blocks import BlockLayout, block_layout
from planner.planning.memory.weights import EngineWeights, engine_weights
from planner.records import dataclass
from planner.specs.answers.fit import DEFAULT_UTILIZATION_FRACTION
from planner.specs.books.hardware import HardwareSpec
from planner.specs.books.model import ModelSpec, MoeBlock
from planner.specs.profiles.memory import EngineMemoryProfile, VersionMemory
from planner.units import BITS_PER_BYTE, GIB, Count

# vLLM's defaults for its server, by device memory (EngineArgs.get_batch_defaults): an A100 counts as small.
LARGEST_GPU_GIB = 160.0
LARGE_GPU_GIB = 70.0
LARGE_GPU_DEFAULTS = (8192, 1024)
SMALL_GPU_DEFAULTS = (2048, 256)
NEW_GPU_CAPABILITY = 9.0


@dataclass(frozen=True, kw_only=True, slots=True)
class VllmSettings:
    """What the user passes to vLLM; ``None`` means vLLM's own default for the device."""

    quantization: str = "auto"
    kv_dtype: str = "auto"
    tensor_parallel: Count = 1
    pipeline_parallel: Count = 1
    utilization_fraction: float = DEFAULT_UTILIZATION_FRACTION
    context_tokens: int | None = None
    batched_tokens: int | None = None
    max_sequences: Count | None = None
    version: str = "latest"
    speculative_tokens: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class StageMemory:
    """One rank of one pipeline stage [bytes]."""

    physical_bytes: float
    budget_bytes: float
    weights_bytes: float
    activation_bytes: float
    non_torch_bytes: float
    graph_bytes: float
    pool_bytes: float
    layout: BlockLayout
    groups: tuple[CacheGroup, ...]

    @property
    def blocks(self) -> int:
        """Blocks in this stage's pool."""
        return self.layout.blocks(self.pool_bytes)


@dataclass(frozen=True, kw_only=True, slots=True)
class VllmMemory:
    """Memory of a configuration; the stage with the fewest blocks decides for all."""

    weights: EngineWeights
    stages: tuple[StageMemory, ...]
    coefficients: VersionMemory
    version_is_known: bool
    batched_tokens: int
    max_sequences: Count
    context_tokens: int
    speculative_tokens: int

    @property
    def tightest(self) -> StageMemory:
        """The stage whose pool limits the others."""
        return min(self.stages, key=lambda stage: (stage.blocks, stage.pool_bytes))

    @property
    def in_flight_tokens(self) -> int:
        """Tokens of the steps under way, which windowed layers keep beside their window."""
        return self.batched_tokens * max(self.coefficients.batches_in_flight, len(self.stages))

    def concurrency(self, context_tokens: int) -> float:
        """Sequences of that length that the pool holds at once, as vLLM states it."""
        stage = self.tightest
        needed = stage.layout.blocks_per_sequence(
            tokens=context_tokens,
            batched_tokens=self.in_flight_tokens,
            speculative_tokens=self.speculative_tokens,
        )
        return stage.blocks / needed

    @property
    def pool_tokens(self) -> int:
        """Tokens as in vLLM's start-up line "GPU KV cache size"."""
        stage = self.tightest
        if self.coefficients.exact_concurrency:
            return int(self.concurrency(self.context_tokens) * self.context_tokens)
        return stage.layout.tokens(stage.blocks)

    def longest_context(self, limit: int) -> int:
        """Longest single sequence up to ``limit`` that the pool holds; 0 when none does."""
        if self.concurrency(limit) >= 1:
            return limit
        low, high = 0, limit  # low fits, high does not
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self.concurrency(middle) >= 1 else (low, middle)
        return low


def vllm_memory(
    architecture: Architecture,
    hardware: HardwareSpec,
    settings: VllmSettings,
    profile: EngineMemoryProfile,
) -> VllmMemory:
    """Return what vLLM holds on every stage of a configuration.

    Raises
    ------
    UsageError
        When a name is unknown or the parallelism does not divide the model.
    """
    model = architecture.model
    coefficients, known = version_row(profile, settings.version)
    weights = engine_weights(
        architecture,
        quantization=settings.quantization,
        tensor_parallel=settings.tensor_parallel,
        pipeline_parallel=settings.pipeline_parallel,
    )
    batched, sequences = scheduler_defaults(hardware, coefficients.largest_gpu_tokens)
    context = settings.context_tokens or model.max_context
    batched = settings.batched_tokens or batched
    if not coefficients.chunked_prefill:
        batched = max(batched, context)
    frame = _Frame(
        architecture=architecture,
        hardware=hardware,
        settings=settings,
        profile=profile,
        coefficients=coefficients,
        weights=weights,
        batched_tokens=batched,
        max_sequences=settings.max_sequences or sequences,
    )
    return VllmMemory(
        weights=weights,
        stages=tuple(_stage(frame, index) for index in range(len(weights.stages))),
        coefficients=coefficients,
        version_is_known=known,
        batched_tokens=frame.batched_tokens,
        max_sequences=frame.max_sequences,
        context_tokens=context,
        speculative_tokens=settings.speculative_tokens,
    )


def scheduler_defaults(hardware: HardwareSpec, largest_gpu_tokens: int = 0) -> tuple[int, int]:
    """Return vLLM's default tokens per step and sequences at once on a device.

    ``largest_gpu_tokens`` is what newer versions give a device of 160 GiB and more; 0 for the same as any large one.
    """
    if hardware.memory_gib >= LARGEST_GPU_GIB and largest_gpu_tokens:
        return largest_gpu_tokens, LARGE_GPU_DEFAULTS[1]
    large = hardware.memory_gib >= LARGE_GPU_GIB and not hardware.id.startswith("a100")
    return LARGE_GPU_DEFAULTS if large else SMALL_GPU_DEFAULTS


def version_row(profile: EngineMemoryProfile, version: str) -> tuple[VersionMemory, bool]:
    """Return the coefficients of a version, and whether it is inside what was logged.

    ``latest`` is the newest row; a version older than the oldest row gets that one.
    """
    if version == "latest":
        return profile.versions[-1], True
    wanted = version_key(version)
    older = [row for row in profile.versions if version_key(row.since) <= wanted]
    oldest, newest = (version_key(each) for each in profile.known_versions)
    return (older or profile.versions)[-1 if older else 0], oldest <= wanted <= newest


def version_key(version: str) -> tuple[int, int]:
    """Return major and minor of a version for comparison; ``0.2x`` counts as 0.20.

    >>> version_key("0.19.0") < version_key("0.2x"), version_key("v0.6.x")
    (True, (0, 6))
    """
    parts = version.strip().lstrip("v").split()[0].split(".")
    major, minor = (part.replace("x", "0") for part in (*parts, "0")[:2])
    digits = ["".join(ch for ch in part if ch.isdigit()) or "0" for part in (major, minor.split("-")[0])]
    return int(digits[0]), int(digits[1])


@dataclass(frozen=True, kw_only=True, slots=True)
class _Frame:
    """What all stages of one configuration share."""

    architecture: Architecture
    hardware: HardwareSpec
    settings: VllmSettings
    profile: EngineMemoryProfile
    coefficients: VersionMemory
    weights: EngineWeights
    batched_tokens: int
    max_sequences: Count


def _stage(frame: _Frame, index: int) -> StageMemory:
    settings, model = frame.settings, frame.architecture.model
    stage = frame.weights.stages[index]
    physical = frame.hardware.memory_gib * GIB
    activation = _activation(frame, last=index == len(frame.weights.stages) - 1)
    non_torch = _non_torch(frame)
    graphs = _graphs(frame, stage.layers) if frame.coefficients.graphs_in_budget else 0.0
    groups = cache_groups(
        model,
        element_bytes=kv_element_bytes(_kv_dtype(frame), model=model),
        tensor_parallel=settings.tensor_parallel,
        layer_share=stage.layers / model.layers,
        speculative_tokens=settings.speculative_tokens,
    )
    pool = pool_bytes(
        physical_bytes=physical,
        utilization_fraction=settings.utilization_fraction,
        weights_bytes=stage.total_bytes,
        activation_bytes=activation,
        non_torch_bytes=non_torch,
        graph_bytes=graphs,
    )
    return StageMemory(
        physical_bytes=physical,
        budget_bytes=physical * settings.utilization_fraction,
        weights_bytes=stage.total_bytes,
        activation_bytes=activation,
        non_torch_bytes=non_torch,
        graph_bytes=graphs,
        pool_bytes=float(pool),
        layout=block_layout(groups, hybrid=frame.coefficients.hybrid_pools),
        groups=groups,
    )


def _kv_dtype(frame: _Frame) -> str:
    """``auto`` follows the activations, which are 32-bit only when the weights are."""
    if frame.settings.kv_dtype != "auto":
        return frame.settings.kv_dtype
    return "fp32" if frame.weights.scheme.name == "fp32" else "bf16"


def _is_new(hardware: HardwareSpec) -> bool:
    try:
        return float(hardware.compute_capability or 0) >= NEW_GPU_CAPABILITY
    except ValueError:
        return hardware.memory_gib >= LARGE_GPU_GIB


def _activation(frame: _Frame, *, last: bool) -> float:
    """Peak of the profiling run: the layers' or, where it samples, the sampler's, whichever is larger."""
    model, row = frame.architecture.model, frame.coefficients
    element_bytes = frame.weights.scheme.rest_bits / BITS_PER_BYTE
    staged = len(frame.weights.stages) > 1
    layers = forward_activation_bytes(
        batched_tokens=frame.batched_tokens,
        widest_elements=_widest(model, frame.settings.tensor_parallel),
        hidden=model.hidden,
        hidden_copies=frame.profile.pipeline_hidden_copies if staged else frame.profile.hidden_copies,
        element_bytes=element_bytes,
    )
    if not last:
        return float(layers)
    sampling = sampling_activation_bytes(
        sequences=frame.max_sequences,
        vocab=model.vocab,
        batched_tokens=frame.batched_tokens,
        hidden=model.hidden,
        logit_bytes=row.logit_bytes if _is_new(frame.hardware) else row.logit_bytes_older_gpu,
        element_bytes=element_bytes,
        base_bytes=frame.profile.base_activation_bytes,
    )
    return float(max(layers, sampling))


def _widest(model: ModelSpec, ranks: int) -> float:
    """Intermediates per token of the widest feed-forward block on one rank [elements]."""
    dense = [(3 if mlp.gated else 2) * mlp.intermediate / ranks for mlp in model.mlp]
    return max([*dense, *(_routed(moe, model.hidden, ranks) for moe in model.moe)])


def _routed(moe: MoeBlock, hidden: int, ranks: int) -> float:
    """Fused experts keep two buffers per routed token: the wider of gate-up and output, and the activation."""
    inner = moe.intermediate / ranks
    return moe.experts_per_token * (max((2 if moe.gated else 1) * inner, float(moe.latent or hidden)) + inner)


def _non_torch(frame: _Frame) -> float:
    row, ranks = frame.coefficients, frame.settings.tensor_parallel
    if ranks == 1 and len(frame.weights.stages) > 1:
        return row.non_torch_pipeline_gib * GIB
    if ranks == 1 and not _is_new(frame.hardware):
        return row.non_torch_older_gpu_gib * GIB
    place = 0 if ranks == 1 else 1 if ranks == 2 else len(row.non_torch_gib) - 1
    return row.non_torch_gib[place] * GIB


def _graphs(frame: _Frame, layers: int) -> float:
    return (frame.profile.graph_base_gib + frame.profile.graph_gib_per_layer * layers) * GIB
