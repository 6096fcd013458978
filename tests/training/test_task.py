"""The identity of a task tells it from all others, in any process."""

import json
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from rnncli.config.architecture import Covariate, InputSpec
from rnncli.config.sections import Training
from rnncli.panel import Cutoffs
from rnncli.training.task import TrainingTask
from tests.network.test_network import design

TASK = TrainingTask(
    *(design(), InputSpec((), 2, 0), Training(), 24, 7, 100, 60.0),
    *(np.array([5, 5]), np.array([50, 40]), Cutoffs(np.array([0, 1]), np.array([56, 46]))),
)


@pytest.mark.parametrize(
    "change",
    [
        {"architecture": design(hidden=9)},
        {"inputs": InputSpec((Covariate(name="2", role="known"),), 2, 0)},
        {"inputs": InputSpec((), 0, 2)},
        {"training": Training(learning_rate=1e-4)},
        {"season": 7},
        {"seed": 24},
        {"steps": 101},
        {"first": np.array([5, 6])},
        {"first": np.array([5.0, 5.0])},
        {"first": TASK.last, "last": TASK.first},
        {"validation": Cutoffs(TASK.validation.rows, TASK.validation.series)},
        {"validation": Cutoffs(np.empty(0, np.int64), np.empty(0, np.int64))},
        {"initial": {}},
        {"initial": {"weight": np.zeros(4)}},
        {"initial": {"weight": np.zeros((2, 2))}},
    ],
    ids=str,
)
def test_every_change_of_the_result_changes_the_identity(change: dict[str, Any]) -> None:
    assert TASK._replace(**change).identity() != TASK.identity()


def test_initial_weights_are_told_apart_by_name_shape_and_value() -> None:
    weights: list[dict[str, np.ndarray]] = [
        {"a": np.zeros(4)},
        {"b": np.zeros(4)},
        {"a": np.zeros((2, 2))},
        {"a": np.ones(4)},
    ]

    assert len({json.dumps(TASK._replace(initial=each).identity()) for each in weights}) == 4


def test_large_arrays_are_told_apart_by_every_value() -> None:
    first = np.arange(100_000)
    changed = first.copy()
    changed[50_000] = 0  # which the text of an array leaves out

    assert TASK._replace(first=first).identity() != TASK._replace(first=changed).identity()


def test_the_time_limit_does_not_change_the_identity() -> None:
    assert TASK._replace(seconds=1.0).identity() == TASK.identity()


def test_another_process_has_the_same_identity() -> None:
    code = "import json; from tests.training.test_task import TASK; print(json.dumps(TASK.identity(), sort_keys=True))"

    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout

    assert other.strip() == json.dumps(TASK.identity(), sort_keys=True)
