"""Covariates: alignment, categories, statistics, and errors."""

import numpy as np
import pandas as pd
import pytest

from rnncli.config.sections import Columns
from rnncli.errors import DataError, RequestError
from rnncli.panel import Expected, Panel
from rnncli.panel.covariates import UNSEEN, with_statistics
from rnncli.panel.time.frequency import parse_frequency
from tests.conftest import hourly
from tests.frames import from_frame


def shops(**changes: object) -> pd.DataFrame:
    """Two shops of four days, the last of which is still to come."""
    days = pd.date_range("2024-01-01", periods=4)
    table = {
        "shop": np.repeat(["a", "b"], 4),
        "ds": [*days, *days],
        "y": [1.0, 2, 3, np.nan, 10, 20, 30, np.nan],
        "price": [5.0, 6, 7, 8, 50, 60, 70, 80],
        "sky": ["sun", "rain", "sun", "sun", "rain", "rain", None, "sun"],
        "size": np.repeat([100, 900], 4),
    }
    return pd.DataFrame(table | changes)


def panel(frame: pd.DataFrame, expected: Expected | None = None, **asked: object) -> Panel:
    plain = {"id": "shop", "target": "y", "known": "price,sky", "static": "size"}
    return from_frame(frame, Columns.model_validate(plain | asked), expected)


def test_rows_without_a_target_at_the_end_are_the_known_future() -> None:
    found = panel(shops())

    assert found.values[:, 0].tolist() == [1, 2, 3, 10, 20, 30]
    assert found.covariates.offsets.tolist() == [0, 4, 8]
    assert found.covariates.values[:, 0].tolist() == [5, 6, 7, 8, 50, 60, 70, 80]
    assert found.summary.missing == 0


def test_without_known_columns_a_missing_value_at_the_end_stays() -> None:
    assert len(panel(shops(), known="", past="price").values) == 8


@pytest.mark.parametrize("order", [[7, 6, 5, 4, 3, 2, 1, 0], [3, 4, 1, 6, 0, 7, 2, 5]])
def test_rows_in_any_order_give_the_same_covariates(order: list[int]) -> None:
    one, other = panel(shops()).covariates, panel(shops().iloc[order]).covariates

    assert np.array_equal(one.values, other.values)
    assert np.array_equal(one.static, other.static)


def test_leading_rows_without_a_target_are_left_out_of_both() -> None:
    found = panel(shops(y=[np.nan, 2, 3, np.nan, 10, 20, 30, np.nan]))

    assert found.covariates.values[:, 0].tolist() == [6, 7, 8, 50, 60, 70, 80]
    assert found.offsets.tolist() == [0, 2, 5]


def test_a_step_without_a_row_has_no_value() -> None:
    found = panel(shops().drop(index=1))

    assert np.isnan(found.covariates.values[1]).all()


def test_texts_and_numbers_named_categorical_are_categories() -> None:
    sky, size = panel(shops(), categorical="size").covariates.columns[1:]

    assert sky.categories == ("rain", "sun")
    assert size.categories == ("100", "900")
    assert panel(shops()).covariates.values[:, 1].tolist() == [2, 1, 2, 2, 1, 1, UNSEEN, 2]


def test_categories_of_a_model_keep_their_codes_and_new_ones_are_unseen() -> None:
    inputs = panel(shops()).covariates.columns
    frame = shops(sky=["rain", "hail", "rain", "sun", "rain", "rain", None, "sun"])

    found = panel(frame, Expected(parse_frequency("D"), inputs))

    assert found.covariates.values[:4, 1].tolist() == [1, UNSEEN, 1, 2]


def test_a_model_requires_as_many_columns_as_in_training() -> None:
    inputs = panel(shops()).covariates.columns

    with pytest.raises(RequestError, match='trained with --known "price", --known "sky", --static "size"'):
        panel(shops(), Expected(parse_frequency("D"), inputs), known="price")


def test_statistics_use_only_the_rows_before_the_ends() -> None:
    frame = shops()
    ends = np.array([2, 2])

    one = with_statistics(panel(frame).covariates, ends)[0]
    frame.loc[[2, 3, 6, 7], "price"] = 1e9
    other = with_statistics(panel(frame).covariates, ends)[0]

    assert one == other
    assert one.level == np.mean([5, 6, 50, 60])
    assert one.spread == np.std([5, 6, 50, 60])
    assert one.within == np.median([0.5, 5])


def test_a_static_column_has_one_value_per_series() -> None:
    assert panel(shops()).covariates.static.tolist() == [[100], [900]]
    with pytest.raises(DataError, match='static column "size" of series "a" is 100 in row 1 and 101 in row 2'):
        panel(shops(size=[100, 101, 100, 100, 900, 900, 900, 900]))


