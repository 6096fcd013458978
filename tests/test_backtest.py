"""Backtests score what they should, on rows that the forecast did not see."""

from pathlib import Path

import numpy as np
import pytest
import torch

from rnncli import backtest, metrics
from rnncli import model as models
from rnncli.config import Columns
from rnncli.panel import from_frame
from tests.conftest import hourly

CPU = torch.device("cpu")


def test_the_last_horizons_are_held_out_one_behind_the_other() -> None:
    panel = from_frame(hourly(series=2, days=1), Columns())

    places = backtest.cutoffs(panel, 6, 3, 6)

    assert places.series.tolist() == [0, 0, 0, 1, 1, 1]
    assert places.rows.tolist() == [6, 12, 18] * 2


def test_windows_without_a_row_before_them_are_left_out() -> None:
    panel = from_frame(hourly(series=1, days=1), Columns())

    assert backtest.cutoffs(panel, 12, 3, 12).rows.tolist() == [12]


def test_every_model_is_scored_on_the_same_actual_values(model: Path) -> None:
    panel = from_frame(hourly(), Columns())
    places = backtest.cutoffs(panel, 6, 2, 6)

    scored = backtest.run(models.load(model), panel, places, (80.0,), CPU)

    expected = np.stack([panel.series(s)[row : row + 6] for s, row in zip(*places, strict=True)])
    assert list(scored) == ["rnncli", "Naive", "SeasonalNaive"]
    for one in scored.values():
        assert np.array_equal(one.actual, expected)


def test_seasonal_naive_is_the_day_before(model: Path) -> None:
    panel = from_frame(hourly(), Columns())
    places = backtest.cutoffs(panel, 6, 1, 6)

    scored = backtest.run(models.load(model), panel, places, (), CPU)

    day_before = np.stack([panel.series(s)[row - 24 : row - 18] for s, row in zip(*places, strict=True)])
    assert np.array_equal(scored["SeasonalNaive"].point, day_before)


def test_windows_may_overlap_and_all_have_a_horizon_after_them() -> None:
    panel = from_frame(hourly(series=1, days=1), Columns())

    assert backtest.cutoffs(panel, 6, 3, 1).rows.tolist() == [16, 17, 18]


def test_windows_taken_some_at_a_time_score_as_all_at_once(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    panel, fitted = from_frame(hourly(), Columns()), models.load(model)
    places = backtest.cutoffs(panel, 6, 5, 3)
    at_once = backtest.table(fitted, panel, places, (80.0,), CPU, list(metrics.METRICS))

    monkeypatch.setattr(backtest, "VALUES_AT_ONCE", 1)

    assert backtest.table(fitted, panel, places, (80.0,), CPU, list(metrics.METRICS)) == {
        name: pytest.approx(row, nan_ok=True) for name, row in at_once.items()
    }
