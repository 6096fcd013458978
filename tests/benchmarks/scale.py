"""Time and memory for many series. Wanted: 50,000 series of 200 rows within 3 GB, their windows built in 15 s.

    python tests/benchmarks/scale.py [--series 1000 10000 50000] [--rows 200] [--steps 200] [--rounds 1] [--csv]
    python tests/benchmarks/scale.py --folder --series 100000 --preset fast       wanted: within 2 GB
    python tests/benchmarks/scale.py --folder --series 100000 --preset fast --memory 50MB
    python tests/benchmarks/scale.py --reading --series 50000 --rounds 5          wanted: at most 3 times read_csv

build: from the file to windows that can be drawn from, in a process of its own, without its imports
train, forecast: the whole command with all of its processes; --folder writes Parquet files of 1000 series each
reading: a CSV file to series that are checked, beside pyarrow's bare read_csv, in turns, a process each
own GB: of the memory that training held what the system cannot take back: all but the pages of files
"""

# pandas and torch are imported in the children alone: Linux counts what a parent holds as a child's peak too.
import argparse
import resource
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import NamedTuple

HORIZON = 14


class Cost(NamedTuple):
    """What one run took."""

    seconds: float
    gigabytes: float  # the most memory held at once


class Held(NamedTuple):
    """The memory of some processes, in gigabytes; what they share is counted once."""

    all: float
    own: float  # without the pages of files, which the system takes back where it needs them


def write_tables(path: Path, series: int, rows: int) -> None:
    """One file, or a folder of them, partitioned by region."""
    if path.suffix:
        write_table(path, range(series), rows)
        return
    for number, first in enumerate(range(0, series, 1000)):
        part = path / f"region={number:03d}" / "part.parquet"
        part.parent.mkdir(parents=True)
        write_table(part, range(first, min(first + 1000, series)), rows)


def write_table(path: Path, series: range, rows: int) -> None:
    """Synthetic days with a weekly cycle."""
    import numpy as np
    import pyarrow as pa
    from pyarrow import csv, parquet

    days = np.tile(np.arange(rows), len(series))
    noise = np.random.default_rng(series.start).normal(size=len(days))
    names = pa.array([f"series-{number:06d}" for number in series])
    table = pa.table(
        {
            "unique_id": names.take(pa.array(np.repeat(np.arange(len(series)), rows))),
            "ds": pa.array(np.datetime64("2024-01-01") + days),
            "y": (20 + 5 * np.sin(2 * np.pi * days / 7) + noise).round(3),
        }
    )
    if path.suffix == ".csv":
        csv.write_csv(table, path)
    else:
        parquet.write_table(table, path)


def build(path: Path) -> Cost:
    """From the file to windows."""
    import torch

    from rnncli.config.sections import Config
    from rnncli.panel.ingest import chunked
    from rnncli.planning import plan as choices
    from rnncli.tables import reading
    from rnncli.windows.windows import Windows

    start, config = time.perf_counter(), Config()
    network = config.network.model_copy(update={"horizon": HORIZON})
    source, columns = str(path), config.columns
    series = chunked.from_parts(reading.read_parts(source), lambda: reading.read(source), columns)
    plan = choices.make_plan(series, network, config.training)
    Windows(series, plan.architecture.context, HORIZON, torch.device("cpu"))
    return Cost(time.perf_counter() - start, gigabytes(resource.getrusage(resource.RUSAGE_SELF)))


def checked(path: Path) -> float:
    """Seconds from a file to series that are checked."""
    from rnncli.config.sections import Columns
    from rnncli.panel.ingest import chunked
    from rnncli.tables import reading

    start = time.perf_counter()
    chunked.from_parts(reading.read_parts(str(path)), lambda: reading.read(str(path)), Columns())
    return time.perf_counter() - start


def bare(path: Path) -> float:
    """Seconds from a file to columns."""
    from pyarrow import csv

    start = time.perf_counter()
    csv.read_csv(path)
    return time.perf_counter() - start


