"""One run at a time, and no longer than it may take."""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from pathlib import Path
from types import FrameType

from rnncli.cli import console, run_report
from rnncli.config.sections import Run
from rnncli.errors import BusyError, RequestError
from rnncli.files import atomic

LOCKING = ("forecast", "train")  # commands that may hold a lock of their own, and check that themselves
GRACE = 10.0  # seconds to end in order once the time is up


class TimeUp(BaseException):
    """The time is up. No Exception, so that nothing takes it for a failure to recover from."""


@contextmanager
def controlled(command: str, run: Run, dry: bool = False) -> Iterator[None]:
    """Run something within its time, alone if that was asked for; dry: without any file that is left behind.

    Raises BusyError where another run holds the lock or the time is up, RequestError where this cannot be had.
    """
    console.configure(run)
    if command not in LOCKING:
        check_lock_wait(run)
    run_report.configure(command, run, dry)
    try:
        with ExitStack() as stack:
            if run.timeout is not None:
                stack.enter_context(_within(run.timeout))
            if run.lock is not None:
                stack.enter_context(locked(Path(run.lock), run.lock_wait or 0.0, dry))
            yield
    except TimeUp:
        raise BusyError(f"the time is up: --timeout {run.timeout:g}s. {run_report.interruption_hint()}") from None


def check_lock_wait(run: Run) -> None:
    """Raise RequestError if --lock-wait is set without a lock to wait for."""
    if run.lock_wait is not None and run.lock is None:
        raise RequestError("--lock-wait needs a lock to wait for. Name a file with --lock")


@contextmanager
def locked(path: Path, wait: float = 0.0, dry: bool = False) -> Iterator[None]:
    """Hold the lock that the file at `path` is, which whoever holds it may take again; dry: where there is such a file.

    Raises BusyError where another process holds it for longer than `wait` seconds, RequestError where there can be no
    such file.
    """
    from filelock import FileLock, Timeout

    atomic.check_writable(path)
    if dry and not path.exists():
        yield
        return
    lock = FileLock(path, timeout=wait, is_singleton=True)
    try:
        lock.acquire()
    except Timeout:
        waited = f", and still does after {wait:g} s" if wait else ""
        raise BusyError(f"another run holds {path}{waited}. Try again later, or wait with --lock-wait 10m") from None
    except OSError as error:
        raise RequestError(f"cannot lock {path}: {error.strerror or error}") from error
    try:
        yield
    finally:
        lock.release()


def locked_file(path: Path | None, wait: float | None, dry: bool = False) -> AbstractContextManager[None]:
    """Whoever changes the file at `path` after having read it does so alone: of two at once, one would be lost."""
    if path is None:
        return nullcontext()
    atomic.check_writable(path)
    return locked(path.with_name(f"{path.name}.lock"), wait or 0.0, dry)


@contextmanager
def _within(seconds: float) -> Iterator[None]:
    """Raise TimeUp after so many seconds; a call into a library that never comes back is cut off a little later."""
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        raise RequestError("--timeout cannot be had here: this system has no timers")

    def up(_signal: int, _frame: FrameType | None) -> None:
        raise TimeUp

    last = threading.Timer(seconds + GRACE, _cut_off, [seconds])
    last.daemon = True
    before = signal.signal(signal.SIGALRM, up)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    last.start()
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        last.cancel()


def _cut_off(seconds: float) -> None:
    """End this process, whatever it is waiting for."""
    problem = f"the time is up: --timeout {seconds:g}s"
    console.error(problem)
    run_report.finish(BusyError.exit_code, problem)
    if sys.stderr is not None:
        sys.stderr.flush()
    os._exit(BusyError.exit_code)
