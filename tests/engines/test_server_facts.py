import asyncio
import json

import pytest

from planner.engines.base import EngineOptions
from planner.engines.server_facts import cache_config, cache_counters, describe_server, kv_cache_tokens
from planner.errors import EngineError
from planner.specs.measured.measurement import CacheAudit, EngineFacts

# lines of a real vLLM 0.32.0 /metrics page
METRICS = """# HELP vllm:cache_config_info Information of the LLMEngine CacheConfig
vllm:cache_config_info{block_size="128",num_gpu_blocks="24",kv_cache_size_tokens="3072",enable_prefix_caching="True"} 1.0
vllm:prefix_cache_queries_total{engine="0",model_name="m"} 1000.0
vllm:prefix_cache_queries_total{engine="1",model_name="m"} 200.0
vllm:prefix_cache_hits_total{engine="0",model_name="m"} 256.0
"""
MODELS = json.dumps({"data": [{"id": "m", "root": "models/m", "max_model_len": 2048, "owned_by": "vllm"}]})


def describe(pages: dict[str, tuple[int, str]], model: str = "m") -> EngineFacts:
    async def get(path: str) -> tuple[int, str]:
        return pages.get(path, (404, "not found"))

    return asyncio.run(describe_server(get, EngineOptions(model=model), "http://h:1/v1"))


def test_vllm_tells_its_version_length_and_pool() -> None:
    facts = describe(
        {"/v1/models": (200, MODELS), "/version": (200, '{"version": "0.32.0"}'), "/metrics": (200, METRICS)}
    )
    assert (facts.name, facts.version, facts.max_model_len_tokens) == ("vllm", "0.32.0", 2048)
    assert facts.kv_cache_tokens == 3072
    assert facts.prefix_caching is True
    assert facts.flags["block_size"] == "128"


def test_an_older_vllm_tells_blocks_only() -> None:
    assert kv_cache_tokens({"num_gpu_blocks": "682", "block_size": "128"}) == 87_296
    assert kv_cache_tokens({"num_gpu_blocks": "None"}) is None
    assert cache_config("") == {}


def test_llama_server_tells_its_build_and_slots() -> None:
    props = {"build_info": "b1-0c1e", "total_slots": 4, "default_generation_settings": {"n_ctx": 4096}}
    facts = describe({"/v1/models": (200, '{"data": [{"id": "m"}]}'), "/props": (200, json.dumps(props))})
    assert (facts.name, facts.version, facts.max_model_len_tokens) == ("llama-server", "b1-0c1e", 4096)
    assert facts.flags["total_slots"] == 4


@pytest.mark.parametrize("models", [(404, ""), (200, "not json"), (200, "[]")])
def test_a_server_that_says_nothing_is_unknown_not_refused(models: tuple[int, str]) -> None:
    facts = describe({"/v1/models": models, "/version": (200, "not json")})
    assert (facts.name, facts.version, facts.kv_cache_tokens) == ("unknown", None, None)


def test_a_refused_key_names_the_cure() -> None:
    with pytest.raises(EngineError, match="HTTP 401") as caught:
        describe({"/v1/models": (401, "")})
    assert "--api-key-env" in (caught.value.cure or "")


def test_the_nearest_model_is_offered() -> None:
    listed = json.dumps({"data": [{"id": "llama-3.1-8b"}, {"id": "qwen2.5-7b"}]})
    with pytest.raises(EngineError) as caught:
        describe({"/v1/models": (200, listed)}, model="llama-3-8b")
    assert caught.value.cure == "use --model llama-3.1-8b"


def test_the_prefix_cache_counts_over_all_engines_of_the_server() -> None:
    async def get(path: str) -> tuple[int, str]:
        return (200, METRICS) if path == "/metrics" else (404, "")

    async def absent(_: str) -> tuple[int, str]:
        raise ConnectionRefusedError

    assert asyncio.run(cache_counters(get)) == CacheAudit(queried_tokens=1200.0, hit_tokens=256.0)
    assert asyncio.run(cache_counters(absent)) == CacheAudit()
