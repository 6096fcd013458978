"""Calendar features against pandas and the holidays library."""

import holidays
import numpy as np
import pandas as pd
import pytest
import torch

from rnncli.errors import RequestError
from rnncli.panel.time.calendar_features import calendar
from rnncli.panel.time.frequency import Frequency, parse_frequency, with_data_anchor
from rnncli.windows.calendar import CalendarTensors


def of(stamps: pd.DatetimeIndex, freq: str, zone: str | None = None, countries: tuple[str, ...] = ()) -> np.ndarray:
    """Features of each stamp (N, D + E)."""
    frequency = with_data_anchor(parse_frequency(freq), microseconds(stamps))
    steps, phases = frequency.split(microseconds(stamps))
    found = calendar(frequency, int(phases[0]), np.array([steps[0], steps[-1] + 1]), zone, countries)
    return CalendarTensors.of(found, torch.device("cpu")).features(torch.from_numpy(steps)[None])[0].numpy()


def microseconds(stamps: pd.DatetimeIndex) -> np.ndarray:
    return stamps.values.astype("datetime64[us]").astype(np.int64)


def test_hours_have_their_weekday_and_their_time_of_day() -> None:
    stamps = pd.date_range("2024-02-27 05:00", periods=100, freq="h")

    features = of(stamps, "h")

    assert np.array_equal(features[:, :7].argmax(axis=1), stamps.day_of_week)
    assert np.allclose(features[:, 13], np.sin(2 * np.pi * stamps.hour / 24), atol=1e-6)
    assert np.allclose(features[:, 16], np.cos(2 * np.pi * stamps.hour / 24), atol=1e-6)


def test_the_time_of_day_is_local_in_a_zone() -> None:
    stamps = pd.date_range("2024-03-30 12:00", periods=48, freq="h", tz="UTC")  # the clocks change in between

    features = of(stamps.tz_localize(None), "h", "Europe/Berlin")

    wall = stamps.tz_convert("Europe/Berlin")
    assert np.allclose(features[:, 13], np.sin(2 * np.pi * wall.hour / 24), atol=1e-6)
    assert np.array_equal(features[:, :7].argmax(axis=1), wall.day_of_week)


def test_days_have_the_proximity_of_the_ends_of_their_month() -> None:
    stamps = pd.date_range("2024-01-15", periods=60, freq="D")

    features = of(stamps, "D")

    assert np.array_equal(features[:, :7].argmax(axis=1), stamps.day_of_week)
    assert np.array_equal(features[:, 11] == 1, stamps.is_month_start)
    assert np.array_equal(features[:, 12] == 1, stamps.is_month_end)


@pytest.mark.parametrize(("freq", "count"), [("MS", 12), ("ME", 12), ("QS", 4)])
def test_months_and_quarters_are_one_hot(freq: str, count: int) -> None:
    stamps = pd.date_range("2020-01-31", periods=30, freq=freq)

    features = of(stamps, freq)

    assert np.array_equal(features[:, :count].argmax(axis=1), (stamps.month - 1) * count // 12)
    assert np.array_equal(features[:, :count].sum(axis=1), np.ones(30))


def test_days_have_the_proximity_of_easter() -> None:
    stamps = pd.date_range("2020-01-01", "2025-12-31", freq="D")
    british = holidays.country_holidays("GB", subdiv="ENG", years=range(2020, 2026))

    coming, since = of(stamps, "D")[:, -2:].T

    friday, monday = (
        np.array([british.get(day.date(), "") == name for day in stamps]) for name in ("Good Friday", "Easter Monday")
    )
    assert friday.sum() == monday.sum() == 6
    assert np.array_equal(coming == 1, np.roll(monday, -1))
    assert np.allclose(coming[friday], np.exp(-2 / 3))
    assert np.array_equal(np.isclose(since, np.exp(-1 / 3)), monday)
    assert (coming[stamps.month == 11] < 1e-6).all()


def test_hours_have_the_proximity_of_easter_of_their_day() -> None:
    stamps = pd.date_range("2024-03-25", periods=24 * 14, freq="h")

    hours, days = of(stamps, "h")[:, 11:13], of(stamps[::24], "D")[:, -2:]

    assert np.array_equal(hours, np.repeat(days, 24, axis=0))


def test_months_and_weeks_sum_the_proximity_of_easter() -> None:
    days = pd.date_range("2023-01-01", "2024-12-31", freq="D")
    near = pd.DataFrame(of(days, "D")[:, -2:], index=days)

    months = of(pd.date_range("2023-01-01", periods=24, freq="MS"), "MS")[:, 12:14]
    weeks = of(pd.date_range("2023-01-02", periods=100, freq="W-MON"), "W-MON")[:, -4:-2]

    assert np.allclose(months, near.resample("MS").sum(), atol=1e-5)
    assert np.allclose(
        weeks, near.loc["2023-01-02":].resample("W-MON", label="left", closed="left").sum()[:100], atol=1e-5
    )
    assert months[2, 0] < 0.2 < 3 < months[14, 0]  # 9 April 2023, 31 March 2024


@pytest.mark.parametrize("year", ["1200", "6000"])
def test_easter_has_no_proximity_in_years_without_a_known_date(year: str) -> None:
    assert (of(pd.date_range(f"{year}-03-01", periods=60, freq="D", unit="us"), "D")[:, -2:] == 0).all()


@pytest.mark.parametrize("frequency", [Frequency("integer", 1), parse_frequency("YS")])
def test_integers_and_years_have_no_features(frequency: Frequency) -> None:
    assert calendar(frequency, 0, np.array([0, 50]), None, ()).size == 0


def test_holidays_have_features_for_the_eve_and_the_day_after() -> None:
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


@pytest.mark.parametrize(("country", "said"), [("XX", "unknown country"), ("DE-XX", "unknown subdivision")])
def test_an_unknown_country_is_refused(country: str, said: str) -> None:
    with pytest.raises(RequestError, match=said):
        of(pd.date_range("2024-01-01", periods=3), "D", countries=(country,))


def test_a_month_counts_the_holidays_of_all_its_days() -> None:
    stamps = pd.date_range("2024-01-01", periods=12, freq="MS")
    german = holidays.country_holidays("DE", subdiv="BB", years=[2024])  # 31 October is one there

    within = of(stamps, "MS", countries=("DE-BB",))[:, -2]

    assert within.tolist() == [sum(day.month == month for day in german) for month in range(1, 13)]
