"""One llama.cpp context through llama-cpp-python's low-level API, with nothing between planner and ``llama_decode``.

No tokenizer, no sampling, no copy of the logits: what is timed is the step itself, as llama-bench times it. The batch is
filled outside the timed region and the engine is synchronised before both readings of the clock.
"""

from __future__ import annotations

import ctypes
import sys
import time
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from planner.errors import EngineError
from planner.records import dataclass
from planner.units import Count

FLASH_ATTENTION = {"auto": -1, "off": 0, "on": 1}  # llama.h, enum llama_flash_attn_type
KV_TYPES = {
    "f32": 0,
    "f16": 1,
    "q4_0": 2,
    "q4_1": 3,
    "q5_0": 6,
    "q5_1": 7,
    "q8_0": 8,
    "bf16": 30,
}  # ggml_type
NO_KV_SLOT = 1  # llama_decode's answer when the cache is full
LOG_LEVEL_WARN = 3
DESCRIPTION_BYTES = 256
REASON = ": error loading model: "  # llama.cpp's log, before the reason


@dataclass(frozen=True, kw_only=True, slots=True)
class LlamaCppSettings:
    """How the context is made; the names are llama.cpp's options in words."""

    model: str
    threads: Count
    context_tokens: int = 4096
    sequences: Count = 1
    batch_tokens: int = 2048
    ubatch_tokens: int = 512
    gpu_layers: int = -1
    flash_attention: str = "auto"
    kv_type_k: str = "f16"
    kv_type_v: str = "f16"
    unified_kv: bool = False


class Row(NamedTuple):
    """One token of a step: its id, its position, its sequence, and whether its logits are wanted."""

    token: Count
    position: Count
    sequence: Count
    output: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class SessionFacts:
    """What the engine says about itself, the model and the context."""

    version: str
    system: str
    description: str
    model_bytes: int
    parameters: Count
    vocabulary: Count
    trained_context_tokens: int
    sequence_context_tokens: int
    gpu_offload: bool
    name: str = ""


class Session(Protocol):
    """What measuring needs of a context; the tests have a fake one."""

    @property
    def facts(self) -> SessionFacts:
        """The engine's own description."""
        ...

    def step(self, rows: Sequence[Row]) -> float:
        """Run one step and return its time [s]."""
        ...

    def clear(self) -> None:
        """Forget all sequences, without touching the buffers."""
        ...

    def trim(self, sequence: int, length: int) -> None:
        """Forget a sequence's tokens from position `length` on."""
        ...

    def copy(self, source: int, target: int) -> None:
        """Make `target` a copy of `source`."""
        ...

    def close(self) -> None:
        """Free the context and the model."""
        ...


class LlamaCppSession:
    """A context of the real library."""

    def __init__(self, settings: LlamaCppSettings) -> None:
        self._lib = _library()
        self._log = EngineLog()
        self._quiet = self._lib.llama_log_callback(self._log.take)
        self._lib.llama_log_set(self._quiet, None)
        self._lib.llama_backend_init()
        self._model = _load_model(self._lib, settings, self._log)
        self._context = _make_context(self._lib, self._model, settings)
        self._log.release()
        self._memory = self._lib.llama_get_memory(self._context)
        self._batch = self._lib.llama_batch_init(settings.batch_tokens, 0, 1)
        self.facts = _facts(self._lib, self._model, self._context)

    def step(self, rows: Sequence[Row]) -> float:
        """Run one step and return its time [s].

        Raises
        ------
        EngineError
            If the cache has no room, or the engine fails.
        """
        batch = self._batch
        batch.n_tokens = len(rows)
        for index, row in enumerate(rows):
            batch.token[index] = row.token
            batch.pos[index] = row.position
            batch.n_seq_id[index] = 1
            batch.seq_id[index][0] = row.sequence
            batch.logits[index] = row.output
        self._lib.llama_synchronize(self._context)
        start_ns = time.perf_counter_ns()
        code = self._lib.llama_decode(self._context, batch)
        self._lib.llama_synchronize(self._context)
        elapsed_s = (time.perf_counter_ns() - start_ns) / 1e9
        if code == NO_KV_SLOT:
            raise EngineError(
                "the KV cache has no room for this step", cure="raise --context or lower the batch"
            )
        if code:
            raise EngineError(f"llama_decode answered {code}", cure="read the engine's log above")
        return elapsed_s

    def clear(self) -> None:
        """Forget all sequences, without touching the buffers."""
        self._lib.llama_memory_clear(self._memory, False)  # noqa: FBT003 - ctypes takes no keywords

    def trim(self, sequence: int, length: int) -> None:
        """Forget a sequence's tokens from position `length` on."""
        self._lib.llama_memory_seq_rm(self._memory, sequence, length, -1)

    def copy(self, source: int, target: int) -> None:
        """Make `target` a copy of `source`."""
        self._lib.llama_memory_seq_rm(self._memory, target, -1, -1)
        self._lib.llama_memory_seq_cp(self._memory, source, target, -1, -1)

    def close(self) -> None:
        """Free the context and the model."""
        self._lib.llama_batch_free(self._batch)
        self._lib.llama_free(self._context)
        self._lib.llama_model_free(self._model)


