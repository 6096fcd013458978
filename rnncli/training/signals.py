"""Defer the signals that end a run: SIGINT, SIGTERM, SIGALRM."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

ENDING = ("SIGINT", "SIGTERM", "SIGALRM")  # not every system has all of them


@contextmanager
def deferred_signals(patience: float | None = None) -> Iterator[None]:
    """Defer signals to the end of the block, if it ends without an error.

    patience: seconds after which a signal takes effect within the block; a second signal does so at once. None: all
    signals wait for the end of the block. Only the main thread can defer signals; in others nothing changes.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = [getattr(signal, name) for name in ENDING if hasattr(signal, name)]
    before = {number: handler for number in numbers if (handler := signal.getsignal(number)) is not None}
    received: list[int] = []
    timers: list[threading.Timer] = []
    ended = False

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def handle(number: int, _frame: FrameType | None) -> None:
        if ended or (received and patience is not None):  # ended: another signal may have interrupted `restore`
            restore()
            signal.raise_signal(number)
            return
        received.append(number)
        if patience is not None and hasattr(signal, "pthread_kill"):
            # Sent to this thread: a signal to the process may reach another one, and would not interrupt a write here.
            timers.append(threading.Timer(patience, signal.pthread_kill, [threading.get_ident(), number]))
            timers[0].daemon = True
            timers[0].start()

    for number in before:
        signal.signal(number, handle)
    try:
        yield
    finally:
        ended = True
        for timer in timers:
            timer.cancel()
        restore()
    for number in dict.fromkeys(received):
        signal.raise_signal(number)
