"""What the family of encoders and trainings is for: problems that tell one from another.

    python tests/benchmarks/family.py adding [--lengths 10,50,200] [--steps 2000]
    python tests/benchmarks/family.py total --steps 4000
    python tests/benchmarks/family.py long [--steps 2000]
    python tests/benchmarks/family.py chaos
    python tests/benchmarks/family.py sets --data FOLDER [--sets m4_hourly,tourism_monthly] [--preset fast]

adding (Hochreiter and Schmidhuber 1997): the sum of two marked numbers somewhere in a sequence; wanted: LSTM and GRU
learn it at 200 steps, where the vanilla network does not, and why (squared error of always saying 1: 0.167). total:
what came in since the series began, shown so rarely that no window of 64 steps can know it; wanted: an error five
times smaller with the state carried over. long: one series of 100,000 rows whose daily wave slowly grows and shrinks;
wanted: with the state carried over no less accurate than in windows of 64, and what an update takes. chaos: 84 steps
of the Mackey-Glass equation (tau 17) by an echo state network; wanted: a normalised error of 0.01 after less than 10 s
of training. sets: each encoder on real data, in the layout of `accuracy.py`; wanted: all better than seasonal naive.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from accuracy import measure, read, rnncli  # type: ignore[import-not-found]
from torch import Tensor, nn

from rnncli.config.architecture import Architecture
from rnncli.config.sections import Training
from rnncli.diagnostics import gate_activity
from rnncli.diagnostics.measurements import FADED
from rnncli.network import cells
from rnncli.training.optimiser import Optimiser

CELLS = ("lstm", "gru", "rnn", "esn", "tcn", "transformer")
WINDOW = 64  # steps that a network sees, or between cuts of the gradient
AHEAD = 84  # steps of the Mackey-Glass equation, as Jaeger and Haas (2004) score it


class Adder(nn.Module):
    """An encoder that reads numbers and marks, and tells one number from its last output."""

    def __init__(self, design: Architecture) -> None:
        super().__init__()
        self.encoder, self.last = cells.build(design, 2), nn.Linear(design.hidden, 1)

    def forward(self, steps: Tensor) -> Tensor:
        """Steps (B, N, 2) to sums (B,)."""
        return self.last(self.encoder(steps)[0][:, -1]).squeeze(-1)


def sums(size: int, length: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Sequences (B, N, 2) of numbers and marks, one in each half, and the sums of what is marked (B,)."""
    numbers, marks = torch.rand(size, length, generator=generator), torch.zeros(size, length)
    for start, end in ((0, length // 2), (length // 2, length)):
        marks[torch.arange(size), torch.randint(start, end, (size,), generator=generator)] = 1
    return torch.stack([numbers, marks], dim=-1), (numbers * marks).sum(dim=1)


def added(cell: str, length: int, steps: int) -> tuple[float, int, float]:
    """The mean squared error on sequences never seen, after so many steps of 64 sequences each.

    And what the health report tells: how far back the gradient reaches, and the spectral radius of what carries on.
    """
    torch.manual_seed(0)
    fixed = {"horizon": 1, "context": length, "segment": 1, "season": 1, "base": "none", "scale": "spread"}
    chosen = {"since": False, "calendar": False, "layers": 1, "hidden": 64, "decoder": "direct", "cell": cell}
    chosen["remember"] = length if cell == "lstm" else None
    network, generator = Adder(Architecture.model_validate(fixed | chosen)), torch.Generator().manual_seed(0)
    descent = Optimiser(network, Training(learning_rate=3e-3), steps)
    for _ in range(steps):
        read, wanted = sums(64, length, generator)
        descent.step((network(read) - wanted).square().mean())
    read, wanted = sums(1000, length, generator)
    error = (network(read.requires_grad_()) - wanted).square().mean()
    (gradient,) = torch.autograd.grad(error, read)
    lags = gradient.square().sum(dim=-1).mean(dim=0).sqrt().flip(0)  # (N,) the newest first
    reach = int((lags >= FADED * lags.max()).nonzero().max()) + 1
    (weights,) = (one for part, one in gate_activity.recurrent_weights(network.encoder).items() if not part.gate)
    return error.item(), reach, float(torch.linalg.eigvals(weights.double()).abs().max())


def running_total(series: int, rows: int, seed: int) -> pd.DataFrame:
    """Series of what comes in (x) and its total (y), which is shown 66 to 75 steps apart; else y swings between 5, -5.

    shown: 1 where the total is.
    """
    generator, parts = np.random.default_rng(seed), []
    for number in range(series):
        came, shown = generator.choice([-0.5, 0.0, 0.5], rows), np.zeros(rows)
        place = int(generator.integers(5, 70))
        while place < rows:
            shown[place] = 1
            place += int(generator.integers(WINDOW + 2, WINDOW + 12))
        total = np.where(shown > 0, came.cumsum(), 5.0 * (-1) ** np.arange(rows))
        columns = {"unique_id": f"s{number:03}", "ds": np.arange(rows), "y": total, "x": came, "shown": shown}
        parts.append(pd.DataFrame(columns))
    return pd.concat(parts)


def totalled(carried: bool, steps: int, folder: Path) -> float:
    """Mean absolute error of the totals shown in the last 100 rows."""
    every = running_total(300, 500, seed=0)
    every.to_parquet(folder / "all.parquet")
    every[every["ds"] < 400].to_parquet(folder / "train.parquet")
    plain = ("--season", 1, "--base", "none", "--no-bypass", "--no-since", "--no-calendar", "--dropout", 0)
    rnncli(
        *("train", folder / "train.parquet", "-H", 1, "--past", "x", "--weight", "shown", "--metric", "mae", *plain),
        *("--context", WINDOW, "--segment", 1, "--decoder", "direct", "--cell", "rnn", "--activation", "relu"),
        *("--hidden", 32, "--learning-rate", 3e-3, "--batch", 64 if carried else 1024, "--patience", 20),
        *("--scale", "global", *(("--bptt", WINDOW) if carried else ()), "--steps", steps),
        *("--members", 1, "--no-refit", "--output", folder / "m.rnn"),
    )
    rnncli(
        *("evaluate", folder / "m.rnn", folder / "all.parquet", "--windows", 100, "--step", 1),
        *("--output", folder / "made.parquet"),
    )
    made = pd.read_parquet(folder / "made.parquet").merge(every[["unique_id", "ds", "shown"]], on=["unique_id", "ds"])
    made = made[made["shown"] > 0]
    return float((made["y"] - made["rnncli"]).abs().mean())


def long_series(rows: int) -> pd.DataFrame:
    """Hours with a daily wave, whose size goes its own slow way, and noise that lingers."""
    generator = np.random.default_rng(0)
    slow, noise = generator.normal(size=rows), generator.normal(size=rows)
    for row in range(1, rows):
        slow[row] = 0.999 * slow[row - 1] + 0.045 * slow[row]
        noise[row] = 0.8 * noise[row - 1] + noise[row]
    wave = (4 + slow) * np.sin(2 * np.pi * np.arange(rows) / 24)
    return pd.DataFrame({"ds": np.arange(rows), "y": 20 + wave + 0.5 * noise})


def walked(carried: bool, steps: int, folder: Path) -> tuple[float, float, float]:
    """Mean absolute error of 80 forecasts of a day, seconds of the training, and the most memory held in GB."""
    every = long_series(100_000)
    every.to_parquet(folder / "all.parquet")
    every[:-1920].to_parquet(folder / "train.parquet")
    command = [sys.executable, "-m", "rnncli", "train", folder / "train.parquet", "-H", 24, "--season", 24]
    command += ["--context", WINDOW, "--segment", 1, "--decoder", "direct", "--base", "none", "--scale", "global"]
    command += ["--steps", steps, "--members", 1, "--no-refit", "--output", folder / "m.rnn"]
    began = time.time()
    child = subprocess.Popen(
        [str(one) for one in (*command, *(("--bptt", WINDOW) if carried else ()))], stderr=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(child.pid, 0)
    seconds = time.time() - began
    if status:
        raise SystemExit("training failed")
    rnncli(
        *("evaluate", folder / "m.rnn", folder / "all.parquet", "--windows", 80, "--step", 24),
        *("--output", folder / "made.parquet"),
    )
    made = pd.read_parquet(folder / "made.parquet")
    return float((made["y"] - made["rnncli"]).abs().mean()), seconds, usage.ru_maxrss * 1024 / 1e9


def mackey_glass(rows: int, tau: int = 17, fine: int = 10, skipped: int = 1000) -> np.ndarray:
    """Mackey and Glass (1977), by Runge and Kutta's fourth order in steps of a tenth, every tenth of them."""
    delay = tau * fine
    values = np.full((rows + skipped) * fine + delay, 1.2)

    def slope(value: float, late: float) -> float:
        return 0.2 * late / (1 + late**10) - 0.1 * value

    for step in range(delay, len(values)):
        value, late, later = values[step - 1], values[step - delay], values[step - delay + 1]
        half, pace = (late + later) / 2, 1 / fine
        first = slope(value, late)
        second = slope(value + pace / 2 * first, half)
        third = slope(value + pace / 2 * second, half)
        fourth = slope(value + pace * third, later)
        values[step] = value + pace / 6 * (first + 2 * second + 2 * third + fourth)
    return values[delay + skipped * fine :: fine][:rows]


def chaos(folder: Path) -> tuple[float, float]:
    """The error 84 steps ahead over the deviation of the series, and the seconds that training took."""
    every = pd.DataFrame({"ds": np.arange(6000), "y": mackey_glass(6000)})
    every.to_parquet(folder / "all.parquet")
    every[:5000].to_parquet(folder / "train.parquet")
    began = time.time()
    rnncli(
        *("train", folder / "train.parquet", "-H", AHEAD, "--season", 1, "--members", 1, "--no-refit"),
        *("--cell", "esn", "--hidden", 500, "--decoder", "recursive", "--base", "none", "--no-bypass"),
        *("--scale", "global", "--segment", 1, "--context", 300, "--forks", 64, "--output", folder / "m.rnn"),
    )
    seconds = time.time() - began
    rnncli(
        *("evaluate", folder / "m.rnn", folder / "all.parquet", "--windows", 60, "--step", 15),
        *("--output", folder / "made.parquet"),
    )
    made = pd.read_parquet(folder / "made.parquet")
    last = made[made.groupby("cutoff").cumcount() == AHEAD - 1]
    return float(np.sqrt(((last["y"] - last["rnncli"]) ** 2).mean()) / every["y"].std()), seconds


def sets(data: Path, names: list[str], options: list[str]) -> None:
    """Each encoder on each set."""
    print(("{:<20}{:<8}" + "{:>12}" * 2 + "{:>6}").format("set", "cell", "naive", "error", "s"))
    for name in names:
        parts = read(data / name)
        for cell in CELLS:
            row = measure(parts, ["--cell", cell, *options])
            scores = row.scores["SeasonalNaive"], row.scores["rnncli"]
            print(f"{name:<20}{cell:<8.7}{scores[0]:>12.4g}{scores[1]:>12.4g}{row.seconds:>6.0f}", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("problem", choices=("adding", "total", "long", "chaos", "sets"))
    parser.add_argument("--lengths", default="10,50,200")
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--sets", default="m4_hourly,tourism_monthly")
    parser.add_argument("--preset", default="fast")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        if asked.problem == "adding":
            for length in map(int, asked.lengths.split(",")):
                for cell in ("rnn", "lstm", "gru"):
                    error, reach, radius = added(cell, length, asked.steps)
                    told = f"gradient reaches back {reach} of {length} steps, spectral radius {radius:.2f}"
                    print(f"adding {length:>4} {cell:<5}{error:>10.5f}  {told}", flush=True)
        elif asked.problem == "total":
            for carried in (True, False):
                print(f"carried {carried!s:<6}{totalled(carried, asked.steps, Path(place)):>8.3f}", flush=True)
        elif asked.problem == "long":
            for carried in (True, False):
                figures = walked(carried, asked.steps, Path(place))
                print("carried {!s:<6}{:>8.4f}{:>9.1f} s{:>7.2f} GB".format(carried, *figures), flush=True)
        elif asked.problem == "chaos":
            print("normalised error {:.5f}, trained in {:.1f} s".format(*chaos(Path(place))))
        else:
            sets(asked.data, asked.sets.split(","), ["--preset", asked.preset])
