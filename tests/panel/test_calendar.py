"""What the calendar says, held against pandas and the holidays library."""

import holidays
import numpy as np
import pandas as pd
import pytest

from rnncli.errors import RequestError
from rnncli.panel import clock
from rnncli.panel.calendar import calendar
from rnncli.panel.clock import Frequency


def of(stamps: pd.DatetimeIndex, freq: str, zone: str | None = None, countries: tuple[str, ...] = ()) -> np.ndarray:
    """Features of each stamp (N, D + E)."""
    frequency = clock.at_anchor(clock.parse(freq), microseconds(stamps))
    steps, phases = frequency.split(microseconds(stamps))
    found = calendar(frequency, int(phases[0]), np.array([steps[0], steps[-1] + 1]), zone, countries)
    periods, slots = found.rows(steps)
    return np.concatenate([found.of_period[periods], found.of_slot[slots]], axis=1)


def microseconds(stamps: pd.DatetimeIndex) -> np.ndarray:
    return stamps.values.astype("datetime64[us]").astype(np.int64)


def test_hours_have_their_weekday_and_their_time_of_day() -> None:
    stamps = pd.date_range("2024-02-27 05:00", periods=100, freq="h")

    features = of(stamps, "h")

    assert np.array_equal(features[:, :7].argmax(axis=1), stamps.day_of_week)
    assert np.allclose(features[:, 11], np.sin(2 * np.pi * stamps.hour / 24), atol=1e-6)
    assert np.allclose(features[:, 14], np.cos(2 * np.pi * stamps.hour / 24), atol=1e-6)


def test_in_a_zone_the_time_of_day_is_that_of_a_clock_on_the_wall() -> None:
    stamps = pd.date_range("2024-03-30 12:00", periods=48, freq="h", tz="UTC")  # the clocks change in between

    features = of(stamps.tz_localize(None), "h", "Europe/Berlin")

    wall = stamps.tz_convert("Europe/Berlin")
    assert np.allclose(features[:, 11], np.sin(2 * np.pi * wall.hour / 24), atol=1e-6)
    assert np.array_equal(features[:, :7].argmax(axis=1), wall.day_of_week)


def test_days_know_how_near_the_ends_of_their_month_are() -> None:
    stamps = pd.date_range("2024-01-15", periods=60, freq="D")

    features = of(stamps, "D")

    assert np.array_equal(features[:, :7].argmax(axis=1), stamps.day_of_week)
    assert np.array_equal(features[:, 11] == 1, stamps.is_month_start)
    assert np.array_equal(features[:, 12] == 1, stamps.is_month_end)


@pytest.mark.parametrize(("freq", "count"), [("MS", 12), ("ME", 12), ("QS", 4)])
def test_months_and_quarters_are_told_apart(freq: str, count: int) -> None:
    stamps = pd.date_range("2020-01-31", periods=30, freq=freq)

    features = of(stamps, freq)

    assert features.shape == (30, count)
    assert np.array_equal(features.argmax(axis=1), (stamps.month - 1) * count // 12)


@pytest.mark.parametrize("frequency", [Frequency("integer", 1), clock.parse("YS")])
def test_plain_numbers_and_years_have_no_calendar(frequency: Frequency) -> None:
    assert calendar(frequency, 0, np.array([0, 50]), None, ()).size == 0


def test_holidays_are_told_with_their_eve_and_the_day_after() -> None:
    stamps = pd.date_range("2024-12-20", periods=14, freq="D")
    german = holidays.country_holidays("DE", years=[2024, 2025])

    before, day, after = of(stamps, "D", countries=("DE",))[:, -3:].T

    known = np.array([stamp.date() in german for stamp in stamps])
    assert known.sum() == 3
    assert np.array_equal(day == 1, known)
    assert np.array_equal(before[:-1], day[1:])  # an eve comes before
    assert np.array_equal(after[1:], day[:-1])


def test_a_week_counts_the_holidays_in_it_and_before_it() -> None:
    stamps = pd.date_range("2024-12-16", periods=4, freq="W-MON")
    german = holidays.country_holidays("DE", years=[2024, 2025])

    behind, until = of(stamps, "W", countries=("DE",))[:, -2:].T

    for number, stamp in enumerate(stamps):
        week = [(stamp + pd.Timedelta(days=day)).date() in german for day in range(7)]
        last = [(stamp - pd.Timedelta(days=day)).date() in german for day in range(7)]
        assert (behind[number], until[number]) == (sum(week), sum(last))


def test_a_part_of_a_country_has_its_own_holidays() -> None:
    day = pd.date_range("2024-08-15", periods=1, freq="D")  # Assumption: in Bavaria's Catholic places, in Saarland

    assert of(day, "D", countries=("DE-SL",))[0, -2] == 1
    assert of(day, "D", countries=("DE-BE",))[0, -2] == 0


@pytest.mark.parametrize(("country", "said"), [("XX", "such a country"), ("DE-XX", "that part of DE")])
def test_a_country_that_is_not_known_is_refused(country: str, said: str) -> None:
    with pytest.raises(RequestError, match=said):
        of(pd.date_range("2024-01-01", periods=3), "D", countries=(country,))


def test_a_month_counts_the_holidays_of_all_its_days() -> None:
    stamps = pd.date_range("2024-01-01", periods=12, freq="MS")
    german = holidays.country_holidays("DE", subdiv="BB", years=[2024])  # 31 October is one there

    within = of(stamps, "MS", countries=("DE-BB",))[:, -2]

    assert within.tolist() == [sum(day.month == month for day in german) for month in range(1, 13)]
