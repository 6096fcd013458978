"""Frequencies against pandas' own calendars."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnncli.errors import RequestError
from rnncli.panel.time.frequency import DAY, Frequency, infer_frequency, parse_frequency, steps_in

PANDAS = [
    *("s", "30s", "min", "5min", "15min", "h", "6h", "D", "2D", "W-SUN", "W-WED", "B"),
    *("MS", "ME", "2MS", "BMS", "BME", "QS-JAN", "QS-FEB", "QE-DEC", "QE-OCT", "YS-JAN", "YS-APR", "YE-DEC", "YE-JUN"),
]


def instants(stamps: pd.DatetimeIndex) -> np.ndarray:
    return np.asarray(stamps, dtype="datetime64[us]").astype(np.int64)


@pytest.mark.parametrize("name", PANDAS)
@given(start=st.datetimes(min_value=pd.Timestamp("1950-01-01"), max_value=pd.Timestamp("2080-01-01")))
def test_inferred_frequencies_are_those_of_pandas(name: str, start: pd.Timestamp) -> None:
    stamps = instants(pd.date_range(pd.Timestamp(start).floor("s"), periods=40, freq=name))

    frequency = infer_frequency(np.diff(stamps), stamps, integer=False)
    steps, phases = frequency.split(stamps)

    assert (np.diff(steps) == 1).all()
    assert (phases == phases[0]).all()
    assert (frequency.join(steps[0] + np.arange(40), phases[0]) == stamps).all()


@pytest.mark.parametrize("day", [1, 2, 15, 28])
def test_a_day_of_the_month_is_kept(day: int) -> None:
    stamps = instants(pd.DatetimeIndex([f"2023-{month:02d}-{day:02d} 06:00" for month in range(1, 13)]))

    frequency = infer_frequency(np.diff(stamps), stamps, integer=False)
    steps, phases = frequency.split(stamps)

    assert frequency.unit == "month"
    following = frequency.join(steps[-1:] + 1, phases[-1:])
    assert following == instants(pd.DatetimeIndex([f"2024-01-{day:02d} 06:00"]))


def test_the_commonest_interval_is_the_step_despite_gaps() -> None:
    stamps = instants(pd.date_range("2024-01-01", periods=100, freq="h"))[np.r_[0:30, 50:70, 90:100]]

    assert infer_frequency(np.diff(stamps), stamps, integer=False).name == "h"


def test_four_weeks_are_not_a_month() -> None:
    stamps = instants(pd.date_range("2024-01-01", periods=20, freq="28D"))

    assert infer_frequency(np.diff(stamps), stamps, integer=False) == Frequency("fixed", 28 * DAY)


def test_integer_times_step_by_their_commonest_difference() -> None:
    values = np.array([10, 15, 20, 30, 35])

    assert infer_frequency(np.diff(values), values, integer=True) == Frequency("integer", 5)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("H", "h"),
        ("T", "min"),
        ("15T", "15min"),
        ("S", "s"),
        ("M", "ME"),
        ("Q", "QE"),
        ("A", "YE"),
        ("Y", "YE"),
        ("AS", "YS"),
        ("BM", "BME"),
        ("Q-DEC", "QE"),
        ("W-MON", "W"),
        ("60min", "h"),
        ("24h", "D"),
        ("7D", "W"),
        ("12MS", "YS"),
    ],
)
def test_old_and_new_aliases_mean_the_same(old: str, new: str) -> None:
    assert parse_frequency(old).same_step(parse_frequency(new))


@pytest.mark.parametrize("name", ["s", "30s", "15min", "h", "D", "B", "W", "MS", "2MS", "QS", "YS", "7", "250ms"])
def test_a_frequency_reads_its_own_name(name: str) -> None:
    assert parse_frequency(name).name == name
    assert parse_frequency(parse_frequency(name).name) == parse_frequency(name)


@pytest.mark.parametrize("name", ["fortnight", "", "0h", "00h", "9" * 30 + "h", "-1D", "h h", "2B", "1.5h"])
def test_an_unknown_frequency_is_refused(name: str) -> None:
    with pytest.raises(RequestError, match="unknown frequency"):
        parse_frequency(name)


@pytest.mark.parametrize(
    ("duration", "frequency", "steps"),
    [
        ("7d", "h", 168),
        ("1d", "15min", 96),
        ("2w", "D", 14),
        ("2w", "B", 10),
        ("1y", "MS", 12),
        ("6M", "QS", 2),
        ("90min", "30min", 3),
    ],
)
def test_a_duration_is_a_number_of_steps(duration: str, frequency: str, steps: int) -> None:
    assert steps_in(duration, parse_frequency(frequency)) == steps


@pytest.mark.parametrize(("duration", "frequency"), [("1h", "D"), ("7d", "MS"), ("1d", "5"), ("3d", "B")])
def test_a_duration_of_fractional_steps_is_refused(duration: str, frequency: str) -> None:
    with pytest.raises(RequestError, match="number of steps"):
        steps_in(duration, parse_frequency(frequency))
