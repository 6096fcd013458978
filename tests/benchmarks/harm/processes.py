"""Where the harm is done: commands of rnncli as processes of their own, and the files that they are given.

A process is forked from this one, which has imported everything: what is hit is the work, not the imports.
"""

import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple, NoReturn

import numpy as np
import pandas as pd

from rnncli.cli import app  # noqa: F401 - so that no process imports them again
from rnncli.model import forecast_state, online  # noqa: F401 - so that no process imports them again
from rnncli.training import train_model  # noqa: F401 - so that no process imports them again

QUICK = ("--members", "1", "--steps", "60", "--hidden", "8", "--context", "48", "--season", "24", "-H", "6")
DAYS = 10


class Tried(NamedTuple):
    """A row of the table."""

    what: str
    tried: int
    failures: list[str]
    found: str = ""


class Ended(NamedTuple):
    """A process that is over."""

    code: int  # below zero: killed by that signal
    said: str  # on stderr
    seconds: float


class Workplace(NamedTuple):
    """Files that are only read."""

    folder: Path
    keep: Path | None  # where what failed is kept
    table: Path  # hours of three series
    day: Path  # the day after
    model: Path  # trained on the table
    other: Path  # a model trained on fewer of the rows

    @classmethod
    def furnished(cls, folder: Path, keep: Path | None) -> "Workplace":
        """With a table and two models."""
        folder.chmod(0o755)
        place = cls(folder, keep, *(folder / name for name in ("table.csv", "day.csv", "model.rnn", "other.rnn")))
        write_hours(place.table, range(24 * DAYS))
        write_hours(place.day, range(24 * DAYS, 24 * (DAYS + 1)))
        write_hours(folder / "fewer.csv", range(24 * (DAYS - 2)))
        for table, model in ((place.table, place.model), (folder / "fewer.csv", place.other)):
            ended = run("train", table, *QUICK, "-o", model)
            if ended.code:
                raise SystemExit(f"nothing can be tried: {ended.said}")
        return place


def write_hours(path: Path, hours: range, series: int = 3) -> None:
    """Waves of a day with some noise."""
    steps = np.array(hours)
    noise = np.random.default_rng(hours.start).normal(size=(series, len(steps)))
    values = (np.arange(series)[:, None] + 1) * (10 + 3 * np.sin(2 * np.pi * steps / 24) + 0.3 * noise)
    names = np.repeat([f"s{number}" for number in range(series)], len(steps))
    times = np.tile(np.datetime64("2024-01-01", "s") + 3600 * steps, series)
    pd.DataFrame({"unique_id": names, "ds": times, "y": values.ravel().round(4)}).to_csv(path, index=False)


def start(
    arguments: Sequence[object], said: Path, before: Callable[[], None], stdin: int = -1, stdout: int = -1
) -> int:
    """The number of a process that runs a command of rnncli. before: what it does first."""
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if not child:
        _become(arguments, said, before, stdin, stdout)
    return child


def _become(arguments: Sequence[object], said: Path, before: Callable[[], None], stdin: int, stdout: int) -> NoReturn:
    from rnncli.__main__ import main

    try:
        nothing = os.open(os.devnull, os.O_RDWR)
        os.dup2(nothing if stdin < 0 else stdin, 0)
        os.dup2(nothing if stdout < 0 else stdout, 1)
        os.dup2(os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666), 2)
        os.closerange(3, 256)  # pipes of other processes would stay open
        sys.argv = ["rnncli", *map(str, arguments)]
        before()
        main()
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
    os._exit(1)


def nothing() -> None:
    """What most processes do first."""


def wait(child: int) -> int:
    """The exit code of a process; minus the signal that killed it."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def run(*arguments: object, before: Callable[[], None] = nothing, stdout: int = -1) -> Ended:
    """A command that is left alone."""
    said, began = _apart(), time.monotonic()
    code = wait(start(arguments, said, before, stdout=stdout))
    return Ended(code, _text(said), time.monotonic() - began)


def disturbed(*arguments: object, after: float, harm: Callable[[int], None]) -> Ended:
    """A command that something is done to after so many seconds, if it runs for as long."""
    said, began = _apart(), time.monotonic()
    child = start(arguments, said, nothing)
    while time.monotonic() - began < after:
        if (over := os.waitpid(child, os.WNOHANG))[0]:
            return Ended(os.waitstatus_to_exitcode(over[1]), _text(said), time.monotonic() - began)
        time.sleep(0.0005)
    harm(child)
    return Ended(wait(child), _text(said), time.monotonic() - began)


def kill(child: int) -> None:
    """As the kernel does where memory is short."""
    os.kill(child, signal.SIGKILL)


def at_touches(folder: Path, act: Callable[[int], None]) -> Callable[[], None]:
    """What has a process act whenever it is about to touch files in a folder, told for the how many-th time."""
    count, writing = 0, os.O_WRONLY | os.O_RDWR | os.O_CREAT

    def hook(event: str, given: tuple[object, ...]) -> None:
        nonlocal count
        if event not in ("open", "os.rename", "os.remove", "os.link", "os.mkdir", "os.rmdir", "os.truncate"):
            return
        if event == "open" and not (isinstance(given[2], int) and given[2] & writing):
            return
        if any(str(one).startswith(str(folder)) for one in given):
            count += 1
            act(count)

    return lambda: sys.addaudithook(hook)


def contents(folder: Path) -> dict[str, bytes]:
    """All files of a folder, by their names."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _apart() -> Path:
    said = Path(os.environ.get("TMPDIR", "/tmp")) / f"faults-{os.getpid()}.said"
    said.touch()  # a child may be killed before it opens it
    return said


def _text(said: Path) -> str:
    text = said.read_text(errors="replace")
    said.unlink()
    return text
