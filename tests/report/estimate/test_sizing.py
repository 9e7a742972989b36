"""The sizing section: what was sized, how sure, by hour and month, and what it is not."""

import json
import re

import pytest
from typer.testing import CliRunner

from planner.cli.main import app

BULK, CHAT = "scenarios/bulk-summarisation.yaml", "scenarios/support-chatbot.yaml"
OPEN = "hosting.self_hosted.quality_equivalent=true"


def shown(*args: str) -> str:
    done = CliRunner(env={"COLUMNS": "200", "NO_COLOR": "1"}).invoke(
        app, ["estimate", *args], prog_name="planner"
    )
    assert done.exit_code == 0, done.output
    return " ".join(done.stdout.split())


def chosen(*args: str) -> dict[str, object]:
    done = CliRunner().invoke(app, ["estimate", *args, "--format", "json"], prog_name="planner")
    assert done.exit_code == 0, done.output
    options = json.loads(done.stdout)["recommendation"]["options"]
    found: dict[str, object] = next(each for each in options if each["kind"] == "self_hosted")
    return found


def test_the_capacity_is_shown_with_its_interval_its_limit_and_its_grade() -> None:
    found = shown(BULK)
    assert "in 8 of 10 cases), up to the TPOT limit; borrowed from vllm-ampere" in found
    assert "fitted: vllm-hopper" in shown(CHAT)


def test_growth_names_the_months_in_which_a_machine_is_added_and_the_horizon_s_rent() -> None:
    found = shown(BULK)
    assert "replicas from month" in found
    crowded = shown(
        BULK, "--set", "hosting.self_hosted.clouds=[coreweave]", "--set", "traffic.growth_per_month=0.3"
    )
    assert "replicas on 2 machines from month" in crowded
    assert "over 12 months" in found
    assert "growth and further machines in it" in found


def test_a_community_price_is_mentioned_and_not_chosen() -> None:
    found = shown(BULK)
    assert "cheaper runpod/1x-l40s-community/any at" in found
    assert "1x-l40s-community" not in str(chosen(BULK)["rental"])
    assert "community" in str(chosen(BULK, "--set", "hosting.self_hosted.community=true")["rental"])
    assert "community" in str(chosen(BULK, "--set", "hosting.self_hosted.clouds=[runpod]")["rental"])


def test_hosting_that_only_lacks_your_word_is_sized_all_the_same() -> None:
    found = shown(CHAT)
    assert "only if llama-3.1-70b is good enough, which is not stated" in found
    assert "all on one machine, whose loss takes them together" in found


def test_the_machines_of_each_hour_are_drawn_over_a_day_and_over_a_week() -> None:
    weights = [4 if hour % 24 in range(9, 17) and hour < 120 else 1 for hour in range(168)]
    day, week = shown(BULK), shown(BULK, "--set", f"traffic.shape={weights}")
    (drawn,) = re.findall(r"([▁-█]+) a day, hour by hour", day)
    assert len(drawn) == 24
    (drawn,) = re.findall(r"([▁-█]+) a week", week)
    assert len(drawn) == 56


def test_interruptions_are_said_with_the_time_in_which_too_few_are_up() -> None:
    found = shown(BULK, "--set", "hosting.self_hosted.purchase=[spot]")
    assert "interrupted each machine 10 times a month, for 780 s; too few are up" in found
    assert "a month, 2,628 s is allowed" in found  # 0.1 % of 730 hours


def test_what_a_simulation_of_the_peak_says_is_shown_beside_the_formula() -> None:
    assert "confirmed by 800 simulated requests:" in shown(BULK)


def test_an_autoscaler_is_paid_by_the_hour() -> None:
    fixed = chosen(BULK)
    scaled = chosen(BULK, "--set", "hosting.self_hosted.autoscale={enabled: true}")
    assert float(str(scaled["usd_per_month"])) < float(str(fixed["usd_per_month"]))


@pytest.mark.parametrize(
    ("sets", "words"),
    [
        (
            (
                "hosting.self_hosted.purchase=[spot]",
                "hosting.self_hosted.redundancy=none",
                "hosting.self_hosted.spot={interruptions_per_month: 60}",
            ),
            "none to spare, 1 for interruptions",
        ),
        (
            (
                "hosting.self_hosted.purchase=[owned]",
                "hosting.self_hosted.gpus=[h100-sxm]",
                "hosting.self_hosted.owned={price_usd: 280000}",
            ),
            "1 × owned",
        ),
        (("hosting.self_hosted.autoscale={enabled: true}",), "with a fixed number of machines, no later"),
        (("hosting.self_hosted.purchase=[owned]",), "owned does not say what the machine costs"),
        (("hosting.self_hosted.engine=sglang",), "sglang-ampere"),
    ],
)
def test_every_way_to_buy_and_to_be_safe_is_said(sets: tuple[str, ...], words: str) -> None:
    flags = [part for each in sets for part in ("--set", each)]
    assert words in shown(BULK, *flags)
