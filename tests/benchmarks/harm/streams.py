"""A long stream: every row has its forecasts, and memory stays as it is."""

import os
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import numpy as np

from tests.benchmarks.harm.processes import QUICK, Tried, Workplace, nothing, run, start, wait

SERIES, HORIZON = 1000, 2
GROWTH = 1.1  # of memory, from the second fifth of the time to the last, at most


def run_each(place: Workplace, seeds: range) -> list[Tried]:
    """As many rows as there are seeds."""
    steps = max(5, len(seeds) // SERIES)
    model = place.folder / "stream.rnn"
    ended = run("train", place.table, *QUICK[:-1], HORIZON, "-o", model)
    if ended.code:
        raise SystemExit(f"nothing can be streamed: {ended.said}")
    (read, write), (out, back), said = os.pipe(), os.pipe(), place.folder / "stream.said"
    child = start(["forecast", model, "-", "--follow"], said, nothing, read, back)
    os.close(read)
    os.close(back)
    began = time.monotonic()
    writer = threading.Thread(target=_send, args=(write, _lines(steps)), daemon=True)
    writer.start()
    counts, memory = _received(out, child)
    code, seconds = wait(child), time.monotonic() - began
    failures = [] if code == 0 else [f"exit code {code}: {said.read_text()[-300:]}"]
    rows = steps * SERIES
    wrong = {name: count for name, count in counts.items() if count != steps * HORIZON}
    if len(counts) != SERIES or wrong:
        failures.append(f"{counts.total()} forecasts, {rows * HORIZON} wanted; of {len(wrong)} series more or fewer")
    early, late = _median_of(memory, 0.2, 0.4), _median_of(memory, 0.8, 1.0)
    if late > GROWTH * early:
        failures.append(f"memory grew from {early:.0f} to {late:.0f} MB")
    found = f"{rows / seconds:.0f} rows/s, {early:.0f} then {late:.0f} MB"
    return [Tried(f"--follow, rows of {SERIES} series", rows, failures, found)]


def _lines(steps: int) -> Iterator[bytes]:
    """A header, then a step of all series at a time."""
    yield b"unique_id,ds,y\n"
    phases = 2 * np.pi * np.arange(SERIES) / 24
    for step in range(steps):
        when = str(np.datetime64("2024-01-01", "s") + 3600 * step)
        values = 10 + 3 * np.sin(2 * np.pi * step / 24 + phases)
        yield "".join(f"meter-{number},{when},{value:.4f}\n" for number, value in enumerate(values)).encode()


def _send(pipe: int, parts: Iterator[bytes]) -> None:
    with os.fdopen(pipe, "wb", buffering=0) as stream:
        for part in parts:
            while part:
                part = part[stream.write(part) :]


def _received(pipe: int, child: int) -> tuple[Counter[bytes], list[float]]:
    """Forecasts of each series, and the megabytes that were held as they came."""
    counts: Counter[bytes] = Counter()
    memory, looked = list[float](), 0.0
    with os.fdopen(pipe, "rb", buffering=1 << 20) as stream:
        stream.readline()
        for line in stream:
            counts[line[: line.index(b",")]] += 1
            if time.monotonic() - looked > 0.2:
                memory.append(_megabytes(child))
                looked = time.monotonic()
    return counts, memory


def _megabytes(process: int) -> float:
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def _median_of(figures: list[float], start: float, end: float) -> float:
    part = figures[int(start * len(figures)) : max(int(end * len(figures)), 1)]
    return median(part or figures)
