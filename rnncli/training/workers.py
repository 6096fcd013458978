"""Who trains: this process alone, or processes of one thread each. Knows nothing of what is trained, or why.

Small networks leave a second thread waiting most of the time; a second process does not.
"""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Protocol, Self

import torch

from rnncli.errors import TrainingError
from rnncli.model.card import LearningCurve
from rnncli.training import checkpoint, train_network
from rnncli.training.checkpoint import CheckpointFolder
from rnncli.training.loop import Progress
from rnncli.training.signals import deferred_signals
from rnncli.training.train_network import TrainedNetwork, TrainingTask
from rnncli.windows.windows import SeriesData

POLL_SECONDS = 0.2  # seconds between looks at how far everybody is

Report = Callable[[dict[int, Progress]], None]  # task number to how far it is, of those under way


class Workers(Protocol):
    """Trains networks. To be left with `with`, so that nobody goes on working."""

    size: int
    recalled: float  # seconds that the networks took which an earlier run had trained already

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def run(self, tasks: Iterator[TrainingTask], report: Report) -> Iterator[tuple[int, TrainedNetwork]]:
        """Each task's number, from 0, with what came of it, as they are done; a task is taken when somebody is free."""
        ...


class InProcess:
    """One after another, in this process."""

    size = 1

    recalled = 0.0

    def __init__(self, data: SeriesData, device: torch.device, folder: CheckpointFolder | None = None) -> None:
        self.data, self.device, self.folder = data, device, folder

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def run(self, tasks: Iterator[TrainingTask], report: Report) -> Iterator[tuple[int, TrainedNetwork]]:
        """See Crew."""
        for number, task in enumerate(tasks):

            def tell(at: Progress, number: int = number) -> None:
                report({number: at})

            keeper = checkpoint.network_checkpoint(self.folder, task.name)
            yield number, train_network.train(task, self.data, self.device, tell, keeper)


class ProcessPool:
    """Several at once, on processor cores."""

    recalled = 0.0

    def __init__(self, data: SeriesData, size: int, folder: CheckpointFolder | None = None) -> None:
        self.size = size
        # Started afresh: a fork would inherit the locks of threads that it does not inherit.
        context = multiprocessing.get_context("spawn")
        self._stop = context.Event()
        self._seen = context.RawArray("d", size * len(Progress._fields))
        self._pool = ProcessPoolExecutor(size, context, _begin, (data, self._stop, self._seen, folder))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._stop.set()
        if kind is not None:  # whoever is waited for may still be importing: nothing is lost with them
            for process in multiprocessing.active_children():
                process.kill()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def run(self, tasks: Iterator[TrainingTask], report: Report) -> Iterator[tuple[int, TrainedNetwork]]:
        """See Crew. Raises TrainingError where a process was killed."""
        waiting, working, free = (
            enumerate(tasks),
            dict[Future[TrainedNetwork], tuple[int, int]](),
            list(range(self.size)),
        )
        while True:
            while free and (taken := next(waiting, None)) is not None:
                number, task = taken
                place = free.pop()
                self._write(place, Progress(0, task.steps, float("nan"), float("nan")))
                with deferred_signals(), _interrupts_left_to_parent():  # no process is left half started
                    working[self._pool.submit(_work, task, place)] = number, place
            if not working:
                return
            done, _ = wait(working, timeout=POLL_SECONDS, return_when=FIRST_COMPLETED)
            report({number: self._read(place) for number, place in working.values()})
            for future in done:
                number, place = working.pop(future)
                free.append(place)
                try:
                    trained = future.result()
                except BrokenProcessPool as error:
                    raise TrainingError(
                        "a process that trained was killed, most likely for want of memory. "
                        "Use --members 1, or a smaller --batch, --hidden or --context"
                    ) from error
                yield number, trained

    def _write(self, place: int, at: Progress) -> None:
        _note(self._seen, place, at)

    def _read(self, place: int) -> Progress:
        width = len(Progress._fields)
        step, steps, loss, validation = self._seen[place * width : (place + 1) * width]
        return Progress(int(step), int(steps), loss, validation)


class CachedWorkers:
    """A crew that trains nothing twice: what a run before this one had done is taken from its folder."""

    def __init__(self, crew: Workers, folder: CheckpointFolder) -> None:
        self.size, self.recalled, self._crew, self._folder = crew.size, 0.0, crew, folder

    def __enter__(self) -> Self:
        self._crew.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._crew.__exit__(kind, error, trace)

    def run(self, tasks: Iterator[TrainingTask], report: Report) -> Iterator[tuple[int, TrainedNetwork]]:
        """See Crew."""
        numbers, names, known = list[int](), list[str](), list[tuple[int, TrainedNetwork]]()

        def unknown() -> Iterator[TrainingTask]:
            for number, task in enumerate(tasks):
                named = task._replace(name=self._folder.name(task._replace(limit=0.0)))
                if (done := self._folder.done(named.name)) is not None:
                    trained = TrainedNetwork(**done | {"course": LearningCurve.model_validate(done["course"])})
                    self.recalled += trained.seconds / self.size
                    known.append((number, trained))
                    continue
                numbers.append(number)
                names.append(named.name)
                yield named

        def tell(under_way: dict[int, Progress]) -> None:
            report({numbers[place]: at for place, at in under_way.items()})

        for place, trained in self._crew.run(unknown(), tell):
            self._folder.keep(names[place], trained._asdict() | {"course": trained.course.model_dump()})
            yield numbers[place], trained
        yield from known


def gather(data: SeriesData, device: torch.device, size: int, folder: CheckpointFolder | None = None) -> Workers:
    """So many workers where the processor computes; one for a GPU, which is shared badly.

    folder: where they keep what they have done, until all is done.
    """
    alone = size == 1 or device.type != "cpu"
    crew: Workers = InProcess(data, device, folder) if alone else ProcessPool(data, size, folder)
    return crew if folder is None else CachedWorkers(crew, folder)


@contextmanager
def _interrupts_left_to_parent() -> Iterator[None]:
    """Ctrl-C goes to every process of the terminal; those started here inherit that they do not receive it."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class _Stop(Exception):  # noqa: N818 - nothing went wrong
    """There is no use any more for what is being trained."""


_here: dict[str, Any] = {}  # what a worker was started with


def _begin(data: SeriesData, stop: Any, seen: Any, folder: CheckpointFolder | None) -> None:
    """What a worker does first."""
    _here.update(data=data, stop=stop, seen=seen, folder=folder)
    torch.set_num_threads(1)
    threading.Thread(target=_leave_with_parent, daemon=True).start()


def _leave_with_parent() -> None:
    """Nobody trains for a process that was killed."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _work(task: TrainingTask, place: int) -> TrainedNetwork:
    def report(at: Progress) -> None:
        _note(_here["seen"], place, at)
        if _here["stop"].is_set():
            raise _Stop

    keeper = checkpoint.network_checkpoint(_here["folder"], task.name)
    return train_network.train(task, _here["data"], torch.device("cpu"), report, keeper)


def _note(seen: Any, place: int, at: Progress) -> None:
    width = len(Progress._fields)
    seen[place * width : (place + 1) * width] = [float(value) for value in at]
