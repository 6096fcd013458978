"""A training step of rnncli beside the same network in a bare PyTorch loop. Wanted: at most 1.25 times as long.

    python tests/benchmarks/training_step.py [--threads 1] [--rounds 40] [--scale log]

rnncli's step is all that `training.fit` does a step: draw, gather, scale, forward, backward, clip, update, schedule,
average. The bare loop gets its inputs at unit scale, in memory, with nothing missing, and does none of that. Both start
from the same weights, and have to give the same loss on the same windows. They take turns, so that noise hits both.
"""

import argparse
import time
from collections.abc import Callable
from functools import partial
from itertools import cycle

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, softplus
from torch.nn.utils import parameters_to_vector, vector_to_parameters
from torch.optim.lr_scheduler import OneCycleLR
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from rnncli import cells, heads, training
from rnncli.config import Architecture, Columns, Training
from rnncli.network import Network
from rnncli.panel import from_frame
from rnncli.windows import Batch, Sampler, Windows

SERIES, LENGTH, SEASON = 100, 2000, 24
NAMES = ("cell", "context", "horizon", "segment", "hidden", "batch")
SHAPES = (("gru", 336, 48, 24, 64, 256), ("gru", 168, 24, 12, 64, 256), ("lstm", 96, 24, 1, 64, 64))
TURN = 10  # steps in a turn
MIDDLE, LEVELS = heads.MEDIAN, torch.tensor(heads.LEVELS)


