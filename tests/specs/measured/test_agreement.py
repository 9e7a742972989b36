"""A measured load beside its prediction, by the profile's host and by today's."""

from planner.specs.measured.agreement import Agreement, HostComparison


def test_errors_are_predicted_over_measured_less_one() -> None:
    row = Agreement(metric="ttft_s", statistic="p50", measured_s=0.2, predicted_s=0.25)
    assert (row.error_fraction, row.error_here_fraction) == (0.25, None)
    here = Agreement(
        metric="ttft_s", statistic="p50", measured_s=0.2, predicted_s=0.25, predicted_here_s=0.15
    )
    assert round(here.error_here_fraction or 0.0, 9) == -0.25


def test_a_host_that_slowed_down_is_taken_at_the_geometric_middle() -> None:
    host = HostComparison(decode_before=1.0, decode_after=4.0, prefill_before=2.0, prefill_after=2.0)
    assert (host.slowness.few_rows, host.slowness.more_rows) == (2.0, 2.0)