def _library() -> Any:  # noqa: ANN401 - ctypes bindings have no types
    try:
        import llama_cpp.llama_cpp as lib  # noqa: PLC0415 - an extra, and slow to import
    except ModuleNotFoundError as error:
        raise EngineError(
            "the llama.cpp engine needs llama-cpp-python",
            cure="pip install 'llm-capacity-planner[llamacpp]' (it is built from source: some minutes)",
        ) from error
    return lib


class EngineLog:
    """llama.cpp's warnings and errors: held back while a model loads, because they are its answer then; stderr later."""

    def __init__(self) -> None:
        self._held: list[str] | None = []

    def take(self, level: int, text: bytes, _data: object) -> None:
        """Take one line of the log; progress chatter is dropped."""
        line = text.decode(errors="replace")
        if level < LOG_LEVEL_WARN or not line.strip(".\n"):
            return
        if self._held is None:
            sys.stderr.write(line)
        else:
            self._held.append(line)

    def release(self) -> None:
        """Write what was held back, and every later line at once."""
        held, self._held = self._held or (), None
        sys.stderr.writelines(held)

    def reason(self) -> str:
        """Return why a model did not load; empty where the log does not say."""
        lines = [line.strip() for line in self._held or ()]
        named = [line.partition(REASON)[2] for line in lines if REASON in line]
        return next(iter((*named, *lines)), "")


def _load_model(lib: Any, settings: LlamaCppSettings, log: EngineLog) -> Any:  # noqa: ANN401
    parameters = lib.llama_model_default_params()
    parameters.n_gpu_layers = settings.gpu_layers
    model = lib.llama_model_load_from_file(settings.model.encode(), parameters)
    if not model:
        reason = log.reason()
        raise EngineError(
            f"llama.cpp could not load {settings.model}" + (f": {reason}" if reason else ""),
            cure="is it a whole GGUF file that this llama.cpp knows, and is there memory for it?",
        )
    return model


def _make_context(lib: Any, model: Any, settings: LlamaCppSettings) -> Any:  # noqa: ANN401
    parameters = lib.llama_context_default_params()
    parameters.n_ctx = settings.context_tokens
    parameters.n_batch = settings.batch_tokens
    parameters.n_ubatch = settings.ubatch_tokens
    parameters.n_seq_max = settings.sequences
    parameters.n_threads = parameters.n_threads_batch = settings.threads
    parameters.flash_attn_type = FLASH_ATTENTION[settings.flash_attention]
    parameters.type_k = KV_TYPES[settings.kv_type_k]
    parameters.type_v = KV_TYPES[settings.kv_type_v]
    parameters.kv_unified = settings.unified_kv
    parameters.swa_full = False  # as llama-bench
    context = lib.llama_init_from_model(model, parameters)
    if not context:
        raise EngineError(
            f"llama.cpp could not make a context of {settings.context_tokens} tokens"
            f" for {settings.sequences} sequences",
            cure="it ran out of memory, or the KV type needs flash attention: lower --context, or --flash-attention on",
        )
    return context


def _facts(lib: Any, model: Any, context: Any) -> SessionFacts:  # noqa: ANN401
    import llama_cpp  # noqa: PLC0415

    text = ctypes.create_string_buffer(DESCRIPTION_BYTES)
    lib.llama_model_desc(model, text, DESCRIPTION_BYTES)
    name = ctypes.create_string_buffer(DESCRIPTION_BYTES)  # stays empty when the file has no name
    lib.llama_model_meta_val_str(model, b"general.name", name, DESCRIPTION_BYTES)
    return SessionFacts(
        version=f"llama-cpp-python {llama_cpp.__version__}",
        system=lib.llama_print_system_info().decode().strip(" |"),
        description=text.value.decode(),
        model_bytes=int(lib.llama_model_size(model)),
        parameters=int(lib.llama_model_n_params(model)),
        vocabulary=int(lib.llama_vocab_n_tokens(lib.llama_model_get_vocab(model))),
        trained_context_tokens=int(lib.llama_model_n_ctx_train(model)),
        sequence_context_tokens=int(lib.llama_n_ctx_seq(context)),
        gpu_offload=bool(lib.llama_supports_gpu_offload()),
        name=name.value.decode(errors="replace"),
    )
