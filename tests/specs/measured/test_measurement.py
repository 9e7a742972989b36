from planner.specs.measured.measurement import Distribution, Outcome, PercentileValue


def test_a_percentile_is_found_by_its_fraction_and_absent_ones_are_none() -> None:
    p95 = PercentileValue(fraction=0.95, value=2.0, interval=None)
    sample = Distribution(n=3, mean=1.0, percentiles=(p95,))
    assert sample.at(0.95) is p95
    assert sample.at(0.99) is None


def test_only_ok_is_not_a_failure_class() -> None:
    assert Outcome("ok") is Outcome.OK
    assert len(set(Outcome)) == 15
