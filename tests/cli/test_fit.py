"""``planner fit`` from the shell."""

import json
from pathlib import Path

import pytest
from typer.testing import Result

from tests.cli.shell import planner

NO_RATE = "apple-m5-pro"  # Apple states no matrix rate, and no one has measured one yet


def fit(*args: str) -> Result:
    """Run ``planner fit`` in a pipe of 80 columns."""
    return planner("fit", *args)


def test_json_has_the_keys_that_others_rely_on() -> None:
    done = fit("llama-3.1-8b", "--gpu", "H100 80GB SXM", "--format", "json")
    found = json.loads(done.stdout)
    assert done.exit_code == 0
    assert found["schema"] == "planner.fit/1"
    assert found["fits"] is True
    assert found["kv_bytes_per_token"] == 131_072
    assert {
        "weights_bytes_per_gpu",
        "kv_bytes_per_token_per_gpu",
        "kv_pool_tokens",
        "max_context_tokens",
        "max_concurrency",
    } <= set(found)


def test_a_no_is_an_answer_and_a_finding_under_strict() -> None:
    args = ("llama-3.1-70b", "--gpu", "l4")
    done = fit(*args)
    assert done.exit_code == 0
    assert done.stdout.startswith("llama-3.1-70b does not fit")
    assert fit(*args, "--strict").exit_code == 1


def test_the_screen_is_plain_and_fits_eighty_columns() -> None:
    done = fit("llama-3.1-70b", "--gpu", "h100", "--tensor-parallel", "2", "--concurrency", "32")
    assert "\x1b" not in done.stdout
    assert max(len(line) for line in done.stdout.splitlines()) <= 80
    assert "What would make it fit" in done.stdout
    assert done.stdout.count("[") == 1


@pytest.mark.parametrize("style", ["table", "csv", "md", "json"])
def test_every_device_of_the_book_is_asked_without_gpu(style: str) -> None:
    done = fit("llama-3.1-8b", "--format", style)
    assert done.exit_code == 0
    assert "h100-sxm" in done.stdout
    assert ("further off" if style == "table" else "rtx-4060") in done.stdout


def test_an_unknown_name_comes_with_the_nearest() -> None:
    done = fit("llama-3.1-8c", "--gpu", "h100")
    assert done.exit_code == 3
    assert "llama-3.1-8b" in done.stderr


def test_a_model_s_own_folder_is_as_good_as_a_name(tmp_path: Path) -> None:
    config = {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_size": 4096,
        "num_hidden_layers": 32,
        "num_attention_heads": 32,
        "num_key_value_heads": 8,
        "intermediate_size": 14336,
        "vocab_size": 128256,
        "max_position_embeddings": 131072,
    }
    (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    done = fit(str(tmp_path), "--gpu", "h100", "--format", "json")
    assert json.loads(done.stdout)["kv_bytes_per_token"] == 131_072
    row = planner("models", "import", tmp_path)
    assert row.stdout.startswith("models:\n- id:")
    (tmp_path / "models.yaml").write_text(row.stdout.replace(tmp_path.name, "mine"), encoding="utf-8")


@pytest.mark.parametrize("engine", ["vllm", "llamacpp"])
def test_the_default_context_is_no_longer_than_the_model_s(engine: str) -> None:
    done = fit("llama-2-7b", "--gpu", "a100", "--engine", engine, "--format", "json")
    assert json.loads(done.stdout)["context_tokens"] == 4096


def test_what_fits_is_timed_and_drawn() -> None:
    """An H100 has room for 16 sequences of 8,192 tokens: 7,936 of the prompt and 256 of the answer."""
    asked = ("llama-3.1-8b", "--gpu", "h100-sxm", "--concurrency", "16")
    screen = fit(*asked).stdout
    assert "latency  [" in screen
    assert "prompts of others" in screen
    assert "16 at once, 7,936 tokens in and 256 out; vllm-hopper, fitted" in screen
    latency = json.loads(fit(*asked, "--format", "json").stdout)["latency"]
    assert latency["input_tokens"] == 7936
    assert latency["ttft_s"]["low"] < latency["ttft_s"]["value"] < latency["ttft_s"]["high"]
    assert sum(part["share_fraction"] for part in latency["breakdown"]) == pytest.approx(1)


def test_llama_cpp_is_timed_with_one_sequence() -> None:
    asked = ("llama-3.1-8b", "--gpu", "rtx-4090", "--engine", "llamacpp", "--quantization", "q4_k_m")
    assert "1 at once, 7,936 tokens in" in fit(*asked, "--concurrency", "2").stdout


def test_what_does_not_fit_has_no_latency() -> None:
    asked = ("llama-3.1-70b", "--gpu", "l4")
    assert "latency" not in fit(*asked).stdout
    assert json.loads(fit(*asked, "--format", "json").stdout)["latency"] is None


def test_a_device_without_a_matrix_rate_has_memory_but_no_latency() -> None:
    done = fit("llama-3.1-8b", "--gpu", NO_RATE, "--engine", "llamacpp", "--quantization", "q4_k_m")
    assert "latency  unknown: the books have no matrix rate for" in done.stdout
    shown = fit("llama-3.1-8b", "--gpu", NO_RATE, "--engine", "llamacpp", "--format", "json").stdout
    assert json.loads(shown)["latency"] is None
