"""Time and memory for many series. Wanted: 50,000 series of 200 rows within 3 GB, their windows built in 15 s.

    python tests/benchmarks/scale.py [--series 1000 10000 50000] [--rows 200] [--steps 200] [--rounds 1] [--csv]

build: from the file to windows that can be drawn from, in a process of its own, without its imports
train, forecast: the whole command
"""

# pandas and torch are imported in the children alone: Linux counts what a parent holds as a child's peak too.
import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import NamedTuple

HORIZON = 14


class Cost(NamedTuple):
    """What one run took."""

    seconds: float
    gigabytes: float  # the most memory held at once


def write_table(path: Path, series: int, rows: int) -> None:
    """Synthetic days with a weekly cycle."""
    import numpy as np
    import pyarrow as pa
    from pyarrow import csv, parquet

    days = np.tile(np.arange(rows), series)
    noise = np.random.default_rng(0).normal(size=len(days))
    names = pa.array([f"series-{number:06d}" for number in range(series)])
    table = pa.table(
        {
            "unique_id": names.take(pa.array(np.repeat(np.arange(series), rows))),
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

    from rnncli import choices, panel, tables
    from rnncli.config import Config
    from rnncli.windows import Windows

    start, config = time.perf_counter(), Config()
    network = config.network.model_copy(update={"horizon": HORIZON})
    series = panel.from_frame(tables.read(str(path)), config.columns)
    plan = choices.make(series, network, config.training)
    Windows(series, plan.architecture.context, HORIZON, torch.device("cpu"))
    return Cost(time.perf_counter() - start, gigabytes(resource.getrusage(resource.RUSAGE_SELF)))


def run(*arguments: object) -> Cost:
    """A command of rnncli, which has to succeed."""
    start = time.perf_counter()
    command = [sys.executable, "-m", "rnncli", *map(str, arguments)]
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(command)} failed")
    return Cost(time.perf_counter() - start, gigabytes(usage))


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
    asked = parser.parse_args()
    print(("{:>12}" * 8).format("series", "file MB", *("build s", "GB", "train s", "GB", "forecast s", "GB")))
    for series in asked.series:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            data, model = folder / ("days.csv" if asked.csv else "days.parquet"), folder / "days.rnn"
            apart = ProcessPoolExecutor(1, get_context("spawn"), max_tasks_per_child=1)
            apart.submit(write_table, data, series, asked.rows).result()
            costs = [
                (
                    apart.submit(build, data).result(),
                    run("train", data, "-H", HORIZON, "--steps", asked.steps, "-o", model),
                    run("forecast", model, data, "-o", folder / f"next{data.suffix}"),
                )
                for _ in range(asked.rounds)
            ]
            apart.shutdown()
            figures = [median(figure) for part in zip(*costs, strict=True) for figure in zip(*part, strict=True)]
            print(f"{series:>12}{data.stat().st_size / 1e6:>12.1f}" + "".join(f"{figure:>12.2f}" for figure in figures))


if __name__ == "__main__":
    main()
