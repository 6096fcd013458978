"""A table read in parts gives the panel of the whole table."""

import numpy as np
import pandas as pd
import pytest

from rnncli.config.sections import Columns
from rnncli.errors import DataError
from rnncli.panel import Panel
from tests.frames import from_frame, from_frames

ASKED = Columns(id="shop", time="ds", target=("y",), known=("price", "sky"), static=("city",), weight="w")


def shops() -> pd.DataFrame:
    """Six shops; the last two days are to come."""
    days = pd.date_range("2024-01-01", periods=8)
    generator = np.random.default_rng(0)
    tables = []
    for number, shop in enumerate("fadcbe"):
        table = pd.DataFrame({"shop": shop, "ds": days, "y": generator.random(8), "price": generator.random(8)})
        table["sky"] = generator.choice(["sun", "rain", "hail"][: 1 + number % 3], 8)
        table["city"], table["w"] = ["Bonn", "Cork", "Ghent"][number % 3], 1.0 + number
        tables.append(table.assign(y=table["y"].where(table.index < 6 - number % 2)).iloc[number % 2 :])
    return pd.concat(tables, ignore_index=True)


def same(one: Panel, other: Panel) -> None:
    for name in ("values", "offsets", "ids", "firsts", "phases"):
        assert np.array_equal(getattr(one, name), getattr(other, name), equal_nan=name == "values")
    for name in ("varying", "static_columns", "offsets", "static"):
        assert np.array_equal(getattr(one.covariates, name), getattr(other.covariates, name))
    assert np.array_equal(one.covariates.values, other.covariates.values, equal_nan=True)
    assert one.covariates.weights is not None
    assert other.covariates.weights is not None
    assert np.allclose(one.covariates.weights, other.covariates.weights)
    assert one.summary == other.summary


@pytest.mark.parametrize("groups", [["fadcbe"], ["fa", "dc", "be"], ["f", "a", "d", "c", "b", "e"], ["abc", "def"]])
def test_parts_of_whole_series_give_the_panel_of_the_table(groups: list[str]) -> None:
    frame = shops()
    parts = [frame[frame["shop"].isin(list(group))] for group in groups]

    same(from_frames(parts, frame, ASKED), from_frame(frame, ASKED))


def test_a_series_in_two_parts_is_read_from_the_whole_table() -> None:
    frame = shops()

    same(from_frames([frame.iloc[:20], frame.iloc[20:]], frame, ASKED), from_frame(frame, ASKED))


def test_parts_without_covariates_are_joined_too() -> None:
    frame, asked = shops(), Columns(id="shop", time="ds", target=("y",))

    one = from_frames([frame.iloc[:8], frame.iloc[8:]], frame, asked)

    assert np.array_equal(one.values, from_frame(frame, asked).values, equal_nan=True)


def test_the_error_of_a_single_part_is_raised() -> None:
    frame = pd.DataFrame({"shop": "a", "ds": ["2024-01-01", "2024-01-01"], "y": [1.0, 2.0]})

    with pytest.raises(DataError, match="have the same time 2024-01-01"):
        from_frames([frame], frame.head(0), Columns())


def test_a_series_whose_future_is_in_another_part_keeps_it() -> None:
    frame = shops()
    coming = (frame["shop"] == "f") & frame["y"].isna()

    same(from_frames([frame[~coming], frame[coming]], frame, ASKED), from_frame(frame, ASKED))


def test_parts_of_different_frequency_are_read_together() -> None:
    frame = shops()
    first = frame["shop"] == "f"
    frame.loc[first, "ds"] = pd.date_range("2024-01-01", periods=8, freq="h")
    parts = [frame[first], frame[~first]]

    with pytest.raises(DataError, match="Split the table by frequency"):
        from_frames(parts, frame, ASKED)


def test_weights_of_parts_with_gaps_are_those_of_the_whole() -> None:
    frame = shops().drop(index=[3, 4, 20])

    same(from_frames([frame.iloc[:20], frame.iloc[20:]], frame, ASKED), from_frame(frame, ASKED))
