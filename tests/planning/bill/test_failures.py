"""Failure economics: retries by class, failover, backoff and circuit breaker."""

import pytest

from planner.errors import InputError
from planner.planning.bill.retries import errors_of, outcome_of
from planner.specs.answers.api_plan import Failures
from tests.planning.scenes import CASCADE, CHAT, FAQ, RAG, case_of, estimate_of, usd_of


def failures(path: str, *sets: str) -> Failures:
    found = estimate_of(path, *sets).api.failures
    assert found is not None
    return found


def test_a_scenario_without_errors_or_target_has_no_such_section() -> None:
    assert estimate_of(CASCADE).api.failures is None


def test_without_errors_the_provider_s_uptime_is_the_availability() -> None:
    found = failures(RAG)
    assert found.availability_fraction == 0.999
    assert found.holds is True
    assert failures(RAG, "slo.availability=0.9995").holds is False


def test_retries_follow_the_class_of_the_error() -> None:
    rows = {row.name: row for row in failures(FAQ).errors}
    assert (rows["timeout"].retries, rows["server_error"].retries) == (1, 3)
    assert (rows["content_filtered"].retries, rows["content_filtered"].http) == (0, 400)
    rows = {row.name: row for row in failures(FAQ, "reliability.max_retries=8").errors}
    assert (rows["rate_limited"].retries, rows["server_error"].retries) == (8, 3)


def test_every_request_ends_answered_spent_or_lost() -> None:
    outcome = outcome_of(errors_of(case_of(FAQ)))
    assert outcome.answered_fraction + outcome.spent_fraction + outcome.lost_fraction == pytest.approx(1)


def test_failed_attempts_that_are_charged_are_in_the_bill() -> None:
    """One try in ten answers in broken JSON, paid in full; one retry: 1.1 attempts, 0.99 answered, 0.11 wasted."""
    broken = "reliability={errors: {invalid_json: 0.1}, max_retries: 1}"
    assert usd_of(CHAT, broken) == pytest.approx(849.60 * 1.1)
    refused = "reliability={errors: {rate_limited: 0.1}, max_retries: 1}"
    assert usd_of(CHAT, refused) == pytest.approx(849.60 * 0.99)


def test_a_failover_model_answers_what_the_retries_do_not() -> None:
    """Half of all attempts fail, one retry: a quarter moves; the backup answers three quarters of that."""
    rules = "error_rate: 0.5, max_retries: 1, provider_uptime: 1, failover_model: gpt-4o-mini"
    found = failures(CHAT, f"reliability={{{rules}, circuit_breaker: {{failure_threshold: 100}}}}")
    assert found.availability_without_failover_fraction == pytest.approx(0.75)
    assert found.availability_fraction == pytest.approx(0.75 + 0.25 * 0.75)
    assert found.extra_load_fraction == pytest.approx(0.5)


def test_what_no_model_mends_is_not_failed_over() -> None:
    sets = "reliability={errors: {bad_request: 0.1}, provider_uptime: 1, failover_model: gpt-4o-mini}"
    assert failures(CHAT, sets).availability_fraction == pytest.approx(0.9)


def test_waits_are_the_mean_of_the_jitter() -> None:
    """One error in ten, one retry after 0 to 1 s: 0.1 · 0.5 s; without jitter 0.1 · 1 s."""
    sets = "reliability={error_rate: 0.1, max_retries: 1, backoff: {jitter: JITTER}}"
    assert failures(CHAT, sets.replace("JITTER", "full")).added_mean_s == pytest.approx(0.05)
    assert failures(CHAT, sets.replace("JITTER", "none")).added_mean_s == pytest.approx(0.1)


def test_a_timeout_takes_its_time_before_the_retry() -> None:
    sets = "reliability={errors: {timeout: 0.1}, timeout_s: 20}"
    assert failures(CHAT, sets).added_mean_s == pytest.approx(0.1 * (20 + 0.5))
    assert 20 < failures(CHAT, sets).added_p95_s < 21


