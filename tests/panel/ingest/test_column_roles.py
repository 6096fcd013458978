"""Roles of columns by name, type, or option; ambiguity is an error."""

from typing import Any

import pandas as pd
import pytest

from rnncli.config.sections import Columns
from rnncli.errors import DataError
from rnncli.panel.ingest import column_roles
from rnncli.panel.panel import ColumnRoles
from tests.frames import table_of

DAYS = ["2024-01-01", "2024-01-02"]


def roles(asked: Columns | None = None, **table: Any) -> ColumnRoles:
    return column_roles.find_roles(table_of(pd.DataFrame(table)), asked or Columns())


@pytest.mark.parametrize(
    ("time", "identifier", "target"),
    [
        ("ds", "unique_id", "y"),
        ("timestamp", "item_id", "target"),
        ("timestamp", "segment", "target"),
        ("date", "series_id", "value"),
    ],
)
def test_columns_are_found_by_the_names_forecasters_use(time: str, identifier: str, target: str) -> None:
    table: dict[str, Any] = {
        target: [1.0, 2.0],
        "price": [3, 4],
        time: DAYS,
        "note": ["a", "b"],
        identifier: ["a", "a"],
    }
    found = roles(**table)

    assert found == ColumnRoles(time, identifier, (target,), wide=False, guessed=False)


def test_columns_are_found_by_their_type() -> None:
    assert roles(when=DAYS, site=["a", "a"], load=[1, 2]) == ColumnRoles(
        "when", "site", ("load",), wide=False, guessed=True
    )


def test_a_single_series_needs_no_id() -> None:
    assert roles(month=DAYS, passengers=[1, 2]) == ColumnRoles("month", None, ("passengers",), wide=False, guessed=True)


def test_a_time_column_and_numeric_columns_are_a_wide_table() -> None:
    assert roles(date=DAYS, north=[1, 2], south=[3, 4]) == ColumnRoles("date", None, ("north", "south"), True, True)


def test_several_targets_are_taken_together() -> None:
    found = roles(Columns(target=("load", "sun")), when=DAYS, load=[1, 2], sun=[3, 4])

    assert found == ColumnRoles("when", None, ("load", "sun"), wide=False, guessed=True)


def test_options_take_precedence() -> None:
    asked = Columns(time="shipped", id="shop", target=("sold",))
    found = roles(asked, ds=DAYS, shipped=DAYS, shop=["a", "a"], unique_id=["x", "y"], y=[1, 2], sold=[3, 4])

    assert found == ColumnRoles("shipped", "shop", ("sold",), wide=False, guessed=False)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"start": DAYS, "end": DAYS, "y": [1, 2]}, '"start", "end" could each be the time.*--time'),
        ({"ds": DAYS, "timestamp": DAYS, "y": [1, 2]}, '"ds", "timestamp" could each be the time.*--time'),
        (
            {"ds": DAYS, "city": ["a", "b"], "shop": ["c", "d"], "y": [1, 2]},
            '"city", "shop" could each be the.*--id',
        ),
        ({"ds": DAYS, "shop": ["a", "b"], "sold": [1, 2], "price": [3, 4]}, '"sold", "price" could each be.*--target'),
        ({"ds": DAYS, "y": [1, 2], "target": [1, 2]}, '"y", "target" could each be the target'),
    ],
)
def test_two_readings_are_an_error_that_names_both(table: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        roles(**table)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"shop": ["a", "b"], "sold": [1, 2]}, 'no column contains times .columns: "shop", "sold"'),
        ({"ds": DAYS, "shop": ["a", "b"]}, "no column contains numbers"),
        ({"ds": DAYS, "sold": ["1", "two"]}, 'no column contains numbers.*"sold" has the text "two" in row 2'),
    ],
)
def test_a_missing_role_is_an_error(table: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        roles(**table)


def test_a_misspelt_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(DataError, match='no column "laod".*"ds", "load".*Did you mean "load"'):
        roles(Columns(target=("laod",)), ds=DAYS, load=[1, 2])


def test_another_table_is_read_with_the_same_roles() -> None:
    found = roles(when=DAYS, site=["a", "a"], load=[1, 2])

    again = column_roles.with_roles(found, Columns(freq="D"))

    assert again == Columns(time="when", id="site", target=("load",), layout="long", freq="D")


@pytest.mark.parametrize("site", [[1, 1, 1, 2, 2, 2], [7] * 6])
def test_integers_that_may_be_ids_are_ambiguous(site: list[int]) -> None:
    with pytest.raises(DataError, match='"site" could be the series id, or a series of a wide table.*--id site'):
        roles(when=pd.date_range("2024-01-01", periods=6), site=site, load=[1.5, 2, 3, 4, 5, 6])


def test_a_table_without_a_header_is_refused() -> None:
    with pytest.raises(DataError, match='found "2024-01-01".. Add a header line'):
        roles(None, **{"2024-01-01": ["2024-01-02", "2024-01-03"], "5": [1, 2]})


def test_a_column_cannot_be_time_and_id() -> None:
    with pytest.raises(DataError, match='"ds" cannot be both the time and the series id'):
        roles(Columns(time="ds", id="ds"), ds=DAYS, y=[1, 2])
