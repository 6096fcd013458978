"""Times in all common formats."""

import numpy as np
import pandas as pd
import pytest

from rnncli.errors import DataError
from rnncli.panel.table import Column
from rnncli.panel.time import formats, timestamps
from rnncli.panel.time.times import Times
from tests.frames import column_of

DAYS = pd.date_range("2024-01-09", periods=20, freq="D")
MOMENTS = pd.date_range("2024-01-09 03:30", periods=20, freq="7h")


def column(values: object) -> Column:
    return column_of(values, "when")


def texts_in(form: str | None, stamps: pd.DatetimeIndex) -> list[str]:
    """Timestamps without a zone in a format."""
    return list(formats.render(Times(np.array(instants(stamps)), False, None, form)).to_pylist())


def instants(stamps: pd.DatetimeIndex) -> list[int]:
    return np.asarray(stamps, dtype="datetime64[us]").astype(np.int64).tolist()


@pytest.mark.parametrize(
    "form",
    [
        "%Y-%m-%d",
        "%Y/%m/%d",
        "%d/%m/%Y",
        "%m/%d/%Y",
        "%d.%m.%Y",
        "%d-%m-%Y",
        "%d %b %Y",
        "%b %d, %Y",
        "%d-%b-%y",
        "%m/%d/%y",
    ],
)
def test_dates_are_written_in_their_format(form: str) -> None:
    texts = DAYS.strftime(form)

    times = timestamps.parse(column(texts), None)

    assert times.values.tolist() == instants(DAYS)
    assert texts_in(times.form, DAYS) == texts.tolist()


@pytest.mark.parametrize(
    "form",
    [
        "%Y-%m-%d %H:%M",
        "%Y-%m-%dT%H:%M:%S",
        "%d.%m.%Y %H:%M",
        "%m/%d/%Y %I:%M %p",
        "%d/%m/%Y %H:%M:%S",
        "%Y-%m-%d %H:%M:%S.%f",
    ],
)
def test_times_of_day_are_written_in_their_format(form: str) -> None:
    texts = MOMENTS.strftime(form)

    times = timestamps.parse(column(texts), None)

    assert times.values.tolist() == instants(MOMENTS)
    assert texts_in(times.form, MOMENTS) == texts.tolist()


def test_an_offset_is_kept_as_the_zone() -> None:
    times = timestamps.parse(column(["2024-01-01T00:00:00+02:00", "2024-01-01T01:00:00+02:00"]), None)

    assert times.zone == "+02:00"
    assert times.values.tolist() == instants(pd.DatetimeIndex(["2023-12-31 22:00", "2023-12-31 23:00"]))


@pytest.mark.parametrize("texts", [["2024Q1", "2024Q2"], ["2024-Q1", "2024-Q2"], ["2024 Q1", "2024 Q2"]])
def test_quarters_are_their_first_days_and_written_back(texts: list[str]) -> None:
    stamps = pd.DatetimeIndex(["2024-01-01", "2024-04-01"])

    times = timestamps.parse(column(texts), None)

    assert times.values.tolist() == instants(stamps)
    assert texts_in(times.form, stamps) == texts


def test_numbers_that_read_as_dates_are_dates() -> None:
    times = timestamps.parse(column([20240130, 20240131, 20240201]), None)

    assert not times.integer
    assert times.values.tolist() == instants(pd.DatetimeIndex(["2024-01-30", "2024-01-31", "2024-02-01"]))


@pytest.mark.parametrize("values", [[1, 2, 3], [0, 5, 10], [1949, 1950, 1951], [1700000000, 1700003600]])
def test_other_integers_are_integer_times(values: list[int]) -> None:
    times = timestamps.parse(column(values), None)

    assert times.integer
    assert times.values.tolist() == values


def test_the_format_is_inferred_from_the_whole_column() -> None:
    times = timestamps.parse(column(["01/02/2024", "02/02/2024", "13/02/2024"]), None)

    assert times.values.tolist() == instants(pd.DatetimeIndex(["2024-02-01", "2024-02-02", "2024-02-13"]))


