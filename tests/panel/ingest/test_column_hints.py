"""What is noticed of columns that nobody named."""

import numpy as np
import pandas as pd

from rnncli.config.sections import Columns
from rnncli.panel.ingest import column_roles
from rnncli.panel.ingest.column_hints import Hint, find_hints


def noticed(**cells: object) -> list[Hint]:
    days = pd.date_range("2024-01-01", periods=6)
    generator = np.random.default_rng(0)
    table = {"unique_id": np.repeat(["a", "b"], 6), "ds": [*days, *days], "y": generator.random(12)}
    frame = pd.DataFrame(table | cells)
    return find_hints(frame, column_roles.find_roles(frame, Columns()))


def test_what_never_changes_within_a_series_may_be_static() -> None:
    assert noticed(size=np.repeat([1, 2], 6)) == [Hint("size", "static", "one value per series: --static size")]


def test_what_is_filled_where_the_target_is_empty_may_be_known() -> None:
    target = np.arange(12.0)
    target[5] = target[11] = np.nan

    (found,) = noticed(y=target, price=np.random.default_rng(1).random(12))

    assert (found.kind, found.words) == ("known", "has values where the target is empty: --known price")


def test_two_columns_that_add_up_to_the_target_are_warned_of() -> None:
    casual, registered = np.random.default_rng(2).integers(1, 99, (2, 12))

    found = noticed(y=casual + registered, casual=casual, registered=registered)

    assert found[-1][:2] == ("casual", "leak")
    assert 'and "registered" sum to "y"' in found[-1].words


def test_the_target_in_another_unit_is_warned_of() -> None:
    target = np.random.default_rng(3).random(12)

    assert [hint.column for hint in noticed(y=target, y_in_tons=target / 1000) if hint.kind == "leak"] == ["y_in_tons"]


def test_an_innocent_column_is_not_warned_of() -> None:
    assert [hint.kind for hint in noticed(heat=np.random.default_rng(4).random(12))] == ["undecided"]