def reading(series: int, rows: int, rounds: int) -> None:
    """Both ways to read a CSV file, in turns."""
    apart = ProcessPoolExecutor(1, get_context("spawn"), max_tasks_per_child=1)
    with tempfile.TemporaryDirectory() as folder, apart:
        path = Path(folder) / "days.csv"
        apart.submit(write_tables, path, series, rows).result()
        times = [(apart.submit(checked, path).result(), apart.submit(bare, path).result()) for _ in range(rounds)]
    for number, (ours, theirs) in enumerate(sorted(times, key=lambda pair: pair[0] / pair[1])):
        middle = "  (median)" if number == rounds // 2 else ""
        print(f"checked {ours:.2f} s, read_csv {theirs:.2f} s, ratio {ours / theirs:.2f}{middle}")


def run(*arguments: object) -> tuple[Cost, float]:
    """A command of rnncli, which has to succeed, and the most memory of its own that it held."""
    start = time.perf_counter()
    command = [sys.executable, "-m", "rnncli", *map(str, arguments)]
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    held, own = 0.0, 0.0
    while child.poll() is None:
        now = held_by(child.pid)
        held, own = max(held, now.all), max(own, now.own)
        time.sleep(0.1)
    if child.returncode:
        raise SystemExit(f"{' '.join(command)} failed")
    return Cost(time.perf_counter() - start, held), own


def held_by(process: int) -> Held:
    """What a process and those it started hold now. Linux alone."""
    total, files, waiting = 0, 0, [process]
    while waiting:
        number = waiting.pop()
        with suppress(OSError):  # it may have ended meanwhile
            lines = Path(f"/proc/{number}/smaps_rollup").read_text().splitlines()
            total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
            files += sum(int(line.split()[1]) for line in lines if line.startswith("Pss_File:"))
            for task in Path(f"/proc/{number}/task").iterdir():
                waiting += [int(child) for child in (task / "children").read_text().split()]
    return Held(total * 1024 / 1e9, (total - files) * 1024 / 1e9)


def gigabytes(usage: resource.struct_rusage) -> float:
    """The peak of memory; Linux counts it in KiB, macOS in bytes."""
    return usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e9


def main() -> None:
    """Measure each size and print a line for it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--series", type=int, nargs="+", default=[1000, 10_000, 50_000])
    parser.add_argument("--rows", type=int, default=200)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--csv", action="store_true", help="CSV instead of Parquet")
    parser.add_argument("--folder", action="store_true", help="a folder of files instead of one")
    parser.add_argument("--preset", help="of the training, in place of --steps")
    parser.add_argument("--memory", help="of the training")
    parser.add_argument("--reading", action="store_true", help="reading a CSV file alone")
    asked = parser.parse_args()
    if asked.reading:
        for series in asked.series:
            reading(series, asked.rows, asked.rounds)
        return
    training = ["--preset", asked.preset] if asked.preset else ["--steps", asked.steps]
    training += ["--memory", asked.memory] if asked.memory else []
    titles = ("series", "file MB", "build s", "GB", "train s", "GB", "own GB", "forecast s", "GB")
    print(("{:>12}" * len(titles)).format(*titles))
    for series in asked.series:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            name = "days" if asked.folder else "days.csv" if asked.csv else "days.parquet"
            data, model = folder / name, folder / "days.rnn"
            apart = ProcessPoolExecutor(1, get_context("spawn"), max_tasks_per_child=1)
            apart.submit(write_tables, data, series, asked.rows).result()
            rounds = []
            for _ in range(asked.rounds):
                built = apart.submit(build, data).result()
                to_train = ("-H", HORIZON, "--id", "unique_id", "--target", "y", *training)
                trained, own = run("train", data, *to_train, "-o", model)
                made, _ = run("forecast", model, data, "-o", folder / f"next{data.suffix or '.parquet'}")
                rounds.append((*built, *trained, own, *made))
            apart.shutdown()
            figures = [median(figure) for figure in zip(*rounds, strict=True)]
            size = sum(path.stat().st_size for path in (data.rglob("*.parquet") if asked.folder else [data])) / 1e6
            print(f"{series:>12}{size:>12.1f}" + "".join(f"{figure:>12.2f}" for figure in figures))


if __name__ == "__main__":
    main()
