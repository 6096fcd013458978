"""Messy rows: duplicates, totals, daylight saving, irregular times."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest

from rnncli.config.sections import Columns
from rnncli.errors import DataError, RequestError
from rnncli.panel import Panel
from rnncli.tables.assumptions import reject_assumption
from tests.frames import from_frame


def read(ds: Sequence[object], y: Sequence[object], **asked: object) -> tuple[Panel, list[str]]:
    """The panel, and what was taken for granted; texts come as from a file."""
    frame = pd.DataFrame({"ds": ds, "y": y})
    for name in frame:
        if frame[name].dtype == object or pd.api.types.is_string_dtype(frame[name].dtype):
            frame[name] = frame[name].astype("category")
    said: list[str] = []
    plain = {"time": "ds", "target": "y"}
    return from_frame(frame, Columns.model_validate(plain | asked), assume=said.append), said


def values(panel: Panel) -> list[float]:
    return panel.values[:, 0].tolist()


DAYS = [f"2024-01-0{day}" for day in range(1, 6)]


def test_identical_rows_are_dropped_and_reported() -> None:
    panel, said = read([*DAYS, DAYS[1]], [1, 2, 3, 4, 5, 2])

    assert values(panel) == [1, 2, 3, 4, 5]
    assert panel.summary.repeated == 1
    assert said == ["left out: 1 row identical to another row"]


@pytest.mark.parametrize(("duplicates", "expected"), [("mean", 4.5), ("sum", 9), ("last", 7)])
def test_conflicting_rows_are_aggregated_as_requested(duplicates: str, expected: float) -> None:
    panel, _ = read([*DAYS, DAYS[1]], [1.0, 2, 3, 4, 5, 7], duplicates=duplicates)

    assert values(panel) == [1, expected, 3, 4, 5]


def test_conflicting_rows_are_refused_by_default() -> None:
    with pytest.raises(
        DataError, match="row 2 and row 6 have the same time 2024-01-02 but different values.*--duplicates"
    ):
        read([*DAYS, DAYS[1]], [1, 2, 3, 4, 5, 7])


def test_a_repeated_hour_requires_a_time_zone() -> None:
    hours = [f"2024-10-27 0{hour}:00" for hour in (0, 1, 2, 2, 3)]

    with pytest.raises(DataError, match="if clocks were set back, set --timezone"):
        read(hours, [1, 2, 3, 4, 5])
    panel, said = read(hours, [1, 2, 3, 4, 5], timezone="Europe/Berlin")
    assert values(panel) == [1, 2, 3, 4, 5]
    assert said == [
        "of times that occur twice when clocks in Europe/Berlin are set back, a series' first row is the earlier one"
    ]


def test_a_skipped_hour_is_left_out_and_reported() -> None:
    hours = [f"2024-03-31 0{hour}:00" for hour in range(5)]

    panel, said = read(hours, [1.0, 2, None, 4, 5], timezone="Europe/Berlin")

    assert values(panel) == [1, 2, 4, 5]
    assert said == ["left out: 1 row of an hour that clocks in Europe/Berlin skip, such as row 3 of 2024-03-31 02:00"]


def test_changing_offsets_are_written_as_local_times_of_a_zone() -> None:
    stamps = [f"2024-10-27T0{hour}:00+0{offset}:00" for hour, offset in ((1, 2), (2, 2), (2, 1), (3, 1))]

    plain, said = read(stamps, [1, 2, 3, 4])
    local, nothing = read(stamps, [1, 2, 3, 4], timezone="Europe/Berlin")

    assert values(plain) == values(local) == [1, 2, 3, 4]
    assert (plain.times.zone, local.times.zone) == ("UTC", "Europe/Berlin")
    assert 'the offsets in "ds" change' in said[0]
    assert nothing == []


@pytest.mark.parametrize(("clock", "zone"), [([1, 2, 3], "Europe/Berlin"), (DAYS[:3], "Europe/Berln")])
def test_a_zone_that_does_not_fit_is_refused(clock: Sequence[object], zone: str) -> None:
    with pytest.raises((DataError, RequestError), match="timezone"):
        read(clock, [1, 2, 3], timezone=zone)


@pytest.mark.parametrize("last", ["Total", "Sum of all", None, ""])
def test_a_total_at_the_end_is_left_out_and_reported(last: str | None) -> None:
    panel, said = read([*DAYS, last], [1, 2, 3, 4, 5, 15])

    assert values(panel) == [1, 2, 3, 4, 5]
    assert said[0].startswith("left out: 1 row without a time at the end")


def test_a_total_below_integer_times_is_left_out() -> None:
    panel, _ = read(["1", "2", "3", "4", "Total"], [1, 2, 3, 4, 10], freq="1")

    assert values(panel) == [1, 2, 3, 4]
    assert panel.times.integer


def test_a_row_without_a_time_in_the_middle_is_refused() -> None:
    with pytest.raises(DataError, match="row 3"):
        read([*DAYS[:2], "Total", *DAYS[2:]], [1, 2, 3, 3, 4, 5])


@pytest.mark.parametrize("ds", [[45292.5 + hour / 24 for hour in range(5)]])
def test_spreadsheet_day_numbers_are_named(ds: Sequence[object]) -> None:
    with pytest.raises(DataError, match="45292.5 in row 1: that looks like the day number of a spreadsheet"):
        read(ds, [1, 2, 3, 4, 5])


@pytest.mark.parametrize(
    ("means", "expected"), [("mask", [1, np.nan, 3]), ("zero", [1, 0, 3]), ("previous", [1, 1, 3])]
)
def test_steps_without_a_row_are_filled_as_requested(means: str, expected: list[float]) -> None:
    panel, _ = read(["2024-01-01", "2024-01-03", "2024-01-04", "2024-01-05"], [1, 3, None, 5], fill_gaps=means)

    assert np.array_equal(panel.values[:3, 0], expected, equal_nan=True)
    assert np.isnan(panel.values[3, 0])  # a row without a value stays without one
    assert panel.summary.absent == (means == "mask")


WAYS = [
    *[("sum", 6), ("mean", 2), ("median", 2), ("min", 1), ("max", 3), ("first", 1), ("last", 3), ("count", 3)],
]


@pytest.mark.parametrize(("way", "expected"), WAYS)
def test_events_are_resampled(way: str, expected: float) -> None:
    moments = ["2024-01-01 08:05:01", "2024-01-01 08:20:00", "2024-01-01 08:59:59", "2024-01-01 11:00:00"]

    panel, said = read(moments, [1, 2, 3, 8], resample=f"1h={way}")

    quiet = 0.0 if way in ("sum", "count") else np.nan
    last = 1 if way == "count" else 8
    assert np.array_equal(panel.values[:, 0], [expected, quiet, quiet, last], equal_nan=True)
    assert panel.span() == ["2024-01-01 08:00", "2024-01-01 11:00"]
    assert said == []


@pytest.mark.parametrize(
    ("freq", "first", "last"), [("W", "2024-01-01", "2024-01-29"), ("MS", "2024-01-01", "2024-02-01")]
)
def test_weeks_begin_on_monday_and_months_on_their_first(freq: str, first: str, last: str) -> None:
    days = [str(day.date()) for day in pd.date_range("2024-01-03", periods=30)]

    panel, _ = read(days, [1.0] * 30, resample=f"{freq}=sum")

    assert panel.span() == [first, last]
    assert panel.values.sum() == 30


def test_irregular_events_are_refused_with_a_hint() -> None:
    with pytest.raises(DataError, match="--resample 1h=sum"):
        read(["2024-01-01 08:05", "2024-01-01 09:05", "2024-01-01 10:20"], [1, 2, 3])


def test_numeric_covariates_are_averaged_and_the_last_category_is_taken() -> None:
    frame = pd.DataFrame(
        {"ds": [*DAYS, DAYS[1]], "y": [1.0, 2, 3, 4, 5, 7], "price": [1.0, 2, 3, 4, 5, 4], "sky": list("abcded")}
    )
    panel = from_frame(frame, Columns(target=("y",), past=("price", "sky"), duplicates="sum"))

    assert panel.covariates.values[1].tolist() == [3, 4]


@pytest.mark.parametrize(
    ("ds", "y", "asked"),
    [
        ([*DAYS, DAYS[1]], [1, 2, 3, 4, 5, 2], {}),
        ([*DAYS, "Total"], [1, 2, 3, 4, 5, 2], {}),
        ([f"2024-10-27 0{hour}:00" for hour in (0, 1, 2, 2, 3)], [1, 2, 3, 4, 5], {"timezone": "Europe/Berlin"}),
    ],
)
def test_strict_forbids_assumptions(ds: Sequence[object], y: Sequence[object], asked: dict[str, object]) -> None:
    frame = pd.DataFrame({"ds": pd.Series(list(ds), dtype=object).astype("category"), "y": y})

    with pytest.raises(DataError, match="--strict forbids"):
        from_frame(frame, Columns.model_validate({"time": "ds", "target": "y"} | asked), assume=reject_assumption)


def test_gaps_are_not_filled_into_the_future() -> None:
    days = [f"2024-01-0{day}" for day in (1, 2, 4, 5, 7, 8)]
    frame = pd.DataFrame({"ds": days, "y": [1.0, 2, 4, np.nan, np.nan, np.nan], "price": range(6)})

    panel = from_frame(frame, Columns(target=("y",), known=("price",), fill_gaps="zero"))

    assert values(panel) == [1, 2, 0, 4]
    assert panel.covariates.lengths.tolist() == [8]


def test_future_rows_are_not_counted_as_events() -> None:
    days = [f"2024-01-0{day}" for day in range(1, 6)]
    frame = pd.DataFrame({"ds": days, "y": [1.0, 2, 3, np.nan, np.nan], "price": range(5)})

    panel = from_frame(frame, Columns(target=("y",), known=("price",), resample="1D=count"))

    assert values(panel) == [1, 1, 1]


@pytest.mark.parametrize(("way", "expected"), [("last", [1, 3]), ("first", [1, 3])])
def test_the_last_of_several_rows_is_the_last_with_a_value(way: str, expected: list[float]) -> None:
    panel, _ = read(["2024-01-01 08:00", "2024-01-01 09:00", "2024-01-02 08:00"], [1, None, 3], resample=f"1D={way}")

    assert values(panel) == expected


def test_hours_begin_at_full_hours_of_local_time() -> None:
    hours = [f"2024-01-01 09:{minute:02d}" for minute in (0, 20, 40)]

    panel, _ = read(hours, [1, 2, 3], resample="1h=sum", timezone="Asia/Kolkata")

    assert values(panel) == [6]
    assert panel.span()[0] == "2024-01-01 09:00+05:30"


def test_a_day_whose_midnight_is_skipped_is_a_day() -> None:
    days = [f"2018-11-0{day}" for day in range(1, 8)]

    panel, said = read(days, [1, 2, 3, 4, 5, 6, 7], timezone="America/Sao_Paulo")

    assert values(panel) == [1, 2, 3, 4, 5, 6, 7]
    assert said == []


def test_in_a_table_with_the_newest_row_first_the_later_hour_comes_first() -> None:
    hours = [f"2024-10-27 0{hour}:00" for hour in (3, 2, 2, 1, 0)]

    panel, _ = read(hours, [5, 4, 3, 2, 1], timezone="Europe/Berlin")

    assert values(panel) == [1, 2, 3, 4, 5]


def test_rows_are_numbered_as_the_user_counts_them() -> None:
    hours = [f"2024-03-31 0{hour}:00" for hour in (1, 2, 3, 4)]
    frame = pd.DataFrame({"ds": pd.Categorical(hours), "y": pd.Categorical(["1", "2", "3", "four"])})

    with pytest.raises(DataError, match='row 4: "y" is "four"'):
        from_frame(frame, Columns(time="ds", target=("y",), timezone="Europe/Berlin"))


def test_filled_steps_have_the_mean_weight() -> None:
    frame = pd.DataFrame({"ds": [DAYS[0], DAYS[2]], "y": [1.0, 3.0], "w": [2.0, 2.0]})
    panel = from_frame(frame, Columns(target=("y",), weight="w", fill_gaps="zero", freq="D"))

    assert panel.covariates.weights is not None
    assert panel.covariates.weights.tolist() == [1, 1, 1]


def test_freq_and_resample_exclude_each_other() -> None:
    with pytest.raises(RequestError, match="--freq D and --resample 1D=sum both set the frequency"):
        read(DAYS, [1, 2, 3, 4, 5], freq="D", resample="1D=sum")


def test_a_series_of_skipped_hours_alone_is_left_out() -> None:
    frame = pd.DataFrame({"id": ["a", "a", "z"], "y": [1.0, 2.0, 3.0]})
    frame["ds"] = pd.Categorical(["2024-03-31 01:30", "2024-03-31 03:30", "2024-03-31 02:30"])
    asked = Columns(timezone="Europe/Berlin", freq="h")

    assert from_frame(frame, asked).ids.tolist() == ["a"]
    with pytest.raises(DataError, match="no rows left"):
        from_frame(frame.tail(1), asked)