def test_weights_have_mean_one_and_are_not_negative() -> None:
    weights = panel(shops(w=[1.0, 3, 1, 0, 1, 3, 1, 0]), weight="w").covariates.weights

    assert weights is not None
    assert weights.tolist() == [0.8, 2.4, 0.8, 0, 0.8, 2.4, 0.8, 0]
    with pytest.raises(DataError, match='row 2: weight "w" is -3'):
        panel(shops(w=[1, -3, 1, 1, 1, 1, 1, 1]), weight="w")
    with pytest.raises(DataError, match="is zero or empty in all rows"):
        panel(shops(w=0), weight="w")


def test_the_series_of_a_wide_table_share_known_covariates() -> None:
    days = pd.date_range("2024-01-01", periods=3)
    frame = pd.DataFrame({"date": days, "north": [1.0, 2, np.nan], "south": [5.0, 6, np.nan], "heat": [7.0, 8, 9]})

    found = from_frame(frame, Columns(known=("heat",)))

    assert found.ids.tolist() == ["north", "south"]
    assert found.offsets.tolist() == [0, 2, 4]
    assert found.covariates.values[:, 0].tolist() == [7, 8, 9, 7, 8, 9]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"known": "price", "past": "price"}, '"price" is named with both --known and --past'),
        ({"known": "ds", "time": "ds"}, '"ds" is named with both --time and --known'),
        ({"past": "y"}, '"y" is named with both --target and --past'),
        ({"categorical": "dale"}, '--categorical "dale" must be named'),
        ({"known": "price", "weight": "price"}, '"price" is named with both --weight and --known'),
    ],
)
def test_a_column_has_one_role(asked: dict[str, object], said: str) -> None:
    with pytest.raises(RequestError, match=said):
        from_frame(shops(), Columns.model_validate({"id": "shop", "target": "y"} | asked))


def test_a_missing_column_is_named_with_a_similar_one() -> None:
    with pytest.raises(DataError, match='no column "prize".* Did you mean "price"'):
        panel(shops(), known="prize")


def test_a_text_in_a_numeric_column_of_a_model_is_refused() -> None:
    inputs = panel(shops()).covariates.columns
    frame = shops(price=["5", "6", "seven", "8", "50", "60", "70", "80"])

    with pytest.raises(DataError, match='row 3: "price" is "seven"'):
        panel(frame, Expected(parse_frequency("D"), inputs))


def test_the_head_of_a_panel_keeps_known_covariates() -> None:
    frame = hourly(series=2, days=2)
    frame["heat"] = np.arange(len(frame), dtype=float)
    whole = from_frame(frame, Columns(known=("heat",)))

    part = whole.head(np.array([0, 10]))

    assert part.ids.tolist() == ["s1"]
    assert part.offsets.tolist() == [0, 10]
    assert part.covariates.values[:, 0].tolist() == list(range(48, 96))


def test_categories_of_many_digits_are_distinguished() -> None:
    frame = shops(item=[1234567, 1234568] * 4)

    found = from_frame(frame, Columns(id="shop", target=("y",), past=("item",), categorical=("item",)))

    assert found.covariates.columns[0].categories == ("1234567", "1234568")


def test_a_category_is_equal_whatever_the_type_of_its_column() -> None:
    inputs = panel(shops(sky=["10", "sale"] * 4)).covariates.columns

    found = panel(shops(sky=10), Expected(parse_frequency("D"), inputs))

    assert found.covariates.values[:, 1].tolist() == [1] * 8


def test_an_empty_category_is_missing_if_training_had_none() -> None:
    frame = shops(sky=["sun", "rain", "sun", None] * 2)
    whole = with_statistics(panel(shops(sky=["sun", "rain"] * 4)).covariates, np.array([4, 4]))
    holes = with_statistics(panel(frame).covariates, np.array([4, 4]))

    for inputs, missing in ((whole, True), (holes, False)):
        found = panel(frame, Expected(parse_frequency("D"), inputs))
        assert np.isnan(found.covariates.values[3, 1]) == missing


def test_timestamps_cannot_be_covariates() -> None:
    with pytest.raises(DataError, match='"due" contains timestamps'):
        panel(shops(due=pd.Timestamp("2024-01-01")), past="due")


def test_booleans_with_gaps_are_categories() -> None:
    found = panel(shops(open=[True, False, None, True] * 2), past="open").covariates.columns

    assert found[-2].categories == ("False", "True")
