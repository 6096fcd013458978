"""Real differences are significant, and equal methods are not."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnncli.evaluation import significance
from rnncli.evaluation.significance import WindowPositions
from rnncli.evaluation.window_errors import MetricTerms


def windows(series: int, count: int, overlap: int = 1) -> WindowPositions:
    return WindowPositions(np.repeat(np.arange(series), count), np.tile(np.arange(count), series), overlap)


def parts(losses: np.ndarray) -> MetricTerms:
    return MetricTerms(losses.reshape(-1, 1), np.ones((losses.size, 1)))


def losses(seed: int, series: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the errors of two equal methods on series of very different difficulty."""
    generator = np.random.default_rng(seed)
    hardness = generator.lognormal(size=(series, 1))
    both = generator.gamma(4, size=(2, series, count)) * hardness
    return both[0], both[1]


@pytest.mark.parametrize(("series", "count"), [(1, 40), (3, 20), (60, 1), (30, 5)])
def test_a_method_with_half_the_error_is_better(series: int, count: int) -> None:
    own, other = losses(0, series, count)

    found = significance.compare(parts(0.5 * own), parts(other), windows(series, count))

    assert found.verdict == "better"
    assert found.low < found.gain < found.high
    assert found.gain == pytest.approx(1 - 0.5 * own.mean() / other.mean())
    assert significance.compare(parts(other), parts(0.5 * own), windows(series, count)).verdict == "worse"


@pytest.mark.parametrize(("series", "count"), [(1, 30), (2, 30), (100, 1), (30, 5)])
def test_equal_methods_differ_significantly_once_in_twenty_times(
    series: int, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(significance, "RESAMPLES", 250)  # ends of intervals a little less exact: the rate stays 5 %
    pairs = [losses(seed, series, count) for seed in range(150)]
    verdicts = [significance.compare(parts(one), parts(two), windows(series, count)).verdict for one, two in pairs]

    assert sum(verdict != "unknown" for verdict in verdicts) <= 18  # binomial: 7.5 expected, 18 once in two thousand


def test_overlapping_windows_widen_the_interval() -> None:
    generator = np.random.default_rng(1)
    noise = np.convolve(generator.normal(size=100), np.ones(8) / 8, mode="valid")
    own, other = 1 + 0 * noise, 1.05 + noise
    width = [
        (found := significance.compare(parts(own), parts(other), windows(1, len(noise), overlap))).high - found.low
        for overlap in (1, 8)
    ]

    assert width[1] > 1.5 * width[0]


def test_a_single_window_of_a_single_series_is_not_significant() -> None:
    found = significance.compare(parts(np.array([1.0])), parts(np.array([2.0])), windows(1, 1))

    assert found.gain == 0.5
    assert found.verdict == "unknown"


def test_windows_that_one_method_cannot_be_scored_on_are_skipped() -> None:
    own, other = parts(np.array([1.0, 1, 1, 1, 90])), parts(np.array([2.0, 2, 2, 2, 1]))
    other.denominator[-1] = 0

    assert significance.compare(own, other, windows(5, 1)).gain == 0.5


def test_a_method_without_error_cannot_be_compared_with() -> None:
    found = significance.compare(parts(np.ones(6)), parts(np.zeros(6)), windows(6, 1))

    assert math.isnan(found.gain)
    assert found.verdict == "unknown"


@pytest.mark.parametrize(  # tables of Student's t distribution
    ("share", "freedom", "value"),
    [(0.975, 1, 12.706205), (0.975, 4, 2.776445), (0.95, 9, 1.833113), (0.975, 120, 1.979930)],
)
def test_student_quantiles_are_those_of_the_tables(share: float, freedom: int, value: float) -> None:
    assert significance.student_quantile(share, freedom) == pytest.approx(value, rel=1e-5)


@given(st.floats(0.51, 0.99))
def test_with_two_degrees_of_freedom_the_quantile_has_a_formula(share: float) -> None:
    expected = (2 * share - 1) * math.sqrt(2 / (4 * share * (1 - share)))

    assert significance.student_quantile(share, 2) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("overlap", [4, 5, 6, 7, 50])
def test_windows_that_all_overlap_are_not_significant(overlap: int) -> None:
    own, other = losses(0, 1, 5)

    found = significance.compare(parts(0.1 * own), parts(other), windows(1, 5, overlap))

    assert overlap == 4 or math.isnan(found.low)
