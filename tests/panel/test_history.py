"""Appending new rows to stored series."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnncli.config.sections import Columns
from rnncli.panel import Panel
from rnncli.panel.history import append_rows, last_steps
from tests.conftest import hourly
from tests.frames import from_frame

TABLE = hourly(series=2, days=2)


def panel_of(table: pd.DataFrame) -> Panel:
    return from_frame(table, Columns(freq="h"))


@settings(max_examples=50)
@given(st.lists(st.integers(0, 3), min_size=len(TABLE), max_size=len(TABLE)))
def test_appending_parts_in_any_order_gives_the_same_panel(portions: list[int]) -> None:
    numbers = np.array(portions)
    parts = [TABLE[numbers == number] for number in np.unique(numbers)]
    whole = panel_of(TABLE)

    together, rows = panel_of(parts[0]), len(parts[0])
    for part in parts[1:]:
        found = append_rows(together, panel_of(part.sample(frac=1, random_state=7)), 48)
        together, rows = found.panel, rows + found.rows
        assert (found.repeated, found.differing, found.late) == (0, 0, 0)

    assert rows == len(TABLE)
    for name in ("values", "offsets", "ids", "firsts", "phases"):
        assert getattr(together, name).tolist() == getattr(whole, name).tolist()


@settings(max_examples=20)
@given(st.lists(st.tuples(st.sets(st.integers(0, 30), min_size=1), st.booleans()), min_size=2, max_size=4))
@pytest.mark.parametrize("others", [[], ["north"]])
def test_ids_as_numbers_and_as_texts_are_equal(others: list[str], portions: list[tuple[set[int], bool]]) -> None:
    tables = [
        pd.DataFrame({"unique_id": list(map(str, numbers)) if texts else list(numbers), "ds": hour, "y": 1.0})
        for hour, (numbers, texts) in zip(pd.date_range("2024-01-01", periods=4, freq="h"), portions, strict=False)
    ]
    if others:
        tables.append(pd.DataFrame({"unique_id": others, "ds": pd.Timestamp("2024-01-02"), "y": 2.0}))

    together = panel_of(tables[0])
    for table in tables[1:]:
        together = append_rows(together, panel_of(table), 48).panel

    texts = bool(others) or all(texts for _, texts in portions)
    whole = panel_of(pd.concat(tables).astype({"unique_id": str if texts else int}))
    assert together.ids.tolist() == whole.ids.tolist()
    for name in ("values", "offsets", "firsts", "phases"):
        np.testing.assert_array_equal(getattr(together, name), getattr(whole, name))


@given(st.integers(1, 60))
def test_last_steps_are_the_end_of_each_series(steps: int) -> None:
    whole, part = panel_of(TABLE), last_steps(panel_of(TABLE), steps)

    for number in range(2):
        assert part.series(number).tolist() == whole.series(number)[-steps:].tolist()
    assert part.span()[1] == whole.span()[1]


def test_steps_between_stored_and_new_rows_are_missing() -> None:
    hours = TABLE["ds"].to_numpy()
    old, new = TABLE[hours < hours[20]], TABLE[hours >= hours[30]]

    found = append_rows(panel_of(old), panel_of(new), 48)

    assert np.isnan(found.panel.series(0)[:, 0]).nonzero()[0].tolist() == list(range(20, 30))
    assert found.panel.firsts.tolist() == panel_of(TABLE).firsts.tolist()
