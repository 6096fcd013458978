"""Cutoffs leave a row before and a whole horizon after them."""

from rnncli.config.sections import Columns
from rnncli.evaluation.cutoffs import last_cutoffs, window_positions
from tests.conftest import hourly
from tests.frames import from_frame


def test_the_last_horizons_are_held_out_without_overlap() -> None:
    panel = from_frame(hourly(series=2, days=1), Columns())

    cutoffs = last_cutoffs(panel, 6, 3, 6)

    assert cutoffs.series.tolist() == [0, 0, 0, 1, 1, 1]
    assert cutoffs.rows.tolist() == [6, 12, 18] * 2


def test_windows_without_a_row_before_them_are_left_out() -> None:
    panel = from_frame(hourly(series=1, days=1), Columns())

    assert last_cutoffs(panel, 12, 3, 12).rows.tolist() == [12]


def test_windows_may_overlap_and_all_have_a_horizon_after_them() -> None:
    panel = from_frame(hourly(series=1, days=1), Columns())

    assert last_cutoffs(panel, 6, 3, 1).rows.tolist() == [16, 17, 18]


def test_positions_count_the_later_windows_of_each_series() -> None:
    panel = from_frame(hourly(series=2, days=1), Columns())

    found = window_positions(panel, last_cutoffs(panel, 6, 3, 4), 6, 4)

    assert found.series.tolist() == [0, 0, 0, 1, 1, 1]
    assert found.back.tolist() == [2, 1, 0] * 2
    assert found.overlap == 2
