"""What forecasts of the validation windows err is told by window, and how far it can be told from chance."""

import math
from functools import partial

import numpy as np
import pytest

from rnncli import backtest, choices, contract, heads
from rnncli.config import Columns, MetricName, Network, Training
from rnncli.judging import BATCHES, doubt, loss
from rnncli.judging import judge as judged
from rnncli.panel import Cutoffs, Panel, from_frame
from tests.conftest import hourly


def test_counts_are_judged_as_they_are_forecast() -> None:
    frame = hourly(series=30)
    panel = from_frame(frame.assign(y=frame["y"].round()), Columns())
    plan = choices.make(panel, Network(horizon=6, season=24), Training())
    _, truth = backtest.cut(panel, plan.split.validation, 1, 6)
    near = truth[..., None] + np.linspace(-0.4, 0.4, len(heads.LEVELS))

    judge = partial(judged, panel, plan, "mae")

    assert judge(contract.seen(panel))([near - 0.1]).sum() == 0
    assert judge(contract.seen(from_frame(frame, Columns())))([near - 0.1]).sum() == pytest.approx(0.1)


@pytest.mark.parametrize("metric", ["quantiles", "mase", "smape", "owa", "mae", "mse", "rmsse"])
def test_windows_add_up_to_what_all_of_them_err(metric: MetricName) -> None:
    panel = from_frame(hourly(series=3), Columns())
    plan = choices.make(panel, Network(horizon=6, season=24), Training())
    _, truth = backtest.cut(panel, plan.split.validation, 1, 6)
    judge = judged(panel, plan, metric, contract.seen(panel))

    added = judge([np.repeat(truth[..., None] + 0.5, len(heads.LEVELS), axis=-1)])

    assert added.shape == (len(truth),)
    assert (added > 0).all()
    if metric in ("mae", "mse"):
        assert loss(added) == pytest.approx(0.5 if metric == "mae" else 0.25)


def test_what_cannot_be_told_is_no_small_loss() -> None:
    assert loss(np.array([1.0, np.nan])) == math.inf


def windows(series: int, times: int) -> tuple[Panel, Cutoffs]:
    """A panel, and cutoffs six steps apart of each of its series."""
    number, time = np.divmod(np.arange(series * times), times)
    return from_frame(hourly(series=series), Columns()), Cutoffs(number, 100 + 6 * time)


def errs(excess: np.ndarray, panel: Panel, places: Cutoffs) -> float:
    """How far the mean of what windows (draws, V) err more is doubted, on average."""
    return float(np.sqrt(np.mean([doubt(one, panel, places, horizon=6) ** 2 for one in excess])))


def test_windows_that_have_nothing_to_do_with_each_other_leave_the_doubt_of_as_many() -> None:
    panel, places = windows(series=40, times=30)
    excess = np.random.default_rng(0).standard_normal((200, 1200))

    assert errs(excess, panel, places) == pytest.approx(math.sqrt(1200), rel=0.3)


@pytest.mark.parametrize("together", ["series", "times"])
def test_windows_that_hang_together_leave_more_of_it(together: str) -> None:
    panel, places = windows(series=BATCHES, times=BATCHES)
    draws = np.random.default_rng(0).standard_normal((200, BATCHES))
    groups = places.series if together == "series" else (places.rows - 100) // 6

    # so many numbers drawn, of which each counts for so many windows
    assert errs(draws[:, groups], panel, places) == pytest.approx(math.sqrt(BATCHES) * BATCHES, rel=0.15)


def test_what_is_the_same_everywhere_is_beyond_doubt() -> None:
    panel, places = windows(series=5, times=4)

    assert doubt(np.ones(20), panel, places, horizon=6) == pytest.approx(0)
    assert doubt(np.ones(20), panel, places, horizon=15) == pytest.approx(0)  # times in batches of two and of three


def test_a_single_window_says_nothing_of_doubt() -> None:
    panel, places = windows(series=1, times=1)

    assert doubt(np.ones(1), panel, places, horizon=6) == 0
