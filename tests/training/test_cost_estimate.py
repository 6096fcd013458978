"""The estimated cost of a training."""

import math
from typing import Any

import pytest
import torch

from rnncli.config.sections import Columns, NetworkOptions, Training
from rnncli.panel import Panel
from rnncli.planning import plan as choices
from rnncli.training.cost_estimate import CostEstimate, estimate_cost, measure_update
from rnncli.training.task import TrainingTask
from rnncli.windows.windows import SeriesData
from tests.conftest import hourly
from tests.frames import from_frame

CPU = torch.device("cpu")
ASKED: dict[str, Any] = {"horizon": 6, "hidden": 8, "context": 48, "season": 24, "segment": 6}


@pytest.fixture(scope="module")
def panel() -> Panel:
    return from_frame(hourly(days=10), Columns())


def estimated(panel: Panel, size: int = 1, asked: dict[str, Any] = ASKED, **training: Any) -> CostEstimate:
    settings = Training(**training)
    plan = choices.make_plan(panel, NetworkOptions(**asked), settings)
    return estimate_cost(plan, settings, CPU, size)


def task(panel: Panel, batch: int) -> TrainingTask:
    settings = Training(batch=batch)
    plan = choices.make_plan(panel, NetworkOptions(**ASKED), settings)
    parts = plan.split
    limits = parts.first, parts.last, parts.validation
    return TrainingTask(plan.architecture, plan.inputs, settings, 24, 7, 30, math.inf, *limits)


def test_memory_grows_with_the_windows_of_a_batch(panel: Panel) -> None:
    data = SeriesData.of(panel, 6)

    small, middle, large = (measure_update(task(panel, batch), data, CPU).memory for batch in (16, 32, 64))

    values = 48 * 4  # of a window, as the bypass reads it: the least that a gradient needs
    assert large - middle == 2 * (middle - small) > 2 * 16 * values


def test_measuring_leaves_the_random_numbers_as_they_were(panel: Panel) -> None:
    before = torch.get_rng_state()

    measure_update(task(panel, 16), SeriesData.of(panel, 6), CPU)

    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    ("training", "trials", "members", "work", "limit"),
    [
        ({"preset": "fast"}, 4, 4, 50, math.inf),
        ({"preset": "best"}, 24, 24, 1800, math.inf),
        ({"budget": 60}, 24, 24, 120, 60),
        ({"budget": 60, "preset": "fast"}, 4, 4, 50, 60),
        ({"budget": 20, "preset": "fast"}, 4, 4, 40, 20),
        ({"members": 3}, 3, 3, math.inf, math.inf),
        ({"members": 3, "refit": False}, 3, 0, math.inf, math.inf),
    ],
)
def test_the_estimate_has_the_largest_number_of_networks(
    panel: Panel, training: dict[str, Any], trials: int, members: int, work: float, limit: float
) -> None:
    found = estimated(panel, **training)

    assert (found.trials, found.members, found.limit) == (trials, members, limit)
    assert found.seconds is not None
    assert 0 < found.work <= work
    assert 0 < found.seconds <= limit


def test_series_too_short_for_trials_are_trained_on_all_rows() -> None:
    short = from_frame(hourly(series=1, days=1).head(12), Columns())

    found = estimated(
        short, asked={"horizon": 6, "hidden": 8, "context": 6, "season": 1}, members=2, refit=False, synthetic=0
    )

    assert (found.trials, found.members) == (0, 2)


def test_more_processes_take_more_memory(panel: Panel) -> None:
    one, three = (estimated(panel, size, members=3) for size in (1, 3))

    assert three.memory - one.memory > 2 * three.table


def test_a_closed_form_readout_has_no_time_estimate(panel: Panel) -> None:
    found = estimated(panel, asked=ASKED | {"cell": "esn", "hidden": 20}, members=1)

    assert (found.update_cost, found.seconds) == (None, None)
