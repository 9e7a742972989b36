"""Two servers compared by turns, as users call it."""

from __future__ import annotations

import json

from tests.cli.test_bench import bench, truth_server

LOAD = (
    "--model",
    "truth",
    "--concurrency",
    "4",
    "--requests",
    "64",
    "--input-tokens",
    "16",
    "--output-tokens",
    "6",
)


def test_a_slower_server_is_a_regression_and_an_equal_one_is_not() -> None:
    with truth_server() as mine, truth_server() as same, truth_server(itl_s=0.008) as slower:
        code, out, err = bench(
            "compare", mine, slower, *LOAD, "--rounds", "4", "--format", "json", "--seed", "1"
        )
        found = json.loads(out)
        even, text, _ = bench("compare", mine, same, *LOAD, "--rounds", "4", "--max-regression", "0.5")
    assert (code, err) == (1, "")
    changes = {change["metric"]: change for change in found["points"][0]["metrics"]}
    assert changes["tpot_s"]["worse_fraction"] > 0.3  # 5 ms against 8 ms
    assert "4 in flight TPOT" in found["regressions"]
    assert even == 0
    assert "REGRESSION" not in text


def test_a_folder_and_a_url_are_not_compared() -> None:
    code, _, err = bench("compare", "runs/a", "http://127.0.0.1:9/v1", "--model", "m")
    assert code == 2
    assert "cure: give two folders, or two URLs" in err


def test_a_server_that_is_not_there_is_named() -> None:
    code, _, err = bench("compare", "http://127.0.0.1:9/v1", "http://127.0.0.1:9/v1", "--model", "m")
    assert code == 4
    assert "cannot reach http://127.0.0.1:9/v1" in err