def test_two_readings_are_an_error_that_names_both() -> None:
    with pytest.raises(DataError, match="is 02 January 2024 or 01 February 2024.*--dayfirst"):
        timestamps.parse(column(["01/02/2024", "02/02/2024"]), None)


@pytest.mark.parametrize(("dayfirst", "first"), [(True, "2024-02-01"), (False, "2024-01-02")])
def test_dayfirst_decides(dayfirst: bool, first: str) -> None:
    times = timestamps.parse(column(["01/02/2024", "03/02/2024"]), dayfirst)

    assert times.values[0] == instants(pd.DatetimeIndex([first]))[0]


@pytest.mark.parametrize("broken", ["2024-13-01", "yesterday", "2024-02-30", "12"])
def test_the_first_bad_time_is_named(broken: str) -> None:
    with pytest.raises(DataError, match=f'row 3: "when" is "{broken}"'):
        timestamps.parse(column(["2024-01-01", "2024-01-02", broken, "x"]), None)


def test_an_empty_time_is_named() -> None:
    with pytest.raises(DataError, match='row 2: "when" is empty'):
        timestamps.parse(column(["2024-01-01", None]), None)


@pytest.mark.parametrize("text", ["north", "A1", "007", "12:30", "3.5", "item-01"])
def test_names_are_not_times(text: str) -> None:
    assert not timestamps.looks_like_time(column([text]))


@pytest.mark.parametrize("form", ["%d-%m-%Y", "%b-%Y"])
def test_a_year_after_a_hyphen_is_not_an_offset(form: str) -> None:
    stamps = (
        pd.date_range("2023-10-31", periods=8, freq="ME")
        if "%d" in form
        else pd.date_range("2023", periods=8, freq="MS")
    )

    times = timestamps.parse(column(stamps.strftime(form)), None)

    assert times.zone is None
    assert times.values.tolist() == instants(stamps)


@pytest.mark.parametrize(
    "text", ["2024-01-01T00:00:00Z", "2024-01-01T00:00:00+02:00", "2024-01-01 00:00:00.250", "2024-01-01T00:00:00.100Z"]
)
def test_suffixes_of_times_are_preserved(text: str) -> None:
    times = timestamps.parse(column([text]), None)

    assert formats.render(times).to_pylist() == [text]


@pytest.mark.parametrize(
    ("numbers", "first"),
    [([202311, 202312, 202401], "2023-11-01"), ([2024010122, 2024010123, 2024010200], "2024-01-01 22:00"),
     ([202401012330, 202401020000], "2024-01-01 23:30")],
)  # fmt: skip
def test_months_and_hours_as_numbers_are_times(numbers: list[int], first: str) -> None:
    times = timestamps.parse(column(numbers), None)

    assert times.values[0] == instants(pd.DatetimeIndex([first]))[0]
    assert formats.render(times).to_pylist() == [str(number) for number in numbers]


@pytest.mark.parametrize("order", [[0, 1], [1, 0]])
def test_an_offset_in_some_rows_only_is_refused(order: list[int]) -> None:
    texts = ["2024-01-01 00:00", "2024-01-01 01:00+01:00"]

    with pytest.raises(DataError, match="has a time zone in some rows only.*row 2"):
        timestamps.parse(column([texts[place] for place in order]), None)


@pytest.mark.parametrize(
    ("time", "other", "later"),
    [
        ("1000", "999", True),
        ("999", "1000", False),
        ("1000", "1000", False),
        ("-9", "-10", True),
        ("2024-01-02", "2024-01-01 23:00", True),
        ("2024-01-01", "2024-01-01 00:00", False),
        ("2024-01-02", "999", False),
    ],
)
def test_texts_are_compared_as_times(time: str, other: str, later: bool) -> None:
    assert formats.is_later(time, other) is later
