"""The work of a training is counted, so that it depends on the network and on nothing else."""

import itertools
from typing import Any

import pytest
import torch

from rnncli.config.sections import Columns, NetworkOptions, Training
from rnncli.panel import Panel
from rnncli.planning.plan import make_plan
from rnncli.training.network_workers import network_workers, series_data
from rnncli.training.trials import TrialRunner
from rnncli.training.work import NetworkWork, count_work
from tests.conftest import hourly
from tests.frames import from_frame


@pytest.fixture(scope="module")
def panel() -> Panel:
    return from_frame(hourly(), Columns())


def counted(panel: Panel, training: Training = Training(), **asked: Any) -> NetworkWork:  # noqa: B008 - it is frozen
    network = NetworkOptions(**{"horizon": 6, "context": 48, "hidden": 8} | asked)
    plan = make_plan(panel, network, training)
    runner = TrialRunner(plan, training, network_workers(plan, torch.device("cpu"), 1), lambda _: None)
    task = runner.task(plan.architecture, plan.split, 10, 1.0, "trial", 0)
    return count_work(task, series_data(plan))


CELLS = ("rnn", "lstm", "gru", "esn", "tcn", "transformer")


@pytest.mark.parametrize("cell", CELLS)
def test_counting_twice_gives_the_same_work(panel: Panel, cell: str) -> None:
    before = torch.get_rng_state()

    first, second = counted(panel, cell=cell), counted(panel, cell=cell)

    assert first == second
    assert first.update > 0 < first.window
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    "larger", [{"hidden": 64}, {"training": Training(batch=512)}, {"layers": 3}, {"segment": 1}], ids=str
)
def test_a_larger_network_or_batch_is_more_work(panel: Panel, larger: dict[str, Any]) -> None:
    assert counted(panel, **larger).update > 1.2 * counted(panel).update


def test_the_work_of_a_training_is_that_of_its_updates_and_checks() -> None:
    work = NetworkWork(update=2.0, window=0.5)

    assert work.training(10) == 20
    assert work.training(10, windows=3) == 20 + 21 * 3 * 0.5
    for steps, windows in itertools.product((1, 7, 100), (0, 3, 5000)):
        assert work.steps(work.training(steps, windows), windows) == steps
