"""What a running server says about itself on its public pages. Absent pages are normal; nothing is guessed."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from difflib import get_close_matches
from urllib.parse import urlsplit

from planner.engines.base import EngineOptions, JsonObject
from planner.errors import EngineError
from planner.specs.measured.measurement import CacheAudit, EngineFacts, Setting

Get = Callable[[str], Awaitable[tuple[int, str]]]
SAMPLE = re.compile(r"^(?P<name>[A-Za-z_:][\w:]*)(?:\{(?P<labels>[^}]*)\})?\s+(?P<value>\S+)", re.MULTILINE)
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
CACHE_QUERIES = ("vllm:prefix_cache_queries_total", "vllm:prefix_cache_queries")
CACHE_HITS = ("vllm:prefix_cache_hits_total", "vllm:prefix_cache_hits")


async def describe_server(get: Get, options: EngineOptions, url: str) -> EngineFacts:
    """Ask the pages that vLLM, llama-server and their like have.

    Raises
    ------
    EngineError
        If the server cannot be reached, refuses the key, or does not know the model.
    """
    base_path = urlsplit(url).path
    try:
        status, text = await get(f"{base_path}/models")
    except OSError as error:
        raise _unreachable(url, error) from error
    if status in {401, 403}:
        raise EngineError(
            f"{url} refuses the request: HTTP {status}",
            cure="put a valid key into the environment variable that --api-key-env names",
        )
    models = _models(text) if status == 200 else ()
    known = next((item for item in models if item.get("id") == options.model), None)
    if models and known is None:
        raise _unknown_model(options.model, models)
    version = _json(await get("/version"))
    metrics = await get("/metrics")
    config = cache_config(metrics[1]) if metrics[0] == 200 else {}
    props = {} if config or version.get("version") else _json(await get("/props"))
    return _facts(options.model, url, known=known or {}, version=version, config=config, props=props)


def _facts(
    model: str,
    url: str,
    *,
    known: JsonObject,
    version: JsonObject,
    config: dict[str, str],
    props: JsonObject,
) -> EngineFacts:
    owner = str(known.get("owned_by") or "")
    name = (
        "vllm"
        if config or owner == "vllm"
        else "llama-server"
        if props.get("build_info")
        else owner or "unknown"
    )
    length = known.get("max_model_len") or (props.get("default_generation_settings") or {}).get("n_ctx")
    flags: dict[str, Setting] = {key: config[key] for key in sorted(config)}
    if props:
        flags |= {"total_slots": props.get("total_slots"), "model_path": props.get("model_path")}
    return EngineFacts(
        kind="openai",
        name=name,
        version=version.get("version") or props.get("build_info"),
        model=model,
        model_reported=known.get("root") or known.get("id"),
        url=url,
        max_model_len_tokens=length,
        kv_cache_tokens=kv_cache_tokens(config),
        prefix_caching={"True": True, "False": False}.get(config.get("enable_prefix_caching", "")),
        flags=flags,
    )


def _unreachable(url: str, error: OSError) -> EngineError:
    reason = "it does not answer in time" if isinstance(error, TimeoutError) else error.strerror or str(error)
    return EngineError(f"cannot reach {url}: {reason}", cure="start the server, or correct --url")


def _unknown_model(model: str, models: tuple[JsonObject, ...]) -> EngineError:
    names = [str(item.get("id")) for item in models]
    near = get_close_matches(model, names, n=1, cutoff=0.0) if len(names) > 1 else names
    listed = ", ".join(names[:10]) + (" ..." if len(names) > 10 else "")
    return EngineError(
        f"the server has no model {model!r}; it serves: {listed}", cure=f"use --model {near[0]}"
    )


def _models(text: str) -> tuple[JsonObject, ...]:
    try:
        data = json.loads(text)
    except ValueError:
        return ()
    rows = data.get("data") if isinstance(data, dict) else None
    return tuple(item for item in rows or () if isinstance(item, dict) and item.get("id"))


def _json(page: tuple[int, str]) -> JsonObject:
    status, text = page
    try:
        data = json.loads(text) if status == 200 else {}
    except ValueError:
        return {}
    return data if isinstance(data, dict) else {}


def cache_config(metrics: str) -> dict[str, str]:
    """Return the labels of ``vllm:cache_config_info``, the flags of the KV cache; empty when it is absent."""
    for sample in SAMPLE.finditer(metrics):
        if sample["name"] == "vllm:cache_config_info":
            return dict(LABEL.findall(sample["labels"] or ""))
    return {}


def kv_cache_tokens(config: dict[str, str]) -> int | None:
    """Return the size of the KV pool [tokens] from the labels of ``vllm:cache_config_info``.

    Older servers do not state it; there it is blocks times block size.
    """
    stated = config.get("kv_cache_size_tokens", "")
    if stated.isdigit():
        return int(stated)
    blocks, size = config.get("num_gpu_blocks", ""), config.get("block_size", "")
    return int(blocks) * int(size) if blocks.isdigit() and size.isdigit() else None


def metric_total(metrics: str, names: tuple[str, ...]) -> float | None:
    """Return the sum of all samples of the first of ``names`` that occurs."""
    for name in names:
        values = [float(sample["value"]) for sample in SAMPLE.finditer(metrics) if sample["name"] == name]
        if values:
            return sum(values)
    return None


async def cache_counters(get: Get) -> CacheAudit:
    """Return the running totals of the prefix cache."""
    try:
        status, text = await get("/metrics")
    except OSError:
        return CacheAudit()
    if status != 200:
        return CacheAudit()
    return CacheAudit(
        queried_tokens=metric_total(text, CACHE_QUERIES), hit_tokens=metric_total(text, CACHE_HITS)
    )
