"""Mixtures of llama.cpp's quantiser have the bytes of real files, and lie where llama.cpp puts them."""

from pathlib import Path

import pytest
import yaml

from planner.errors import UsageError
from planner.inputs.books import load_books
from planner.planning.memory.architecture import unpack
from planner.planning.memory.gguf_weights import GgufBytes, gguf_bytes
from planner.units import GB, GIB, MIB

BOOKS = load_books()


def size(model: str, quantization: str) -> GgufBytes:
    """Bytes of a model of the book as GGUF."""
    return gguf_bytes(unpack(BOOKS.models.find(model)), quantization)


@pytest.mark.parametrize(
    ("model", "quantization", "file_bytes"),
    [
        # llama-bench model_size, lhl/strix-halo-testing and kyuz0/amd-strix-halo-toolboxes
        ("llama-2-7b", "q4_0", 3_825_065_984),
        ("llama-2-7b", "q4_k_m", 4_080_263_168),
        ("llama-3.1-8b", "q4_k_m", 4_912_898_304),
        ("llama-3.3-70b", "q4_k_m", 42_512_531_712),
        ("qwen3-32b", "q8_0", 34_811_744_256),
        # ikawrakow/ik_llama.cpp start-up lines, MIT, three decimals of GiB
        ("qwen3-235b-a22b", "q8_0", 232.769 * GIB),
        ("qwen3-235b-a22b", "q4_k_m", 132.386 * GIB),
        ("qwen3-235b-a22b", "Q6_K", 179.754 * GIB),
        ("gemma-3-27b", "Q4_K - Medium", 15.404 * GIB),
        ("qwen3-32b", "q5_k_m", 21.603 * GIB),
    ],
)
def test_a_file_has_the_bytes_of_the_real_one(model: str, quantization: str, file_bytes: float) -> None:
    assert size(model, quantization).file == pytest.approx(file_bytes, rel=0.001)


@pytest.mark.parametrize(
    ("quantization", "file_gb"),
    [
        ("q8_0", 74.98),
        ("q6_k", 57.89),
        ("q5_k_m", 49.95),
        ("q5_k_s", 48.66),
        ("q4_k_m", 42.52),
        ("q4_k_s", 40.35),
        ("q4_0", 40.12),
        ("iq4_xs", 37.90),
        ("q3_k_l", 37.14),
        ("q3_k_m", 34.27),
        ("q3_k_s", 30.91),
        ("q2_k", 26.37),
        ("iq3_m", 31.93),
        ("iq3_s", 30.91),
        ("iq3_xs", 29.30),
        ("iq3_xxs", 27.47),
        ("iq2_m", 24.12),
        ("iq2_s", 22.24),
        ("iq2_xs", 21.14),
        ("iq2_xxs", 19.10),
        ("iq1_m", 16.75),
        ("iq1_s", 15.34),
    ],
)
def test_every_mixture_of_a_70b_is_within_half_a_per_cent(quantization: str, file_gb: float) -> None:
    # sizes on the model card of a widely used conversion of Llama-3.1-70B
    assert size("llama-3.1-70b", quantization).file / GB == pytest.approx(file_gb, rel=0.005)


def test_the_embedding_stays_on_the_host() -> None:
    # llama.cpp start-up line of Llama-2-7B, q4_0: 70.31 MiB of embedding beside the device's buffer
    found = size("llama-2-7b", "q4_0")
    assert found.embedding / MIB == pytest.approx(70.31, abs=0.01)
    assert found.layers + found.output == pytest.approx(found.file - found.embedding)


def test_a_tied_output_is_a_copy_on_the_device() -> None:
    found = size("llama-3.2-3b", "q4_k_m")
    assert found.output == found.embedding == 128_256 * 3072 * 6.5625 / 8


def test_rows_that_do_not_fill_a_block_fall_back_to_another_type() -> None:
    # Qwen2.5-0.5B is 896 wide, no multiple of 256: q4_k becomes q5_0, q6_k becomes q8_0
    assert size("qwen2.5-0.5b", "q4_k_m").embedding == 151_936 * 896 * 8.5 / 8


def test_an_unknown_mixture_is_refused_with_the_nearest() -> None:
    with pytest.raises(UsageError, match="did you mean q4_k_m"):
        size("phi-2", "q4_km")


def test_eight_expert_models_keep_small_matrices_at_eight_bits() -> None:
    mixtral, plain = size("mixtral-8x7b", "q4_k_m"), size("mixtral-8x7b", "q4_0")
    assert mixtral.file > plain.file
    assert size("gpt-oss-20b", "mxfp4").file < size("gpt-oss-20b", "q8_0").file


SIZES = yaml.safe_load(Path("tests/cases/gguf_sizes.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("name", "kind"), [(name, kind) for name, kinds in SIZES.items() for kind in kinds], ids=str
)
def test_files_are_as_large_as_the_quantiser_makes_them(name: str, kind: str) -> None:
    found = gguf_bytes(unpack(BOOKS.models.find(name)), kind)
    assert found.file / 2**20 == pytest.approx(SIZES[name][kind], abs=0.02)  # stated in hundredths


def test_one_fused_matrix_of_queries_keys_and_values_has_a_type_of_its_own() -> None:
    # 32 layers of 9,216 rows of 3,072, all in 5 bits where q4_k_m stores them so; 18 of the layers' down-projections in 6
    phi = unpack(BOOKS.models.find("phi-3-mini-4k"))
    fused = sum(tensor.parameters for tensor in phi.tensors if tensor.name == "qkv")
    renamed = phi.model.model_copy(update={"architecture": "LlamaForCausalLM"})
    apart = gguf_bytes(unpack(renamed), "q4_k_m").file - gguf_bytes(phi, "q4_k_m").file
    values, lifted = fused / 3, 16 / 32
    assert apart == pytest.approx((values * lifted * (6.5625 - 4.5) - fused * (5.5 - 4.5)) / 8)


def test_embeddings_for_each_layer_stay_in_host_memory_in_the_type_of_the_others() -> None:
    # Gemma 3n E4B: 262,144 rows of 256 for each of 35 layers in Q4_K, 1.3 GB, beside the 0.4 GB of the vocabulary.
    sizes = gguf_bytes(unpack(load_books().models.find("gemma-3n-e4b")), "q4_k_m")
    assert sizes.embedding - sizes.output == pytest.approx(262_144 * 256 * 35 * 4.5 / 8)
    assert sizes.file == pytest.approx(4.5e9, rel=0.02)
