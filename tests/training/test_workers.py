"""Processes that train: the same as one alone, gone when nobody needs them, and missed when they are killed."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
import pytest
import torch

from rnncli.config.sections import Columns, Network, Training
from rnncli.errors import TrainingError
from rnncli.panel import Panel, from_frame
from rnncli.planning import plan as choices
from rnncli.training import workers as crew
from rnncli.training.loop import Progress
from rnncli.training.train_network import TrainedNetwork, TrainingTask
from rnncli.training.workers import Workers
from rnncli.windows.windows import SeriesData
from tests.conftest import hourly

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def panel() -> Panel:
    return from_frame(hourly(), Columns())


def task(panel: Panel, seed: int, steps: int = 5) -> TrainingTask:
    plan = choices.make_plan(panel, Network(horizon=6, hidden=4, context=24), Training())
    split = plan.split
    return TrainingTask(
        plan.architecture, plan.inputs, Training(), 24, seed, steps, np.inf, split.first, split.last, split.validation
    )


def sequences(panel: Panel) -> SeriesData:
    return SeriesData.of(panel, 6)


def results(workers: Workers, tasks: Iterator[TrainingTask]) -> dict[int, TrainedNetwork]:
    with workers:
        return dict(workers.run(tasks, lambda _: None))


class Together(NamedTuple):
    """Three networks trained by two processes."""

    results: dict[int, TrainedNetwork]
    first: list[int]  # the tasks that were taken when the first of them was done


@pytest.fixture(scope="module")
def together(panel: Panel) -> Together:
    taken: list[int] = []

    def tasks() -> Iterator[TrainingTask]:
        for number in range(3):
            taken.append(number)
            yield task(panel, number)

    with crew.ProcessPool(sequences(panel), 2) as workers:
        results = workers.run(tasks(), lambda _: None)
        first, early = next(results), list(taken)
        return Together(dict([first, *results]), early)


def test_processes_train_the_same_bits_as_one_alone(panel: Panel, together: Together) -> None:
    alone = results(crew.InProcess(sequences(panel), CPU), (task(panel, seed) for seed in range(3)))

    assert sorted(alone) == sorted(together.results) == [0, 1, 2]
    for number, one in alone.items():
        assert one.steps == together.results[number].steps
        assert np.array_equal(one.quantiles, together.results[number].quantiles)
        for name, weights in one.weights.items():
            assert np.array_equal(weights, together.results[number].weights[name])


def test_a_task_is_taken_only_when_somebody_is_free(together: Together) -> None:
    assert together.first == [0, 1]


def test_a_training_that_nobody_waits_for_is_stopped(panel: Panel) -> None:
    seen: list[dict[int, Progress]] = []
    with crew.ProcessPool(sequences(panel), 1) as workers:
        endless = workers.run(iter([task(panel, 0, steps=10**6)]), seen.append)
        with pytest.raises(TimeoutError):
            for _ in impatient(endless, seen):
                pass

    assert seen[-1][0].step > 0  # it was under way, and the context was left nevertheless


def impatient(
    results: Iterator[tuple[int, TrainedNetwork]], seen: list[dict[int, Progress]]
) -> Iterator[tuple[int, TrainedNetwork]]:
    """The results, until the first training is seen to have made a step."""

    def give_up(*_: object) -> None:
        if seen and any(at.step > 0 for at in seen[-1].values()):
            raise TimeoutError

    signal.signal(signal.SIGALRM, give_up)
    signal.setitimer(signal.ITIMER_REAL, 0.5, 0.1)
    try:
        yield from results
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def test_a_process_that_is_killed_is_a_failure_with_advice(panel: Panel) -> None:
    import multiprocessing

    def kill(under_way: dict[int, Progress]) -> None:
        if any(at.step > 0 for at in under_way.values()):
            for child in multiprocessing.active_children():
                child.kill()  # SIGKILL, and no failure where it has gone since the last look

    with crew.ProcessPool(sequences(panel), 1) as workers, pytest.raises(TrainingError, match="--members 1"):
        list(workers.run(iter([task(panel, 0, steps=10**6)]), kill))


@pytest.mark.skipif(not Path("/proc").exists(), reason="needs /proc to look for processes")
def test_nobody_trains_on_for_a_process_that_was_killed(data: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "rnncli", "train", str(data), "-H", "6", "--members", "2", "--steps", "1000000"]
    parent = subprocess.Popen(
        [*command, "--hidden", "4", "--checkpoint", "0.0001", "--output", str(tmp_path / "m.rnn")],
        stderr=subprocess.DEVNULL,
    )
    begun = tmp_path / "m.rnn.unfinished"
    waited_for(lambda: len(list(begun.glob("*"))) >= 2)  # both of them train
    children = children_of(parent.pid)

    parent.kill()
    parent.wait()

    assert len(children) >= 2
    assert waited_for(lambda: not any(Path(f"/proc/{child}").exists() for child in children))
    assert list(tmp_path.iterdir()) == [begun]


def children_of(pid: int) -> list[int]:
    """Its processes that train: a resource tracker is no such."""
    found = []
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            lines = dict(line.split(":\t", 1) for line in status.read_text().splitlines() if ":\t" in line)
            command = (status.parent / "cmdline").read_text()
        except OSError:
            continue
        if int(lines["PPid"]) == pid and "spawn_main" in command:
            found.append(int(status.parent.name))
    return found


Found = TypeVar("Found")


def waited_for(look: Callable[[], Found]) -> Found:
    """Return the first truthy result of a function that is called repeatedly, for 5 minutes at most."""
    for _ in range(3000):
        if found := look():
            return found
        time.sleep(0.1)
    raise AssertionError("it never came")
