from __future__ import annotations

import sys
from pathlib import Path

import pytest

from planner.engines import llamacpp
from planner.engines.llamacpp import LlamaCppWorker, engine_facts, measure_steadily, open_worker
from planner.engines.llamacpp_session import EngineLog, LlamaCppSettings
from planner.engines.llamacpp_work import measure
from planner.engines.steadiness import disturbance_of, reasons_not_to_trust, spread
from planner.engines.synthetic import write_gguf
from planner.errors import EngineError, UsageError
from planner.specs.measured.step_point import StepPoint
from planner.specs.measured.steps import Disturbance, StepSamples
from tests.engines.fake_session import ROW_S, STEP_S, FakeSession
from tests.engines.shapes import tiny

FAKE = (sys.executable, "-m", "tests.engines.fake_session")


def settings(model: str = "fake.gguf") -> LlamaCppSettings:
    return LlamaCppSettings(model=model, threads=1, sequences=4, batch_tokens=64)


def test_a_decode_point_grows_its_context_by_one_a_step() -> None:
    session = FakeSession(settings())
    times, _ = measure(
        session, StepPoint(sequences=2, context_tokens=10, repetitions=3), batch_tokens=64, seed=0
    )
    assert times == [STEP_S + 2 * ROW_S] * 3
    assert [(row.sequence, row.position) for row in session.steps[-1]] == [(0, 12), (1, 12)]
    assert len(session.steps) == 1 + 1 + 3  # one prefill shared by copy, one untimed step, three timed ones


def test_a_prompt_point_is_taken_back_after_each_step() -> None:
    session = FakeSession(settings())
    point = StepPoint(prompt_tokens=8, prompt_offset_tokens=5, repetitions=2)
    measure(session, point, batch_tokens=64, seed=0)
    assert [row.position for row in session.steps[-1]] == list(range(5, 13))
    assert [row.output for row in session.steps[-1]] == [False] * 7 + [True]
    assert session.lengths[0] == 5


def test_a_mixed_point_puts_the_prompt_behind_the_decoding_sequences() -> None:
    session = FakeSession(settings())
    point = StepPoint(sequences=2, context_tokens=4, prompt_tokens=3, repetitions=2)
    measure(session, point, batch_tokens=64, seed=0)
    assert [row.sequence for row in session.steps[-1]] == [0, 1, 2, 2, 2]


@pytest.mark.parametrize("point", [StepPoint(), StepPoint(prompt_tokens=65)])
def test_a_step_that_does_not_fit_the_batch_is_refused(point: StepPoint) -> None:
    with pytest.raises(UsageError, match="cannot be measured with a batch of 64"):
        measure(FakeSession(settings()), point, batch_tokens=64, seed=0)


@pytest.mark.parametrize(
    ("point", "kind", "label"),
    [
        (StepPoint(prompt_tokens=512), "prefill", "pp512"),
        (StepPoint(prompt_tokens=64, prompt_offset_tokens=256), "prefill", "pp64 @ d256"),
        (StepPoint(sequences=4, context_tokens=128), "decode", "tg4 @ d128"),
        (StepPoint(sequences=4, context_tokens=128, prompt_tokens=32), "mixed", "tg4+pp32 @ d128"),
    ],
)
def test_points_are_named_as_llama_bench_names_them(point: StepPoint, kind: str, label: str) -> None:
    assert (point.kind, point.label) == (kind, label)


def test_the_worker_process_measures_and_describes_itself() -> None:
    with open_worker(settings(), command=FAKE) as worker:
        samples = worker.measure(StepPoint(sequences=1, repetitions=2))
        facts = engine_facts(worker, model="fake", synthetic=True)
    assert samples.times_s == (STEP_S + ROW_S,) * 2
    assert (facts.version, facts.synthetic, facts.max_model_len_tokens) == ("fake 1", True, 1024)
    assert "model" not in facts.flags


def test_a_model_that_does_not_load_is_an_engine_error_with_a_cure() -> None:
    with pytest.raises(EngineError, match=r"could not load missing\.gguf") as refused:
        LlamaCppWorker(settings("missing.gguf"), command=FAKE)
    assert refused.value.cure == "is it a GGUF file?"


def test_a_worker_that_dies_says_so_with_its_last_words() -> None:
    with (
        open_worker(settings("dies.gguf"), command=FAKE) as worker,
        pytest.raises(EngineError, match=r"ended with code 3\n  engine: ggml: out of memory"),
    ):
        worker.measure(StepPoint(sequences=1))


