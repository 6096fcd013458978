"""How soon rnncli answers. Wanted: the help of the program in 1.3 times what `import typer, rich` takes and that of a
command in 1.8 times, a forecast of 400 series in 1.6 times what `import torch` takes, and in 1.3 times without training
of one series.

    python tests/benchmarks/startup.py [--rounds 9]

`rnncli --help` is to import neither torch nor pandas nor pyarrow nor numpy: the last line says which of them it does.
Every command is a process of its own. They take turns, so that noise hits all.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np
import pandas as pd

SERIES, ROWS, HORIZON = 400, 400, 24
HEAVY = {"torch", "pandas", "pyarrow", "numpy"}
RNNCLI = [sys.executable, "-m", "rnncli"]
TORCH = "import torch"
TYPER = "import typer, rich"


def write_tables(folder: Path) -> tuple[Path, Path]:
    """The same synthetic hours as CSV and as Parquet."""
    hours = np.tile(np.arange(ROWS), SERIES)
    noise = np.random.default_rng(0).normal(size=SERIES * ROWS)
    frame = pd.DataFrame(
        {
            "unique_id": np.repeat([f"meter-{number:03d}" for number in range(SERIES)], ROWS),
            "ds": np.datetime64("2024-01-01", "s") + 3600 * hours,
            "y": (10 + 3 * np.sin(2 * np.pi * hours / 24) + noise / 2).round(3),
        }
    )
    text, parquet = folder / "hours.csv", folder / "hours.parquet"
    frame.to_csv(text, index=False)
    frame.to_parquet(parquet)
    return text, parquet


def write_one_series(text: Path) -> Path:
    """The first series alone."""
    path = text.with_name("one.csv")
    path.write_text("".join(text.read_text().splitlines(keepends=True)[: ROWS + 1]))
    return path


def seconds(command: list[str]) -> tuple[float, float]:
    """How long a command takes that has to succeed, and the processor's time for it."""
    before, start = os.times(), time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wall, after = time.perf_counter() - start, os.times()
    return wall, sum(after[2:4]) - sum(before[2:4])  # user and system time of the processes that have ended


def heavy_imports() -> list[str]:
    """Which of the heavy packages `rnncli --help` imports."""
    command = [sys.executable, "-X", "importtime", "-m", "rnncli", "--help"]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stderr.splitlines()
    names = {line.rpartition("|")[2].strip().partition(".")[0] for line in lines}  # "import time: self | all |  name"
    return sorted(HEAVY & names)


def main() -> None:
    """Measure in turns, print a line for each command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as name:
        text, parquet = write_tables(Path(name))
        one = write_one_series(text)
        model = str(Path(name) / "hours.rnn")
        seconds([*RNNCLI, "train", str(parquet), "-H", str(HORIZON), "--steps", "20", "-o", model])
        commands = {
            TORCH: [sys.executable, "-c", TORCH],
            TYPER: [sys.executable, "-c", TYPER],
            "rnncli --help": [*RNNCLI, "--help"],
            "rnncli forecast --help": [*RNNCLI, "forecast", "--help"],
            "without training, 1 series": [*RNNCLI, "forecast", str(one), "-H", str(HORIZON)],
            "rnncli forecast CSV": [*RNNCLI, "forecast", model, str(text)],
            "rnncli forecast Parquet": [*RNNCLI, "forecast", model, str(parquet)],
        }
        for command in commands.values():
            seconds(command)  # files into the page cache
        turns = [{called: seconds(command) for called, command in commands.items()} for _ in range(rounds)]
    print(("{:28}" + "{:>10}" * 6).format("", "median s", "least s", "x torch", "x typer", "CPU s", "x torch"))
    for called in commands:
        wall, processor = zip(*(turn[called] for turn in turns), strict=True)
        torch, typer, torch_processor = (
            median(turn[called][clock] / turn[reference][clock] for turn in turns)
            for reference, clock in ((TORCH, 0), (TYPER, 0), (TORCH, 1))
        )
        figures = median(wall), min(wall), torch, typer, median(processor), torch_processor
        print(f"{called:28}" + "".join(f"{figure:>10.2f}" for figure in figures))
    print(f"rnncli --help imports of {', '.join(sorted(HEAVY))}: {', '.join(heavy_imports()) or 'none'}")


if __name__ == "__main__":
    main()
