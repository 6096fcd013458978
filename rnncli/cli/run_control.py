"""Locks and the time limit of a run: --lock, --lock-wait and --timeout."""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from pathlib import Path
from types import FrameType

from rnncli.cli import console, run_report
from rnncli.config.fields import RunFields
from rnncli.errors import BusyError, RequestError
from rnncli.files import atomic

LOCKING_COMMANDS = ("forecast", "train")  # may lock a file without --lock, and check --lock-wait themselves
GRACE_PERIOD = 10.0  # seconds from the time limit until the process is ended by force


class TimeLimitReached(BaseException):
    """The time limit is reached. Not an Exception, so that no handler of errors catches it."""


@contextmanager
def controlled(command: str, run: RunFields, dry_run: bool = False) -> Iterator[None]:
    """Run the block within --timeout and while holding --lock; with dry_run no file is created.

    Raises BusyError if another run holds the lock or the time limit is reached, RequestError if there can be no lock or
    timer.
    """
    console.configure(run)
    if command not in LOCKING_COMMANDS:
        check_lock_wait(run)
    run_report.configure(command, run, dry_run)
    try:
        with ExitStack() as stack:
            if run.timeout is not None:
                stack.enter_context(_time_limit(run.timeout))
            if run.lock is not None:
                stack.enter_context(locked(Path(run.lock), run.lock_wait or 0.0, dry_run))
            yield
    except TimeLimitReached:
        raise BusyError(f"time limit reached: --timeout {run.timeout:g}s. {run_report.interruption_hint()}") from None


def check_lock_wait(run: RunFields) -> None:
    """Raise RequestError if --lock-wait is set without a lock to wait for."""
    if run.lock_wait is not None and run.lock is None:
        raise RequestError("--lock-wait needs a lock to wait for. Name a file with --lock")


@contextmanager
def locked(path: Path, wait: float = 0.0, dry_run: bool = False) -> Iterator[None]:
    """Hold the lock file at `path` during the block; with dry_run only if the file exists. The lock is re-entrant.

    Raises BusyError if another process holds it for longer than `wait` seconds, RequestError if the file cannot be
    created.
    """
    from filelock import FileLock, Timeout

    atomic.check_writable(path)
    if dry_run and not path.exists():
        yield
        return
    lock = FileLock(path, timeout=wait, is_singleton=True)
    try:
        lock.acquire()
    except Timeout:
        waited = f" (waited {wait:g} s)" if wait else ""
        raise BusyError(f"another run holds {path}{waited}. Try again later, or use --lock-wait 10m") from None
    except OSError as error:
        raise RequestError(f"cannot lock {path}: {error.strerror or error}") from error
    try:
        yield
    finally:
        lock.release()


def locked_file(path: Path | None, wait: float | None, dry_run: bool = False) -> AbstractContextManager[None]:
    """Hold a lock while the file at `path` is read and replaced, so that no other run's change is lost."""
    if path is None:
        return nullcontext()
    atomic.check_writable(path)
    return locked(path.with_name(f"{path.name}.lock"), wait or 0.0, dry_run)


@contextmanager
def _time_limit(seconds: float) -> Iterator[None]:
    """Raise TimeLimitReached in the block after so many seconds; end the process if a library call ignores it."""
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        raise RequestError("--timeout cannot be used here: this system has no interval timers")

    def stop(_signal: int, _frame: FrameType | None) -> None:
        raise TimeLimitReached

    fallback = threading.Timer(seconds + GRACE_PERIOD, _end_process, [seconds])
    fallback.daemon = True
    previous = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    fallback.start()
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
        fallback.cancel()


def _end_process(seconds: float) -> None:
    """Report that the time limit is reached, and exit without waiting for running calls."""
    problem = f"time limit reached: --timeout {seconds:g}s"
    console.error(problem)
    run_report.finish(BusyError.exit_code, problem)
    if sys.stderr is not None:
        sys.stderr.flush()
    os._exit(BusyError.exit_code)