def test_a_refused_point_leaves_the_worker_alive() -> None:
    with open_worker(settings(), command=FAKE) as worker:
        with pytest.raises(EngineError, match="cannot be measured"):
            worker.measure(StepPoint(prompt_tokens=1000))
        assert worker.measure(StepPoint(prompt_tokens=4, repetitions=1)).times_s


def test_the_least_disturbed_of_several_attempts_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    point = StepPoint(sequences=1)
    shares = iter([0.5, 0.2, 0.3])

    def disturbed(_worker: LlamaCppWorker, point: StepPoint, *, seed: int) -> StepSamples:
        share = next(shares)
        noise = Disturbance(foreign_fraction=share, steal_fraction=0.0)
        return StepSamples(
            point=point,
            times_s=(share + seed,),
            disturbance=noise,
            unsteady=reasons_not_to_trust((1.0,), noise),
        )

    monkeypatch.setattr(LlamaCppWorker, "measure", disturbed)
    monkeypatch.setattr(llamacpp, "wait_for_quiet", lambda _patience_s: False)
    worker = object.__new__(LlamaCppWorker)
    kept = measure_steadily(worker, point, attempts=3)
    assert (kept.times_s, kept.attempts) == ((0.2,), 3)
    assert kept.unsteady == ("other processes took 20 % of the CPU",)


def test_steady_times_that_grow_with_the_context_are_not_called_unsteady() -> None:
    growing = [0.020 * (1 + index / 100) for index in range(100)]  # twice as slow at the end
    assert spread(growing) < 1.05
    assert reasons_not_to_trust(growing, Disturbance()) == ()


def test_spikes_foreign_load_and_steal_are_each_named() -> None:
    spiky = [0.023] * 8 + [1.66] * 4  # seen beside one busy process
    reasons = reasons_not_to_trust(spiky, Disturbance(foreign_fraction=0.45, steal_fraction=0.05))
    assert [reason.split(" ")[0] for reason in reasons] == ["p90", "other", "the"]


def test_disturbance_is_what_neither_we_nor_the_host_used() -> None:
    # 2 CPUs for 10 s = 20 s; busy 16 s, of which ours 10 s and stolen 1 s: 5 s foreign
    found = disturbance_of(wall_s=10, own_s=10, busy_s=16, steal_s=1, cpus=2)
    assert found == Disturbance(foreign_fraction=0.25, steal_fraction=0.05)
    assert disturbance_of(wall_s=10, own_s=10, busy_s=None, steal_s=None, cpus=2) == Disturbance()


@pytest.mark.llamacpp
@pytest.mark.parametrize(
    ("family", "experts"),
    [
        ("llama", 0),
        ("llama", 8),
        ("qwen2", 0),
        ("qwen3", 0),
        ("qwen3moe", 16),
        ("gemma", 0),
        ("gemma2", 0),
        ("gemma3", 0),
    ],
)
def test_llama_cpp_loads_and_runs_a_synthetic_model(family: str, experts: int, tmp_path: Path) -> None:
    path = write_gguf(tiny(family, experts=experts), "q4_k_m", tmp_path / "model.gguf", seed=1)
    points = (
        StepPoint(prompt_tokens=16, repetitions=2),
        StepPoint(sequences=3, context_tokens=8, repetitions=2),
        StepPoint(sequences=2, context_tokens=8, prompt_tokens=4, repetitions=2),
    )
    with open_worker(settings(str(path))) as worker:
        assert worker.facts.vocabulary == 1024
        assert all(min(worker.measure(point).times_s) > 0 for point in points)
        with pytest.raises(EngineError, match="no room"):
            worker.measure(StepPoint(sequences=1, context_tokens=1024, repetitions=2))


def test_the_log_is_held_back_until_the_model_is_loaded(capsys: pytest.CaptureFixture[str]) -> None:
    log = EngineLog()
    assert log.reason() == ""
    log.take(2, b"loading tensors\n", None)  # progress
    log.take(4, b"gguf_init: cut\n", None)
    assert log.reason() == "gguf_init: cut"
    log.take(4, b"llama_model_load: error loading model: the file is cut\n", None)
    assert log.reason() == "the file is cut"
    assert capsys.readouterr().err == ""
    log.release()
    log.take(3, b"a warning\n", None)
    assert capsys.readouterr().err.splitlines()[-2:] == [
        "llama_model_load: error loading model: the file is cut",
        "a warning",
    ]


@pytest.mark.llamacpp
def test_llama_cpp_refuses_a_file_that_is_no_model(tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(b"not a model")
    with pytest.raises(EngineError, match=r"could not load .*: failed to load model from [^\n]*$"):
        LlamaCppWorker(
            settings(str(path))
        )  # one line: the reason stands in it, the log of the engine does not
