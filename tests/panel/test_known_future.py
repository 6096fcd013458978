"""The future of what is known in advance: joined, found lacking, laid out."""

import numpy as np
import pandas as pd
import pytest

from rnncli.config.sections import Columns
from rnncli.errors import DataError
from rnncli.panel import Panel, from_frame
from rnncli.panel.export.future_template import future_template
from rnncli.panel.ingest import column_roles
from rnncli.panel.ingest.future_rows import append_future
from rnncli.panel.known_future import ends, require

ASKED = Columns(id="shop", time="day", target=("y",), known=("price", "sky"))


def lacking(known: Panel, horizon: int) -> int:
    return require(known, ends(known, from_first_row=False), horizon)


def laid(known: Panel) -> pd.DataFrame:
    return future_template(known, ends(known, from_first_row=False), 2, text_times=True)


def past() -> pd.DataFrame:
    days = [f"2024-01-0{day}" for day in range(1, 5)]
    table = {"shop": np.repeat(["a", "b"], 4), "day": [*days, *days], "y": np.arange(8.0)}
    return pd.DataFrame(table | {"price": np.arange(8.0), "sky": "sun"})


def coming(days: list[str], shops: tuple[str, ...] = ("a", "b")) -> pd.DataFrame:
    rows = [(shop, day, float(number), "rain") for shop in shops for number, day in enumerate(days)]
    return pd.DataFrame(rows, columns=["shop", "day", "price", "sky"])


def join(frame: pd.DataFrame, future: pd.DataFrame) -> pd.DataFrame:
    return append_future(frame, future, column_roles.find_roles(frame, ASKED), None, ("past.csv", "coming.csv"))


def panel(frame: pd.DataFrame) -> Panel:
    return from_frame(frame, ASKED)


def test_a_future_of_its_own_is_as_good_as_rows_without_a_target() -> None:
    days = ["2024-01-05", "2024-01-06"]
    inside = pd.concat([past(), coming(days)], ignore_index=True)

    one, other = panel(join(past(), coming(days))), panel(inside)

    assert np.array_equal(one.values, other.values)
    assert np.array_equal(one.covariates.values, other.covariates.values)


def test_a_future_that_reaches_back_changes_no_row_with_a_target() -> None:
    overlapping = panel(join(past(), coming(["2024-01-03", "2024-01-04", "2024-01-05"])))

    assert overlapping.covariates.values[:5, 0].tolist() == [0, 1, 2, 3, 2]


def test_a_future_may_be_written_with_other_types() -> None:
    frame = coming(["2024-01-05"])
    frame["day"] = pd.to_datetime(frame["day"])

    assert panel(join(past(), frame)).covariates.lengths.tolist() == [5, 5]


def test_a_future_without_a_known_column_is_refused() -> None:
    with pytest.raises(DataError, match='no column "price"'):
        join(past(), coming(["2024-01-05"]).drop(columns="price"))


def changed(frame: pd.DataFrame, row: int, column: str, value: object) -> pd.DataFrame:
    """The table with another value in a row, counted from 1."""
    values = [value if number == row else old for number, old in enumerate(frame[column], 1)]
    return frame.assign(**{column: pd.Series(values, dtype=object)})


@pytest.mark.parametrize(
    ("row", "column", "value", "message"),
    [
        (2, "day", "2024-01-06 05:00", "row 2 of coming.csv: time 2024-01-06 05:00 of series"),
        (
            2,
            "day",
            "2024-01-05",
            'series "a": row 1 of coming.csv and row 2 of coming.csv have the same time 2024-01-05',
        ),
        (4, "shop", None, 'coming.csv: row 4: "shop" is empty'),
        (3, "price", "dear", 'coming.csv: row 3: "price" is "dear"'),
        (3, "day", "soon", 'coming.csv: row 3: "day" is "soon"'),
    ],
)
def test_what_is_wrong_with_the_future_is_named_by_its_own_rows(
    row: int, column: str, value: object, message: str
) -> None:
    told = past().assign(y=[0.0, 1, 2, np.nan, 4, 5, 6, np.nan])  # the last row of each series is of its future, too

    with pytest.raises(DataError) as caught:
        panel(join(told, changed(coming(["2024-01-05", "2024-01-06"]), row, column, value)))

    assert str(caught.value).startswith(message)


def test_what_is_wrong_with_the_table_is_named_by_its_own_rows() -> None:
    told = past().assign(y=[0.0, 1, 2, np.nan, 4, 5, 6, 7])
    replaced = coming(["2024-01-04", "2024-01-05"])  # in place of the fourth row

    with pytest.raises(DataError, match='^past.csv: row 7: "day" is "soon"'):
        join(changed(told, 7, "day", "soon"), replaced)
    with pytest.raises(DataError, match="^row 7: time 2024-01-03 05:00 of series"):
        panel(join(changed(told, 7, "day", "2024-01-03 05:00"), replaced))


def test_what_is_lacking_is_named_exactly() -> None:
    frame = join(past(), coming(["2024-01-05"]))

    with pytest.raises(DataError, match='"a": .*"price" has no value for 2024-01-06 to 2024-01-07 .and 1 more series'):
        lacking(panel(frame), 3)


def test_the_series_that_lacks_is_named_and_no_other() -> None:
    frame = join(past(), coming(["2024-01-05"], ("a",)))

    with pytest.raises(DataError, match=r'series "b": known column "price" has no value for 2024-01-05\. Add'):
        lacking(panel(frame), 1)


def test_a_hole_between_known_values_is_counted_and_masked() -> None:
    frame = coming(["2024-01-05", "2024-01-06", "2024-01-07"])
    frame.loc[1, "price"] = np.nan

    assert lacking(panel(join(past(), frame)), 3) == 1


def test_a_template_filled_in_is_a_future() -> None:
    empty = laid(panel(past()))
    assert empty.columns.tolist() == ["shop", "day", "price", "sky"]
    assert empty["day"].tolist() == ["2024-01-05", "2024-01-06"] * 2
    assert empty["price"].isna().all()

    filled = empty.assign(price=1.5, sky="rain")

    assert lacking(panel(join(past(), filled)), 2) == 0


def test_a_template_keeps_what_is_known_already() -> None:
    frame = join(past(), coming(["2024-01-05"]))

    laid_out = laid(panel(frame))

    assert laid_out["sky"].tolist() == ["rain", "", "rain", ""]


def test_rows_of_the_past_without_a_target_keep_what_they_know() -> None:
    frame = past()
    frame.loc[[1, 2], "y"] = np.nan

    known = panel(join(frame, coming([f"2024-01-0{day}" for day in range(1, 7)])))

    assert known.covariates.values[:6, 0].tolist() == [0, 1, 2, 3, 4, 5]


def test_a_wide_table_has_one_row_a_step_in_its_template() -> None:
    days = pd.date_range("2024-01-01", periods=4)
    frame = pd.DataFrame({"day": days, "a": [1.0, 2, 3, np.nan], "b": [1.0, 2, 3, 4], "heat": [5.0, 6, 7, 8]})
    wide = from_frame(frame, Columns(time="day", layout="wide", known=("heat",)))

    laid_out = laid(wide)

    assert laid_out["day"].tolist() == ["2024-01-04", "2024-01-05", "2024-01-06"]
    assert laid_out["heat"].tolist()[:1] == [8]
