"""Rows of known covariates are appended to a table."""

import numpy as np
import pandas as pd
import pytest

from rnncli.config.sections import Columns
from rnncli.errors import DataError
from rnncli.panel import Panel, Table, from_table
from rnncli.panel.ingest.column_roles import find_roles
from rnncli.panel.ingest.future_rows import append_future
from tests.frames import table_of

ASKED = Columns(id="shop", time="day", target=("y",), known=("price", "sky"))


def past() -> pd.DataFrame:
    days = [f"2024-01-0{day}" for day in range(1, 5)]
    table = {"shop": np.repeat(["a", "b"], 4), "day": [*days, *days], "y": np.arange(8.0)}
    return pd.DataFrame(table | {"price": np.arange(8.0), "sky": "sun"})


def future(days: list[str], shops: tuple[str, ...] = ("a", "b")) -> pd.DataFrame:
    rows = [(shop, day, float(number), "rain") for shop in shops for number, day in enumerate(days)]
    return pd.DataFrame(rows, columns=["shop", "day", "price", "sky"])


def joined(frame: pd.DataFrame, future: pd.DataFrame) -> Table:
    table = table_of(frame)
    return append_future(table, table_of(future), find_roles(table, ASKED), None, ("past.csv", "future.csv"))


def panel(rows: pd.DataFrame | Table) -> Panel:
    return from_table(rows if isinstance(rows, Table) else table_of(rows), ASKED)


def test_a_future_table_equals_rows_without_a_target() -> None:
    days = ["2024-01-05", "2024-01-06"]
    inside = pd.concat([past(), future(days)], ignore_index=True)

    one, other = panel(joined(past(), future(days))), panel(inside)

    assert np.array_equal(one.values, other.values)
    assert np.array_equal(one.covariates.values, other.covariates.values)


def test_a_future_that_reaches_back_changes_no_row_with_a_target() -> None:
    overlapping = panel(joined(past(), future(["2024-01-03", "2024-01-04", "2024-01-05"])))

    assert overlapping.covariates.values[:5, 0].tolist() == [0, 1, 2, 3, 2]


def test_a_future_may_be_written_with_other_types() -> None:
    frame = future(["2024-01-05"])
    frame["day"] = pd.to_datetime(frame["day"])

    assert panel(joined(past(), frame)).covariates.lengths.tolist() == [5, 5]


def test_a_future_without_a_known_column_is_refused() -> None:
    with pytest.raises(DataError, match='no column "price"'):
        joined(past(), future(["2024-01-05"]).drop(columns="price"))


def changed(frame: pd.DataFrame, row: int, column: str, value: object) -> pd.DataFrame:
    """The table with another value in a row, counted from 1."""
    values = [value if number == row else old for number, old in enumerate(frame[column], 1)]
    return frame.assign(**{column: pd.Series(values, dtype=object)})


@pytest.mark.parametrize(
    ("row", "column", "value", "message"),
    [
        (2, "day", "2024-01-06 05:00", "row 2 of future.csv: time 2024-01-06 05:00 of series"),
        (
            2,
            "day",
            "2024-01-05",
            'series "a": row 1 of future.csv and row 2 of future.csv have the same time 2024-01-05',
        ),
        (4, "shop", None, 'future.csv: row 4: "shop" is empty'),
        (3, "price", "dear", 'future.csv: row 3: "price" is "dear"'),
        (3, "day", "soon", 'future.csv: row 3: "day" is "soon"'),
    ],
)
def test_errors_in_the_future_name_its_file_and_row(row: int, column: str, value: object, message: str) -> None:
    frame = past().assign(y=[0.0, 1, 2, np.nan, 4, 5, 6, np.nan])  # the last row of each series is of its future, too

    with pytest.raises(DataError) as caught:
        panel(joined(frame, changed(future(["2024-01-05", "2024-01-06"]), row, column, value)))

    assert str(caught.value).startswith(message)


def test_errors_in_the_table_name_its_row() -> None:
    frame = past().assign(y=[0.0, 1, 2, np.nan, 4, 5, 6, 7])
    replaced = future(["2024-01-04", "2024-01-05"])  # in place of the fourth row

    with pytest.raises(DataError, match='^past.csv: row 7: "day" is "soon"'):
        joined(changed(frame, 7, "day", "soon"), replaced)
    with pytest.raises(DataError, match="^row 7: time 2024-01-03 05:00 of series"):
        panel(joined(changed(frame, 7, "day", "2024-01-03 05:00"), replaced))


def test_past_rows_without_a_target_keep_their_covariates() -> None:
    frame = past()
    frame.loc[[1, 2], "y"] = np.nan

    known = panel(joined(frame, future([f"2024-01-0{day}" for day in range(1, 7)])))

    assert known.covariates.values[:6, 0].tolist() == [0, 1, 2, 3, 4, 5]