def test_a_breaker_opens_by_chance_only_at_high_error_rates() -> None:
    calm = failures(CHAT, "reliability={error_rate: 0.01}", "traffic.requests_per_day=1e6").breaker
    rough = failures(CHAT, "reliability={error_rate: 0.5}", "traffic.requests_per_day=1e6").breaker
    assert calm.trips_per_month < 0.01
    assert rough.open_fraction > 0.5
    assert calm.detects_outage_s == pytest.approx(5 / (1e6 / 86_400), rel=0.02)


def test_a_breaker_never_opens_where_requests_are_rarer_than_its_window() -> None:
    found = failures(CHAT, "reliability={error_rate: 0.1}", "traffic.requests_per_day=1000").breaker
    assert (found.detects_outage_s, found.trips_per_month) == (None, 0.0)
    thin = failures(CHAT, "slo.availability=0.9", "traffic.requests_per_day=1e6").breaker
    assert thin.open_fraction == 0


def test_errors_load_the_rate_limit_by_their_retries() -> None:
    tier = estimate_of(CHAT).recommendation.provider_tiers[0].used_fraction or 0
    rough = estimate_of(CHAT, "reliability={error_rate: 0.2, max_retries: 3}")
    assert (rough.recommendation.provider_tiers[0].used_fraction or 0) / tier == pytest.approx(1.248)


def test_a_missed_availability_is_a_warning_with_a_cure() -> None:
    warnings = {notice.code: notice for notice in estimate_of(RAG, "slo.availability=0.9999").warnings}
    assert warnings["AVAILABILITY"].cure == "name a failover_model"
    backed = {notice.code: notice for notice in estimate_of(FAQ).warnings}
    assert backed["AVAILABILITY"].cure == "retry more often, or fix what is lost"


def test_a_provider_that_fails_nearly_always_still_has_its_rows() -> None:
    made = estimate_of(CHAT, "reliability={errors: {bad_request: 0.999}}")
    assert [cost.model for cost in made.cost.frequent] == [
        "openai/gpt-4o-mini",
        "anthropic/claude-3-5-sonnet",
    ]
    assert made.cost.usd_per_month == pytest.approx(849.60 * 0.001)


def test_what_a_failed_attempt_bills_is_assumed_until_it_is_stated() -> None:
    errors = "reliability={errors: {timeout: 0.1}, timeout_s: 5, max_retries: 0}"
    stated = "reliability={errors: {timeout: 0.1}, timeout_s: 5, max_retries: 0, billed: {timeout: 0.25}}"
    (assumed,) = failures(CHAT, errors).errors
    (own,) = failures(CHAT, stated).errors
    assert (assumed.billed_fraction, assumed.billed_stated) == (1.0, False)
    assert (own.billed_fraction, own.billed_stated) == (0.25, True)
    # of ten attempts nine are answered and paid; the tenth is paid in whole, or a quarter of it
    answered = usd_of(CHAT, "reliability={}") * 0.9
    assert usd_of(CHAT, errors) == pytest.approx(answered * 10 / 9)
    assert usd_of(CHAT, stated) == pytest.approx(answered * 9.25 / 9)


def test_errors_without_classes_may_be_billed_too() -> None:
    sets = "reliability={error_rate: 0.1, max_retries: 0, billed: {any_error: 1.0}}"
    assert usd_of(CHAT, sets) == pytest.approx(usd_of(CHAT, "reliability={}"))


@pytest.mark.parametrize(
    ("sets", "named"),
    [
        ("reliability={error_rate: 0.1, billed: {timeout: 1.0}}", "any_error with error_rate"),
        ("reliability={errors: {server_error: 0.1}, billed: {any_error: 1.0}}", "classes of errors"),
        ("reliability={error_rate: 0.1, billed: {any_error: 1.5}}", "a number ≤ 1"),
        ("reliability={error_rate: 0.1, billed: {nothing: 1.0}}", "any_error"),
    ],
)
def test_a_billed_part_that_cannot_be_is_refused(sets: str, named: str) -> None:
    with pytest.raises(InputError) as refusal:
        case_of(CHAT, sets)
    assert named in str(refusal.value.faults[0])
