import json

from hypothesis import given, strategies as st

from planner.engines.openai_body import Dialect, PromptMaker, first_dialect, next_dialect, request_body
from tests.engines.truth import plan

PROMPTS = PromptMaker(7)


@given(st.integers(1, 70_000), st.integers(0, 300), st.integers(0, 1 << 30))
def test_a_prompt_has_exactly_the_tokens_asked_for(length: int, shared: int, seed: int) -> None:
    request = plan(seed, input_tokens=length, shared=shared)
    ids = json.loads(PROMPTS.token_ids_json(request))
    assert len(ids) == length
    assert all(1000 <= token < 2000 for token in ids)
    if length < 2000:
        assert len(PROMPTS.words(request, 0).split()) == length


def test_two_prompts_differ_from_the_first_token_unless_a_prefix_is_shared() -> None:
    one, two = (json.loads(PROMPTS.token_ids_json(plan(seed, input_tokens=64))) for seed in (1, 2))
    assert one[:8] != two[:8]
    three, four = (
        json.loads(PROMPTS.token_ids_json(plan(seed, input_tokens=64, shared=32))) for seed in (1, 2)
    )
    assert three[:32] == four[:32]
    assert three[32:40] != four[32:40]


def test_the_same_seed_makes_the_same_prompt_and_another_run_seed_another_one() -> None:
    request = plan(3, input_tokens=64)
    assert PromptMaker(7).token_ids_json(request) == PROMPTS.token_ids_json(request)
    assert PromptMaker(8).token_ids_json(request) != PROMPTS.token_ids_json(request)


def test_the_first_words_ask_for_exact_lengths_usage_and_ids() -> None:
    body = json.loads(request_body(first_dialect("auto"), model="m", plan=plan(), prompts=PROMPTS))
    assert body["max_tokens"] == body["min_tokens"] == 6
    assert body["ignore_eos"]
    assert body["return_token_ids"]
    assert body["stream_options"] == {"include_usage": True}


def refused(dialect: Dialect, status: int, body: str = "", endpoint: str = "auto") -> Dialect:
    simpler = next_dialect(dialect, status=status, body=body, endpoint=endpoint)
    assert simpler is not None
    return simpler


def test_a_named_field_is_dropped_or_renamed() -> None:
    assert "ignore_eos" not in refused(Dialect(), 400, "unknown field ignore_eos").fields
    chat = first_dialect("chat")
    assert refused(chat, 400, "use 'max_tokens' no more").length_field == "max_completion_tokens"


def test_refusals_without_a_name_lead_from_ids_to_text_to_plain_to_chat_to_nothing() -> None:
    text = refused(Dialect(), 400)
    assert not text.token_ids
    plain = refused(text, 422)
    assert not plain.exact_length
    chat = refused(plain, 400)
    assert chat.chat
    plain_chat = refused(chat, 400)
    assert next_dialect(plain_chat, status=400, body="", endpoint="auto") is None


def test_a_missing_page_leads_to_chat_at_once_and_a_server_error_to_nothing() -> None:
    assert refused(Dialect(), 404).chat
    assert next_dialect(Dialect(), status=500, body="", endpoint="auto") is None
    assert next_dialect(Dialect(), status=404, body="", endpoint="completions") is None
