"""Building a panel: order of rows, frequency, gaps, and errors."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnncli.config.sections import Columns
from rnncli.errors import DataError
from rnncli.panel import Expected, Panel
from rnncli.panel.time.frequency import parse_frequency
from tests.frames import from_frame, times_of


def table(**columns: object) -> pd.DataFrame:
    frame = pd.DataFrame(columns)
    texts = frame.select_dtypes(include=["object", "string"]).columns
    return frame.astype(dict.fromkeys(texts, "category"))


def days(count: int, start: str = "2024-01-01", **options: str) -> pd.DatetimeIndex:
    return pd.date_range(start, periods=count, freq=options.pop("freq", "D"), **options)  # type: ignore[call-overload]


def same(one: Panel, other: Panel) -> bool:
    arrays = ("values", "offsets", "firsts", "phases")
    equal = all(np.array_equal(getattr(one, name), getattr(other, name), equal_nan=True) for name in arrays)
    return equal and one.ids.tolist() == other.ids.tolist() and one.frequency == other.frequency


PLAIN = table(
    unique_id=["b"] * 12 + ["a"] * 15,
    ds=[*days(12), *days(15, "2024-02-01")],
    y=np.arange(27.0),
)


@given(st.permutations(range(len(PLAIN))))
def test_rows_in_any_order_give_the_same_panel(order: list[int]) -> None:
    assert same(from_frame(PLAIN.iloc[order], Columns()), from_frame(PLAIN, Columns()))


def test_series_are_sorted_by_id_and_time() -> None:
    panel = from_frame(PLAIN, Columns())

    assert panel.ids.tolist() == ["a", "b"]
    assert panel.offsets.tolist() == [0, 15, 27]
    assert panel.values[:, 0].tolist() == [*range(12, 27), *range(12)]
    assert panel.frequency.name == "D"


@given(st.sets(st.integers(1, 28), max_size=12))
def test_missing_rows_are_gaps(dropped: set[int]) -> None:
    whole = table(ds=days(30), y=np.arange(30.0))

    panel = from_frame(whole.drop(index=sorted(dropped)), Columns(freq="D"))

    expected = np.arange(30.0)
    expected[sorted(dropped)] = np.nan
    assert np.array_equal(panel.values[:, 0], expected, equal_nan=True)
    assert panel.summary.absent == len(dropped)


def test_times_continue_after_the_last_row() -> None:
    panel = from_frame(PLAIN, Columns())

    following = times_of(panel.times_at(np.array([0, 1]), panel.lengths))

    assert following.tolist() == [pd.Timestamp("2024-02-16"), pd.Timestamp("2024-01-13")]


def test_a_wide_table_is_a_series_for_each_column() -> None:
    panel = from_frame(table(date=days(3), north=[1.0, 2, 3], south=[np.nan, 5, 6]), Columns())

    assert panel.ids.tolist() == ["north", "south"]
    assert panel.offsets.tolist() == [0, 3, 5]  # what is missing at the start of a series is no part of it
    assert panel.values[:, 0].tolist() == [1, 2, 3, 5, 6]
    assert times_of(panel.times_at(np.array([1]), np.array([0])))[0] == pd.Timestamp("2024-01-02")


def test_several_targets_share_the_rows() -> None:
    panel = from_frame(table(ds=days(3), a=[1, 2, 3], b=[4, 5, 6]), Columns(target=("b", "a")))

    assert panel.values.tolist() == [[4, 1], [5, 2], [6, 3]]


def test_number_ids_stay_numbers() -> None:
    panel = from_frame(table(unique_id=[10, 10, 9, 9], ds=[1, 2, 1, 2], y=[1, 2, 3, 4]), Columns())

    assert panel.ids.tolist() == [9, 10]
    assert panel.ids.dtype.kind == "i"


def test_days_in_a_zone_keep_their_midnight_when_the_clocks_change() -> None:
    stamps = days(6, "2024-03-29", tz="Europe/Berlin")
    panel = from_frame(table(ds=stamps, y=range(6)), Columns())

    assert panel.frequency.name == "D"
    assert panel.summary.absent == 0
    assert times_of(panel.times_at(np.array([0]), np.array([6])))[0] == pd.Timestamp("2024-04-04", tz="Europe/Berlin")


def test_hours_in_a_zone_count_elapsed_time() -> None:
    stamps = days(48, "2024-03-30 12:00", freq="h", tz="Europe/Berlin")
    panel = from_frame(table(ds=stamps, y=range(48)), Columns())

    assert panel.frequency.name == "h"
    assert panel.summary.absent == 0
    assert times_of(panel.times_at(np.array([0, 0]), np.array([13, 14]))).tolist() == [stamps[13], stamps[14]]


def test_empty_series_are_left_out_and_named() -> None:
    panel = from_frame(table(unique_id=["a"] * 3 + ["b"] * 3, ds=[1, 2, 3] * 2, y=[1, 2, 3] + [np.nan] * 3), Columns())

    assert panel.ids.tolist() == ["a"]
    assert panel.summary.empty == ("b",)


def test_the_first_of_repeated_rows_is_kept_if_requested() -> None:
    panel = from_frame(table(ds=[1, 2, 2, 3], y=[1, 2, 9, 3]), Columns(), keep_first=True)

    assert panel.values[:, 0].tolist() == [1, 2, 3]
    assert panel.summary.repeated == 1


def test_constant_series_are_listed() -> None:
    panel = from_frame(table(unique_id=["a"] * 3 + ["b"] * 3, ds=[1, 2, 3] * 2, y=[5, np.nan, 5, 1, 2, 3]), Columns())

    assert panel.constant_ids() == ["a"]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ({"ds": [1, 2, 2, 3], "y": [1, 2, 3, 4]}, "the series: row 2 and row 3 have the same time 2 but"),
        ({"ds": days(4), "y": [1.0, np.inf, 2, 3]}, 'row 2: "y" is inf'),
        ({"ds": days(3), "y": ["1", "two", "3"]}, 'row 2: "y" is "two", not a number'),
        ({"ds": days(3), "y": [np.nan] * 3}, '"y": all values are empty'),
        ({"ds": [1.0, 2.5, 3.0], "y": [1, 2, 3], "unique_id": ["a"] * 3}, 'row 2: "ds" is 2.5'),
        ({"unique_id": ["a", None], "ds": days(2), "y": [1, 2]}, 'row 2: "unique_id" is empty'),
        ({"ds": days(1), "y": [1.0]}, "has a single row.*--freq"),
        ({"ds": [*days(5, freq="h"), pd.Timestamp("2024-01-01 05:30")], "y": range(6)}, "row 6: .*05:30.* not match"),
        ({"ds": [*days(5, freq="s"), pd.Timestamp("2034-01-01")], "y": range(6)}, "6 rows for .* steps of s"),
        (
            {"unique_id": ["a"] * 9 + ["b"] * 5, "ds": [*days(9, freq="h"), *days(5)], "y": range(14)},
            'series "b" has frequency D, other series have h',
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_by_row_or_series(rows: dict[str, object], message: str) -> None:
    with pytest.raises(DataError, match=message):
        from_frame(table(**rows), Columns())


def test_a_frequency_too_coarse_for_the_rows_is_refused() -> None:
    with pytest.raises(DataError, match="in the same step of W|does not match its frequency"):
        from_frame(table(ds=days(10), y=range(10)), Columns(freq="W"))


def test_too_large_numbers_are_refused() -> None:
    with pytest.raises(DataError, match='row 2: "y" is 1e.300, which is too large'):
        from_frame(table(ds=days(3), y=[1.0, 1e300, 2.0]), Columns())


@pytest.mark.parametrize(
    ("stamps", "expected"),
    [(days(4), "B"), (days(30, freq="B"), "D"), (days(1), "MS"), (days(2, freq="2h"), "h"), (days(3, freq="QE"), "QE")],
)
def test_a_short_table_has_the_frequency_of_the_model(stamps: pd.DatetimeIndex, expected: str) -> None:
    panel = from_frame(table(ds=stamps, y=range(len(stamps))), Columns(), Expected(parse_frequency(expected), ()))

    assert panel.frequency.same_step(parse_frequency(expected))


def test_a_table_long_enough_keeps_its_own_frequency() -> None:
    assert (
        from_frame(table(ds=days(20), y=range(20)), Columns(), Expected(parse_frequency("h"), ())).frequency.name == "D"
    )


@pytest.mark.parametrize(
    ("stamps", "name", "following"),
    [
        (["2023-06-30", "2023-09-30"], "QE", "2023-12-31"),
        (["2023-04-30", "2023-05-31"], "ME", "2023-06-30"),
        (["2022-12-31", "2023-12-31"], "YE", "2024-12-31"),
        (["2023-04-01", "2023-05-01"], "MS", "2023-06-01"),
    ],
)
def test_ends_of_months_stay_ends_of_months(stamps: list[str], name: str, following: str) -> None:
    panel = from_frame(table(ds=pd.to_datetime(stamps), y=[1, 2]), Columns())

    assert panel.frequency.name == name
    assert times_of(panel.times_at(np.array([0]), np.array([2])))[0] == pd.Timestamp(following)


def test_ids_that_are_dates_are_their_texts() -> None:
    frame = pd.DataFrame({"unique_id": pd.to_datetime(["2024-02-01", "2024-01-01"] * 3), "ds": [1, 1, 2, 2, 3, 3]})

    assert from_frame(frame.assign(y=1.0), Columns()).ids.tolist() == ["2024-01-01", "2024-02-01"]


def test_an_offset_of_a_stored_column_is_its_zone() -> None:
    times = pd.date_range("2024-01-01", periods=3, freq="h", tz="+01:00")

    panel = from_frame(pd.DataFrame({"ds": times, "y": 1.0}), Columns())

    assert panel.times.zone == "+01:00"
    assert panel.span() == ["2024-01-01 00:00+01:00", "2024-01-01 02:00+01:00"]
