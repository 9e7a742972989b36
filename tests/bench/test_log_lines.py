from dataclasses import replace

import pytest

from planner.bench.log_lines import log_lines
from planner.specs.measured.measurement import Outcome, RunLabels
from tests.bench.stamps import MS, record, reply
from tests.bench.test_records import MANIFEST

RUN = replace(MANIFEST, wall_ns=1_800_000_000 * 10**9, perf_ns=0, labels=RunLabels(feature="chat", user="u1"))


def test_a_line_has_every_field_of_a_request_log_by_its_otel_name() -> None:
    (line,) = log_lines(
        (record(3, reply(1002.0, cached=40)),), RUN, lambda given, cached, made: given + cached + made
    )
    assert line["timestamp"] == "2027-01-15T08:00:01.000+00:00"
    assert line["planner.request.id"] == "r-0-0-3"
    assert line["gen_ai.usage.input_tokens"] == 100
    assert line["gen_ai.usage.output_tokens"] == 3
    assert line["gen_ai.server.time_to_first_token"] == pytest.approx(0.020)
    assert line["gen_ai.client.operation.duration"] == pytest.approx(33 * MS / 1e9)
    assert line["planner.cost_usd"] == 143
    assert line["planner.cache_hit"] is True
    assert (line["planner.feature"], line["user.id"]) == ("chat", "u1")
    assert (line["planner.status"], line["error.type"]) == ("success", None)


def test_a_failure_names_its_class_and_an_unknown_price_is_not_zero() -> None:
    (line,) = log_lines((record(0, reply(2.0, outcome=Outcome.RATE_LIMITED)),), RUN)
    assert (line["planner.status"], line["error.type"]) == ("error", "rate_limited")
    assert line["planner.cost_usd"] is None
    assert line["gen_ai.server.time_to_first_token"] is None
