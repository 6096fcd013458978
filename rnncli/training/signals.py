"""Deferral of the signals that end a run: SIGINT, SIGTERM, SIGALRM. Knows nothing of the work that is not cut off."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

ENDING = ("SIGINT", "SIGTERM", "SIGALRM")  # not every system has all of them


@contextmanager
def deferred_signals(patience: float | None = None) -> Iterator[None]:
    """A signal that comes within the block takes effect when the block ends without an error.

    patience: seconds after which the signal takes effect within the block; a second signal does so at once. None: both
    wait for the end of the block, whatever comes. Only the main thread can defer signals; in others nothing changes.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = [getattr(signal, name) for name in ENDING if hasattr(signal, name)]
    before = {number: handler for number in numbers if (handler := signal.getsignal(number)) is not None}
    came: list[int] = []
    timers: list[threading.Timer] = []
    ended = False

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def take(number: int, _frame: FrameType | None) -> None:
        if ended or (came and patience is not None):  # ended: another signal may have cut `restore` off
            restore()
            signal.raise_signal(number)
            return
        came.append(number)
        if patience is not None and hasattr(signal, "pthread_kill"):
            # Sent to this thread: the system may give a signal of the process to another, and a write here goes on.
            timers.append(threading.Timer(patience, signal.pthread_kill, [threading.get_ident(), number]))
            timers[0].daemon = True
            timers[0].start()

    for number in before:
        signal.signal(number, take)
    try:
        yield
    finally:
        ended = True
        for timer in timers:
            timer.cancel()
        restore()
    for number in dict.fromkeys(came):
        signal.raise_signal(number)
