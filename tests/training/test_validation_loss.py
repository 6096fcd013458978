"""The validation loss is that of the metric."""

import math
from functools import partial

import numpy as np
import pytest

from rnncli.config.metrics import MetricName
from rnncli.config.sections import Columns, NetworkOptions, Training
from rnncli.model import data_profile
from rnncli.network.quantile_head import QuantileHead
from rnncli.panel.window_values import slice_windows
from rnncli.planning import plan as choices
from rnncli.training.validation_loss import validation_loss as judged
from tests.conftest import hourly
from tests.frames import from_frame

HEAD = QuantileHead()


def test_forecasts_of_counts_are_scored_as_counts() -> None:
    frame = hourly(series=30)
    panel = from_frame(frame.assign(y=frame["y"].round()), Columns())
    plan = choices.make_plan(panel, NetworkOptions(horizon=6, season=24), Training())
    _, truth = slice_windows(panel, plan.split.validation, 1, 6)
    near = truth[..., None] + np.linspace(-0.4, 0.4, len(HEAD.levels))

    judge = partial(judged, plan, "mae")

    assert judge(data_profile.profile(panel))([near - 0.1]) == 0
    assert judge(data_profile.profile(from_frame(frame, Columns())))([near - 0.1]) == pytest.approx(0.1)


@pytest.mark.parametrize("metric", ["quantiles", "mase", "smape", "owa", "mae", "mse", "rmsse"])
def test_larger_errors_have_a_higher_loss_and_unknown_ones_an_infinite_loss(metric: MetricName) -> None:
    panel = from_frame(hourly(series=3), Columns())
    plan = choices.make_plan(panel, NetworkOptions(horizon=6, season=24), Training())
    _, truth = slice_windows(panel, plan.split.validation, 1, 6)
    judge = judged(plan, metric, data_profile.profile(panel))

    right, near, far, unknown = (
        judge([np.repeat(truth[..., None] + error, len(HEAD.levels), axis=-1)]) for error in (0.0, 0.5, 1.0, np.nan)
    )

    assert right == pytest.approx(0)
    assert right < near < far < unknown == math.inf
    if metric in ("mae", "mse"):
        assert near == pytest.approx(0.5 if metric == "mae" else 0.25)
