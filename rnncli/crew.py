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

from rnncli import training
from rnncli.errors import TrainingError
from rnncli.training import Progress, Task, Trained
from rnncli.windows import Sequences

GLANCE = 0.2  # seconds between looks at how far everybody is

Report = Callable[[dict[int, Progress]], None]  # task number to how far it is, of those under way


class Crew(Protocol):
    """Trains networks. To be left with `with`, so that nobody goes on working."""

    size: int

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def run(self, tasks: Iterator[Task], report: Report) -> Iterator[tuple[int, Trained]]:
        """Each task's number, from 0, with what came of it, as they are done; a task is taken when somebody is free."""
        ...


class Alone:
    """One after another, in this process."""

    size = 1

    def __init__(self, data: Sequences, device: torch.device) -> None:
        self.data, self.device = data, device

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def run(self, tasks: Iterator[Task], report: Report) -> Iterator[tuple[int, Trained]]:
        """See Crew."""
        for number, task in enumerate(tasks):

            def tell(at: Progress, number: int = number) -> None:
                report({number: at})

            yield number, training.run(task, self.data, self.device, tell)


class Processes:
    """Several at once, on processor cores."""

    def __init__(self, data: Sequences, size: int) -> None:
        self.size = size
        # Started afresh: a fork would inherit the locks of threads that it does not inherit.
        context = multiprocessing.get_context("spawn")
        self._stop = context.Event()
        self._seen = context.RawArray("d", size * len(Progress._fields))
        self._pool = ProcessPoolExecutor(size, context, _begin, (data, self._stop, self._seen))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._stop.set()
        if kind is not None:  # whoever is waited for may still be importing: nothing is lost with them
            for process in multiprocessing.active_children():
                process.kill()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def run(self, tasks: Iterator[Task], report: Report) -> Iterator[tuple[int, Trained]]:
        """See Crew. Raises TrainingError where a process was killed."""
        waiting, working, free = enumerate(tasks), dict[Future[Trained], tuple[int, int]](), list(range(self.size))
        while True:
            while free and (taken := next(waiting, None)) is not None:
                number, task = taken
                place = free.pop()
                self._write(place, Progress(0, task.steps, float("nan"), float("nan")))
                with _interrupts_held_back():
                    working[self._pool.submit(_work, task, place)] = number, place
            if not working:
                return
            done, _ = wait(working, timeout=GLANCE, return_when=FIRST_COMPLETED)
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


def gather(data: Sequences, device: torch.device, size: int) -> Crew:
    """So many workers where the processor computes; one for a GPU, which is shared badly."""
    return Alone(data, device) if size == 1 or device.type != "cpu" else Processes(data, size)


@contextmanager
def _interrupts_held_back() -> Iterator[None]:
    """Ctrl-C goes to every process of the terminal; those started here leave it to the one that started them.

    A process inherits which signals are held back. Here one that comes meanwhile, or that the time is up, is taken
    afterwards: it may reach any thread, so holding it back in this one would not keep it from ending the start of a
    process half way.
    """
    if not hasattr(signal, "pthread_sigmask") or threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    ending = (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)
    handlers = {one: signal.signal(one, lambda number, _frame: came.append(number)) for one in ending}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        for one, handler in handlers.items():
            signal.signal(one, handler)
    for number in dict.fromkeys(came):
        signal.raise_signal(number)


class _Stop(Exception):  # noqa: N818 - nothing went wrong
    """There is no use any more for what is being trained."""


_here: dict[str, Any] = {}  # what a worker was started with


def _begin(data: Sequences, stop: Any, seen: Any) -> None:
    """What a worker does first."""
    _here.update(data=data, stop=stop, seen=seen)
    torch.set_num_threads(1)
    threading.Thread(target=_leave_with_parent, daemon=True).start()


def _leave_with_parent() -> None:
    """Nobody trains for a process that was killed."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _work(task: Task, place: int) -> Trained:
    def report(at: Progress) -> None:
        _note(_here["seen"], place, at)
        if _here["stop"].is_set():
            raise _Stop

    return training.run(task, _here["data"], torch.device("cpu"), report)


def _note(seen: Any, place: int, at: Progress) -> None:
    width = len(Progress._fields)
    seen[place * width : (place + 1) * width] = [float(value) for value in at]
