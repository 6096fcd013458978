"""Workers give the same results wherever they run, end with their block, and report killed processes."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Self, TypeVar

import numpy as np
import pytest
import torch

from rnncli.config import fields
from rnncli.config.sections import Columns, Config, NetworkOptions, Training
from rnncli.errors import TrainingError
from rnncli.model import weights_file
from rnncli.panel import Panel
from rnncli.planning.plan import Plan, make_plan
from rnncli.training import train_model
from rnncli.training.checkpoint import CheckpointFolder
from rnncli.training.network_workers import NetworkCache, NetworkTraining, NetworkWorkers, series_data
from rnncli.training.progress import Progress
from rnncli.training.task import TrainedNetwork, TrainingTask
from rnncli.training.workers import CachedWorkers, Completed, InProcess, ProcessPool, Report
from tests.conftest import hourly
from tests.frames import from_frame

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def panel() -> Panel:
    return from_frame(hourly(), Columns())


@pytest.fixture(scope="module")
def plan(panel: Panel) -> Plan:
    return make_plan(panel, NetworkOptions(horizon=6, hidden=4, context=24), Training())


def task(plan: Plan, seed: int, steps: int = 5) -> TrainingTask:
    split = plan.split
    return TrainingTask(
        *(plan.architecture, plan.inputs, Training(), 24, seed, steps, np.inf),
        *(split.first, split.last, split.validation),
    )


def work(plan: Plan) -> NetworkTraining:
    return NetworkTraining(series_data(plan), CPU)


class ShuffledWorkers:
    """Stands for a cluster: takes several tasks at a time, and completes them in random order."""

    size, speed = 3, 1
    saved_seconds = 0.0

    def __init__(self, plan: Plan) -> None:
        self._work = work(plan)
        self._generator = np.random.default_rng(0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def run(self, tasks: Iterator[TrainingTask], report: Report) -> Iterator[Completed[TrainedNetwork]]:
        running, number = dict[int, TrainingTask](), 0
        while True:
            while len(running) < self.size and (following := next(tasks, None)) is not None:
                running[number] = following
                number += 1
            if not running:
                return
            chosen = int(self._generator.choice(list(running)))
            yield Completed(chosen, self._work(running.pop(chosen), partial(_forward, report, chosen)))


def _forward(report: Report, number: int, progress: Progress) -> None:
    report({number: progress})


def results(workers: NetworkWorkers, tasks: Iterator[TrainingTask]) -> dict[int, TrainedNetwork]:
    with workers:
        return dict(workers.run(tasks, lambda _: None))


def pool(plan: Plan, size: int) -> ProcessPool[TrainingTask, TrainedNetwork]:
    return ProcessPool(work(plan), size, "Use --members 1")


def cached(plan: Plan, folder: CheckpointFolder) -> NetworkWorkers:
    workers: NetworkWorkers = InProcess(work(plan))
    return CachedWorkers(workers, NetworkCache(folder))


def test_a_network_has_the_same_bits_from_all_workers(plan: Plan, tmp_path: Path) -> None:
    folder = CheckpointFolder(tmp_path / "m.rnn.unfinished", 0.0, "")
    expected = results(InProcess(work(plan)), (task(plan, seed) for seed in range(3)))
    others: list[NetworkWorkers] = [
        pool(plan, 2),
        ShuffledWorkers(plan),
        cached(plan, folder),  # stores
        cached(plan, folder),  # finds
    ]

    for workers in others:
        found = results(workers, (task(plan, seed) for seed in range(3)))

        assert sorted(found) == sorted(expected) == [0, 1, 2]
        for number, network in expected.items():
            assert network.best_step == found[number].best_step
            assert np.array_equal(network.quantiles, found[number].quantiles)
            assert network.weights.keys() == found[number].weights.keys()
            for name, weights in network.weights.items():
                assert np.array_equal(weights, found[number].weights[name])


class BusyWorkers(ShuffledWorkers):
    """Stands for a machine on which every network takes a thousand times as long."""

    size = 1

    def run(self, tasks: Iterator[TrainingTask], report: Report) -> Iterator[Completed[TrainedNetwork]]:
        for number, result in super().run(tasks, report):
            yield Completed(number, result._replace(seconds=1000 * result.seconds))


@pytest.mark.parametrize("work_limit", [0.3, 2.0, np.inf])
def test_a_search_and_refit_on_other_workers_gives_the_same_model(
    panel: Panel, work_limit: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(fields.PRESET_SECONDS, "fast", work_limit)
    network, training = NetworkOptions(horizon=6, hidden=4, context=24), Training(preset="fast", steps=10)
    config, chosen = Config(network=network, training=training), make_plan(panel, network, training)
    all_workers: list[NetworkWorkers] = [
        InProcess(work(chosen)),
        ShuffledWorkers(chosen),
        BusyWorkers(chosen),
        pool(chosen, 2),
    ]

    models = [train_model.train(config, chosen, workers, lambda _: None).model for workers in all_workers]

    assert (len(models[0].networks) < 4) == (work_limit < 1)
    assert len({weights_file.encode(model) for model in models}) == 1


def test_cached_workers_run_no_task_twice(plan: Plan, tmp_path: Path) -> None:
    folder = CheckpointFolder(tmp_path / "m.rnn.unfinished", 0.0, "")
    trained: list[int] = []

    class Counting(InProcess[TrainingTask, TrainedNetwork]):
        def run(self, tasks: Iterator[TrainingTask], report: Report) -> Iterator[Completed[TrainedNetwork]]:
            return super().run((trained.append(each.seed) or each for each in tasks), report)  # type: ignore[func-returns-value]  # append returns None

    for seeds in ((0, 1), (0, 1, 2)):
        workers = CachedWorkers(Counting(work(plan)), NetworkCache(folder))
        assert sorted(results(workers, (task(plan, seed) for seed in seeds))) == list(range(len(seeds)))

    assert trained == [0, 1, 2]
    assert workers.saved_seconds > 0


def test_a_task_is_taken_only_when_a_worker_is_free(plan: Plan) -> None:
    taken: list[int] = []

    def tasks() -> Iterator[TrainingTask]:
        for number in range(4):
            taken.append(number)
            yield task(plan, number)

    with pool(plan, 2) as workers:
        next(iter(workers.run(tasks(), lambda _: None)))

        assert taken == [0, 1]


def test_leaving_the_block_stops_a_training_under_way(plan: Plan) -> None:
    seen: list[dict[int, Progress]] = []
    with pool(plan, 1) as workers:
        endless = workers.run(iter([task(plan, 0, steps=10**6)]), seen.append)
        with pytest.raises(TimeoutError):
            for _ in until_begun(endless, seen):
                pass

    assert seen[-1][0].step > 0  # it was under way, and the block ended nevertheless


def until_begun(
    completed: Iterator[Completed[TrainedNetwork]], seen: list[dict[int, Progress]]
) -> Iterator[Completed[TrainedNetwork]]:
    """Yield results, and raise TimeoutError once the first training has made an update."""

    def give_up(*_: object) -> None:
        if seen and any(progress.step > 0 for progress in seen[-1].values()):
            raise TimeoutError

    signal.signal(signal.SIGALRM, give_up)
    signal.setitimer(signal.ITIMER_REAL, 0.5, 0.1)
    try:
        yield from completed
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def test_a_killed_process_is_an_error_with_advice(plan: Plan) -> None:
    import multiprocessing

    def kill(under_way: dict[int, Progress]) -> None:
        if any(progress.step > 0 for progress in under_way.values()):
            for child in multiprocessing.active_children():
                child.kill()  # SIGKILL; no error if the process has ended since

    with pool(plan, 1) as workers, pytest.raises(TrainingError, match="--members 1"):
        list(workers.run(iter([task(plan, 0, steps=10**6)]), kill))


@pytest.mark.skipif(not Path("/proc").exists(), reason="needs /proc to look for processes")
def test_worker_processes_exit_when_their_parent_is_killed(data: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "rnncli", "train", str(data), "-H", "6", "--members", "2", "--steps", "1000000"]
    environment = {**os.environ, "RNNCLI_MEMBERS": "2"}
    parent = subprocess.Popen(
        [*command, "--output", str(tmp_path / "m.rnn")], env=environment, stderr=subprocess.DEVNULL
    )
    children = wait_for(lambda: children_of(parent.pid))

    parent.kill()
    parent.wait()

    assert wait_for(lambda: not any(Path(f"/proc/{child}").exists() for child in children))
    assert list(tmp_path.iterdir()) == []


def children_of(pid: int) -> list[int]:
    """Return the worker processes, without the resource tracker, once there are two."""
    found = []
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            lines = dict(line.split(":\t", 1) for line in status.read_text().splitlines() if ":\t" in line)
            command = (status.parent / "cmdline").read_text()
        except OSError:
            continue
        if int(lines["PPid"]) == pid and "spawn_main" in command:
            found.append(int(status.parent.name))
    return found if len(found) >= 2 else []


Found = TypeVar("Found")


def wait_for(look: Callable[[], Found]) -> Found:
    """Return the first true value of a function; a minute is enough for any machine."""
    for _ in range(600):
        if found := look():
            return found
        time.sleep(0.1)
    raise AssertionError("a minute was not enough")