class Bare(nn.Module):
    """The network as one would write it for oneself: one target, nothing missing."""

    def __init__(self, design: Architecture) -> None:
        super().__init__()
        self.horizon, self.pieces = design.horizon, -(-design.horizon // design.segment)
        self.embedding = nn.Linear(2 * design.segment, design.hidden)
        self.recurrent = (nn.GRU if design.cell == "gru" else nn.LSTM)(design.hidden, design.hidden, batch_first=True)
        self.dropout = nn.Dropout(design.dropout)
        self.readout = nn.Linear(design.hidden, design.segment * len(LEVELS))
        self.positions = nn.Parameter(torch.zeros(self.pieces, design.hidden))
        self.bypass = nn.Linear(design.context, design.horizon, bias=False)

    def loss(self, segments: Tensor, past: Tensor, future: Tensor) -> Tensor:
        """Segments beside their masks (B, N, 2 * segment) and past (B, L) to the quantile loss of future (B, H)."""
        _, state = self.recurrent(gelu(self.embedding(segments)))
        steps = self.positions.repeat(len(past), 1).unsqueeze(1)  # (B * M, 1, hidden)
        outputs, _ = self.recurrent(steps, cells.fork(state, self.pieces))
        parameters = self.readout(self.dropout(outputs)).reshape(len(past), -1, len(LEVELS))[:, : self.horizon]
        base = past[:, -SEASON:].repeat(1, -(-self.horizon // SEASON))[:, : self.horizon]
        median = parameters[..., MIDDLE : MIDDLE + 1] + (base + self.bypass(past)).unsqueeze(-1)
        gaps = softplus(parameters)
        above, below = gaps[..., MIDDLE + 1 :].cumsum(-1), gaps[..., :MIDDLE].flip(-1).cumsum(-1).flip(-1)
        error = future.unsqueeze(-1) - torch.cat([median - below, median, median + above], dim=-1)  # (B, H, Q)
        return 2 * torch.maximum(LEVELS * error, (LEVELS - 1) * error).mean()


def at_unit_scale(network: Network, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
    """What the bare network takes, of the windows that rnncli's takes."""
    scale = network(batch.past).scale
    past, future = scale.apply(batch.past).squeeze(-1), scale.apply(batch.future).squeeze(-1)
    segments = past.reshape(len(past), -1, network.architecture.segment)
    return torch.cat([segments, torch.ones_like(segments)], dim=-1), past, future


def both_steps(design: Architecture, settings: Training, total: int) -> list[Callable[[], None]]:
    """A step of the bare loop, and one of rnncli."""
    rows = pd.DataFrame({"ds": np.tile(np.arange(LENGTH), SERIES), "id": np.repeat(np.arange(SERIES), LENGTH)})
    noise = np.random.default_rng(0).normal(size=len(rows))
    panel = from_frame(rows.assign(y=10 + 3 * np.sin(2 * np.pi * rows["ds"] / SEASON) + 0.3 * noise), Columns())
    windows, generator = Windows(panel, design.context, design.horizon, torch.device("cpu")), torch.Generator()
    first, last = np.full(SERIES, design.context), np.full(SERIES, LENGTH - design.horizon)
    sampler = Sampler(first, last, torch.device("cpu"))
    network, bare = Network(design, 1).eval(), Bare(design).eval()
    vector_to_parameters(parameters_to_vector(network.parameters()), bare.parameters())
    with torch.no_grad():
        drawn = [windows.batch(*sampler.draw(settings.batch, generator)) for _ in range(TURN)]
        prepared = [at_unit_scale(network, batch) for batch in drawn]
        torch.testing.assert_close(bare.loss(*prepared[0]), training.batch_loss(network, drawn[0]))
    assert len(parameters_to_vector(bare.train().parameters())) == len(parameters_to_vector(network.parameters()))
    adamw = partial(torch.optim.AdamW, lr=settings.learning_rate, weight_decay=settings.weight_decay, foreach=True)
    bare_optimiser, batches = adamw(bare.parameters()), cycle(prepared)
    optimiser, losses = adamw(network.parameters()), torch.zeros(total)
    schedule = OneCycleLR(optimiser, max_lr=settings.learning_rate, total_steps=total, pct_start=0.25)
    averaged = AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(training.AVERAGING))  # type: ignore[no-untyped-call]

    def bare_step() -> None:
        bare_optimiser.zero_grad(set_to_none=True)
        bare.loss(*next(batches)).backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(bare.parameters(), settings.clip, foreach=True)
        bare_optimiser.step()

    def rnncli_step() -> None:
        network.train()
        batch = windows.batch(*sampler.draw(settings.batch, generator))
        losses[schedule.last_epoch] = training.update(network, batch, optimiser, settings)
        schedule.step()
        averaged.update_parameters(network)

    return [bare_step, rnncli_step]


def clocked(step: Callable[[], None]) -> tuple[float, float]:
    """Milliseconds of a step by the clock on the wall, and of the processor."""
    wall, processor = time.perf_counter(), time.process_time()
    step()
    return 1e3 * (time.perf_counter() - wall), 1e3 * (time.process_time() - processor)


def main() -> None:
    """Measure each shape and print a line for it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=40, help=f"turns of {TURN} steps each")
    parser.add_argument("--scale", choices=("spread", "log", "mean"), default="log")
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    header = (*NAMES, "bare ms", "rnncli ms", "ratio", "bare CPU", "rnncli CPU", "ratio")
    print("".join(f"{name:>11}" for name in header))
    for shape in SHAPES:
        chosen = dict(zip(NAMES, shape, strict=True))
        settings = Training(batch=chosen.pop("batch"))
        design = Architecture(**chosen, season=SEASON, base="seasonal", scale=asked.scale)
        steps = both_steps(design, settings, TURN * asked.rounds)
        times = np.array([[[clocked(step) for _ in range(TURN)] for step in steps] for _ in range(asked.rounds)])
        (bare, bare_cpu), (own, own_cpu) = np.median(times[asked.rounds // 10 :], axis=(0, 2))  # the first warm up
        measured = (f"{value:.2f}" for value in (bare, own, own / bare, bare_cpu, own_cpu, own_cpu / bare_cpu))
        print("".join(f"{value:>11}" for value in (*shape, *measured)), flush=True)


if __name__ == "__main__":
    main()
