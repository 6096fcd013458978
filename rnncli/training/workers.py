"""Run tasks in this process or in several, and yield each result when it is complete.

The caller defines what a task is, and the work that returns its result.
"""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.context import SpawnContext
from types import TracebackType
from typing import Any, Generic, NamedTuple, Protocol, Self, TypeVar

from rnncli.errors import TrainingError
from rnncli.training.progress import Progress
from rnncli.training.signals import deferred_signals

POLL_SECONDS = 0.2  # between two reports of the progress in other processes

Task = TypeVar("Task")
Result = TypeVar("Result")
TaskIn = TypeVar("TaskIn", contravariant=True)
ResultOut = TypeVar("ResultOut", covariant=True)

Report = Callable[[dict[int, Progress]], None]  # receives the progress of tasks under way, by their numbers


class Completed(NamedTuple, Generic[ResultOut]):
    """A result and the number of its task: 0 for the first."""

    number: int
    result: ResultOut


class Work(Protocol[TaskIn, ResultOut]):
    """Turns a task into a result. The same task gives the same result on every worker."""

    def __call__(self, task: TaskIn, report: Callable[[Progress], None]) -> ResultOut:
        """Return the result, and report progress meanwhile."""
        ...


class Workers(Protocol[TaskIn, ResultOut]):
    """Runs tasks, on one machine or on many. To be used in a `with` block, which ends all work under way."""

    @property
    def size(self) -> int:
        """Tasks that run at the same time."""
        ...

    @property
    def speed(self) -> int:
        """Cores of a CPU that each of them replaces, about."""
        ...

    @property
    def saved_seconds(self) -> float:
        """Working time that results of an earlier run have saved."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def run(self, tasks: Iterator[TaskIn], report: Report) -> Iterator[Completed[ResultOut]]:
        """Yield the results in any order. A task is taken from the iterator only when a worker is free for it."""
        ...


class InProcess(Generic[Task, Result]):
    """Runs one task after another in this process."""

    size = 1
    saved_seconds = 0.0

    def __init__(self, work: Work[Task, Result], speed: int = 1) -> None:
        self._work, self.speed = work, speed

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def run(self, tasks: Iterator[Task], report: Report) -> Iterator[Completed[Result]]:
        """See Workers."""
        for number, task in enumerate(tasks):

            def forward(progress: Progress, number: int = number) -> None:
                report({number: progress})

            yield Completed(number, self._work(task, forward))


class _ProgressBoard:
    """Progress of several tasks in memory that processes share."""

    WIDTH = len(Progress._fields)

    def __init__(self, context: SpawnContext, slots: int) -> None:
        self._values = context.RawArray("d", slots * self.WIDTH)

    def clear(self, slot: int) -> None:
        self.write(slot, Progress(-1, 0, 0.0, 0.0))

    def write(self, slot: int, progress: Progress) -> None:
        self._values[slot * self.WIDTH : (slot + 1) * self.WIDTH] = [float(value) for value in progress]

    def read(self, slot: int) -> Progress | None:
        """Return the progress in a slot; None if it was cleared."""
        step, steps, loss, validation = self._values[slot * self.WIDTH : (slot + 1) * self.WIDTH]
        return None if step < 0 else Progress(int(step), int(steps), loss, validation)


class _Assignment(NamedTuple):
    """A task under way."""

    number: int
    slot: int  # of its progress


class ProcessPool(Generic[Task, Result]):
    """Runs tasks in several processes of this machine."""

    speed = 1
    saved_seconds = 0.0

    def __init__(self, work: Work[Task, Result], size: int, advice: str = "") -> None:
        """advice: what to change if a process is killed."""
        self.size, self._advice = size, advice
        # Spawned: a forked process would inherit locks held by threads that it does not inherit.
        context = multiprocessing.get_context("spawn")
        self._stop = context.Event()
        self._board = _ProgressBoard(context, size)
        self._pool = ProcessPoolExecutor(size, context, _set_up_process, (_Process(work, self._stop, self._board),))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._stop.set()
        if kind is not None:  # a process may still be importing modules, and nothing is lost with it
            for process in multiprocessing.active_children():
                process.kill()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def run(self, tasks: Iterator[Task], report: Report) -> Iterator[Completed[Result]]:
        """See Workers. Raise TrainingError if a process was killed."""
        numbered, running, free = enumerate(tasks), dict[Future[Result], _Assignment](), list(range(self.size))
        while True:
            while free and (following := next(numbered, None)) is not None:
                number, task = following
                slot = free.pop()
                self._board.clear(slot)
                with deferred_signals(), _interrupts_blocked():  # no process is left half started
                    running[self._pool.submit(_run_task, task, slot)] = _Assignment(number, slot)
            if not running:
                return
            done, _ = wait(running, timeout=POLL_SECONDS, return_when=FIRST_COMPLETED)
            progress = {number: self._board.read(slot) for number, slot in running.values()}
            report({number: newest for number, newest in progress.items() if newest is not None})
            for future in done:
                number, slot = running.pop(future)
                free.append(slot)
                yield Completed(number, self._result(future))

    def _result(self, future: Future[Result]) -> Result:
        try:
            return future.result()
        except BrokenProcessPool as error:
            advice = f". {self._advice}" if self._advice else ""
            raise TrainingError(f"a worker process was killed, probably for lack of memory{advice}") from error


class Timed(Protocol):
    """A result that knows how long its work took."""

    @property
    def seconds(self) -> float:
        """Working time."""
        ...


TimedResult = TypeVar("TimedResult", bound=Timed)


class Cache(Protocol[TaskIn, Result]):
    """Keeps results from one run to the next."""

    def find(self, task: TaskIn) -> Result | None:
        """Return the result of the task, if it was stored."""
        ...

    def store(self, task: TaskIn, result: Result) -> None:
        """Store a result. A failure to do so is no error."""
        ...


class CachedWorkers(Generic[Task, TimedResult]):
    """Workers that run only the tasks whose results are not in a cache."""

    def __init__(self, workers: Workers[Task, TimedResult], cache: Cache[Task, TimedResult]) -> None:
        self.size, self.speed, self.saved_seconds = workers.size, workers.speed, 0.0
        self._workers, self._cache = workers, cache

    def __enter__(self) -> Self:
        self._workers.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._workers.__exit__(kind, error, trace)

    def run(self, tasks: Iterator[Task], report: Report) -> Iterator[Completed[TimedResult]]:
        """See Workers. Cached results come last."""
        numbers, given, cached = list[int](), list[Task](), list[Completed[TimedResult]]()

        def uncached() -> Iterator[Task]:
            for number, task in enumerate(tasks):
                if (result := self._cache.find(task)) is not None:
                    self.saved_seconds += result.seconds / self.size
                    cached.append(Completed(number, result))
                    continue
                numbers.append(number)
                given.append(task)
                yield task

        def forward(progress: dict[int, Progress]) -> None:
            report({numbers[index]: newest for index, newest in progress.items()})

        for index, result in self._workers.run(uncached(), forward):
            self._cache.store(given[index], result)
            yield Completed(numbers[index], result)
        yield from cached


@contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """Let processes started here ignore Ctrl-C, which the terminal sends to all of them; the parent handles it."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class _Stop(Exception):  # noqa: N818 - not an error
    """Nobody waits for the result any more."""


class _Process(NamedTuple):
    """Data of a worker process."""

    work: Work[Any, Any]
    stop: Any  # the event that ends all work
    board: _ProgressBoard


_process: _Process | None = None  # in a worker process only: a pool passes tasks to functions of a module


def _set_up_process(process: _Process) -> None:
    global _process
    _process = process
    threading.Thread(target=_exit_with_parent, daemon=True).start()


def _exit_with_parent() -> None:
    """Exit when the parent process dies."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _run_task(task: Any, slot: int) -> Any:
    assert _process is not None
    work, stop, board = _process

    def report(progress: Progress) -> None:
        board.write(slot, progress)
        if stop.is_set():
            raise _Stop

    return work(task, report)
