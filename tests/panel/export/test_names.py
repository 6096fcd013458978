"""Column names of forecasts are read back as they are written."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnncli.config.intervals import interval_bounds, interval_percent
from rnncli.panel.export import names
from rnncli.panel.export.names import ForecastColumn

METHODS = st.sampled_from(["rnncli", "load-rnncli", "auto-theta", "a-lo-b"])


@given(METHODS, st.integers(1, 999).map(lambda tenths: tenths / 10))
def test_the_names_of_an_interval_have_the_levels_of_its_bounds(method: str, percent: float) -> None:
    low, high = (names.parse(name) for name in names.interval(method, percent))

    assert (low, high) == tuple(ForecastColumn(method, level, point=False) for level in interval_bounds(percent))
    assert high.level is not None
    assert interval_percent(high.level) == pytest.approx(percent)


@given(METHODS, st.integers(1, 999).map(lambda thousandths: thousandths / 1000))
def test_the_name_of_a_quantile_has_its_level(method: str, level: float) -> None:
    assert names.parse(names.quantile(method, level)) == ForecastColumn(method, level, point=False)


def test_a_sample_has_no_level_and_any_other_name_is_a_point_forecast() -> None:
    assert names.sample("rnncli", 0) == "rnncli-sample-1"
    assert names.parse("rnncli-sample-1") == ForecastColumn("rnncli", None, point=False)
    assert names.parse("seasonal-naive") == ForecastColumn("seasonal-naive", None, point=True)


def test_a_level_is_found_despite_rounding() -> None:
    assert names.nearest(np.array([0.1, 0.5, 0.9]), interval_bounds(80).low) == 0
