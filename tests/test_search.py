"""Designs that do well together are kept, and one that spoils the rest is not."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from rnncli.search import selected

TRUTH = np.arange(10.0)


def distance(forecast: np.ndarray) -> float:
    return float(np.abs(forecast - TRUTH).mean())


def test_forecasts_that_err_to_either_side_are_kept_together() -> None:
    above, below, far = TRUTH + 1, TRUTH - 1.1, TRUTH + 50

    assert selected([above, below, far], distance) == [0, 1]


def test_one_that_does_as_well_is_kept_for_the_variety() -> None:
    assert selected([TRUTH + 1, TRUTH + 1.005], distance) == [0, 1]


def test_a_single_forecast_is_kept_whatever_it_is_worth() -> None:
    assert selected([TRUTH + 50], lambda _: float("inf")) == [0]


@given(hnp.arrays(np.float64, st.tuples(st.integers(1, 6), st.just(10)), elements=st.floats(-100, 100)))
def test_together_they_are_never_much_worse_than_the_best_alone(forecasts: np.ndarray) -> None:
    kept = selected(list(forecasts), distance)

    assert len(set(kept)) == len(kept)
    assert distance(np.median(forecasts[kept], axis=0)) <= 1.01 * min(distance(one) for one in forecasts) + 1e-12
