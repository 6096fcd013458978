"""Mutated files through the command line, in processes that are watched: no traceback, no hang, no memory, no code."""

import multiprocessing
import os
import resource
import signal
import sys
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from rnncli.cli import app
from tests.benchmarks.harm.mutations import hostile_model, mutated_bytes, mutated_text
from tests.benchmarks.harm.processes import Tried, Workplace

WORKERS = 2
LONGEST = 30  # seconds for one file
MOST = 200  # megabytes that one file may take beyond what was held before
ROOM = 4_000_000_000  # bytes a process may take at all, beyond what it has: this machine is to live on


class Case(NamedTuple):
    """A mutated file, what is done with it, and the exit codes that are right."""

    path: Path
    content: bytes
    arguments: list[str]
    codes: tuple[int, ...]


class Found(NamedTuple):
    """What came of a seed."""

    seed: int
    code: int
    problem: str | None
    megabytes: float


def models(place: Workplace, seeds: range) -> list[Tried]:
    """Mutated models; every second one is whole as a file, and then may be a model that forecasts what it likes."""
    content = place.model.read_bytes()
    table = str(place.table)

    def case(seed: int, folder: Path) -> Case:
        chance, path = np.random.default_rng(seed), folder / f"mutant-{seed}.rnn"
        arguments = ["inspect", str(path)] if seed // 2 % 4 == 3 else ["forecast", str(path), table]
        if seed % 2:
            return Case(path, hostile_model(content, chance), arguments, (0, 2, 3, 4))
        return Case(path, mutated_bytes(content, chance), arguments, (4,))

    return _tried("mutated models", place, seeds, case)


def tables(place: Workplace, seeds: range) -> list[Tried]:
    """Mutated tables of three formats, forecast at once or line by line, scored and looked at."""
    frame = pd.read_csv(place.table, parse_dates=["ds"])
    parquet, lines = place.folder / "table.parquet", place.folder / "table.ndjson"
    frame.to_parquet(parquet)
    lines.write_text(frame.assign(ds=frame["ds"].astype(str)).to_json(orient="records", lines=True))
    sources = [place.table, parquet, lines]

    def case(seed: int, folder: Path) -> Case:
        chance, source = np.random.default_rng(seed), sources[seed % 3]
        path, content = folder / f"mutant-{seed}{source.suffix}", source.read_bytes()
        as_text = source != parquet and chance.random() < 0.7
        mutated = mutated_text(content, chance) if as_text else mutated_bytes(content, chance)
        model = str(place.model)
        followed = ["forecast", model, *([] if source == parquet else ["--follow"])]
        commands = (["inspect"], ["forecast", model], followed, ["evaluate", model])
        return Case(path, mutated, [*commands[seed // 3 % 4], str(path)], (0, 3))

    return _tried("mutated tables", place, seeds, case)


def _tried(what: str, place: Workplace, seeds: range, case: Callable[[int, Path], Case]) -> list[Tried]:
    """All seeds, on two processes."""
    workers = [_Worker(place, seeds[number::WORKERS], case) for number in range(WORKERS)]
    with ThreadPoolExecutor(WORKERS) as readers:  # a worker whose pipe is full waits
        found = [one for some in readers.map(_Worker.all, workers) for one in some]
    codes = Counter(one.code for one in found)
    failures = [f"seed {one.seed}: {one.problem}" for one in sorted(found) if one.problem]
    told = ", ".join(f"{count} x {code}" for code, count in sorted(codes.items()))
    return [Tried(what, len(found), failures, f"exit codes {told}; {max(one.megabytes for one in found):.0f} MB")]


class _Worker:
    """A process that works through seeds; where it dies of one, another goes on behind that."""

    def __init__(self, place: Workplace, seeds: range, case: Callable[[int, Path], Case]) -> None:
        self.place, self.case, self.left = place, case, list(seeds)
        self._begin()

    def _begin(self) -> None:
        context = multiprocessing.get_context("fork")
        self.pipe, other = context.Pipe(duplex=False)
        self.process = context.Process(target=_work, args=(self.place, list(self.left), self.case, other), daemon=True)
        self.process.start()
        other.close()

    def all(self) -> list[Found]:
        """What came of them."""
        found: list[Found] = []
        while self.left:
            try:
                found.append(self.pipe.recv())
            except EOFError:
                self.process.join()
                code = self.process.exitcode or 0
                found.append(Found(self.left[0], code, f"the process died: {_named(code)}", 0.0))
                self.left.pop(0)
                self._begin()
                continue
            self.left.pop(0)
        self.process.join()
        return found


def _named(code: int) -> str:
    return signal.Signals(-code).name + (": a hang" if code == -signal.SIGALRM else "") if code < 0 else f"exit {code}"


def _work(place: Workplace, seeds: list[int], case: Callable[[int, Path], Case], pipe: Connection) -> None:
    said, out = (os.open(place.folder / f"{os.getpid()}.{name}", os.O_RDWR | os.O_CREAT) for name in ("said", "out"))
    os.dup2(out, 1)
    os.dup2(said, 2)
    room = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize() + ROOM
    resource.setrlimit(resource.RLIMIT_AS, (room, room))
    os.chdir(place.folder)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    for seed in seeds:
        one = case(seed, place.folder)
        one.path.write_bytes(one.content)
        for file in (said, out):
            os.ftruncate(file, 0)
            os.lseek(file, 0, os.SEEK_SET)
        signal.alarm(LONGEST)
        found = _outcome(seed, one, said, out)
        signal.alarm(0)
        if found.problem and place.keep is not None:
            place.keep.mkdir(exist_ok=True)
            (place.keep / one.path.name).write_bytes(one.content)
        one.path.unlink()
        pipe.send(found)


def _outcome(seed: int, one: Case, said: int, out: int) -> Found:
    Path("/proc/self/clear_refs").write_text("5")  # the peak of memory is counted anew
    before = _megabytes("VmRSS")
    code, problem = 1, None
    try:
        code = app.run(one.arguments)
        sys.stdout.flush()
    except BaseException as error:
        trace = error.__traceback__
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        at = f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace else ""
        problem = f"{one.arguments[0]}: {type(error).__name__} at {at}: {str(error)[:200]}"
    grown = _megabytes("VmHWM") - before
    text = os.pread(said, 100_000, 0).decode(errors="replace")
    if problem is None and code not in one.codes:
        problem = f"{one.arguments[0]}: exit code {code}, not {one.codes}: {text[-200:]}"
    if problem is None and "Traceback" in text:
        problem = f"{one.arguments[0]}: a traceback: {text[-200:]}"
    if problem is None and code and os.fstat(out).st_size and "--follow" not in one.arguments:
        problem = f"{one.arguments[0]}: exit code {code}, and yet something on stdout"
    if problem is None and grown > MOST:
        problem = f"{one.arguments[0]}: {grown:.0f} MB"
    return Found(seed, code, problem, grown)


def _megabytes(name: str) -> float:
    """VmRSS or VmHWM of this process."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name)) / 1000
