"""Hints about columns without a role."""

import numpy as np
import pandas as pd

from rnncli.config.sections import Columns
from rnncli.panel.ingest import column_roles
from rnncli.panel.ingest.column_hints import Hint, find_hints
from tests.frames import table_of


def noticed(**cells: object) -> list[Hint]:
    days = pd.date_range("2024-01-01", periods=6)
    generator = np.random.default_rng(0)
    cells_by_name = {"unique_id": np.repeat(["a", "b"], 6), "ds": [*days, *days], "y": generator.random(12)}
    table = table_of(pd.DataFrame(cells_by_name | cells))
    return find_hints(table, column_roles.find_roles(table, Columns()))


def test_a_column_constant_within_series_may_be_static() -> None:
    assert noticed(size=np.repeat([1, 2], 6)) == [Hint("size", "static", "one value per series: --static size")]


def test_a_column_with_values_without_a_target_may_be_known() -> None:
    target = np.arange(12.0)
    target[5] = target[11] = np.nan

    (found,) = noticed(y=target, price=np.random.default_rng(1).random(12))

    assert (found.kind, found.words) == ("known", "has values where the target is empty: --known price")


def test_two_columns_that_sum_to_the_target_are_a_leak() -> None:
    casual, registered = np.random.default_rng(2).integers(1, 99, (2, 12))

    found = noticed(y=casual + registered, casual=casual, registered=registered)

    assert found[-1][:2] == ("casual", "leak")
    assert 'and "registered" sum to "y"' in found[-1].words


def test_the_target_in_another_unit_is_a_leak() -> None:
    target = np.random.default_rng(3).random(12)

    assert [hint.column for hint in noticed(y=target, y_in_tons=target / 1000) if hint.kind == "leak"] == ["y_in_tons"]


def test_an_unrelated_column_is_not_a_leak() -> None:
    assert [hint.kind for hint in noticed(heat=np.random.default_rng(4).random(12))] == ["undecided"]
