"""A training step of rnncli beside the same network in a bare PyTorch loop. Wanted: at most 1.25 times as long.

    python tests/benchmarks/training_step.py [--threads 1] [--rounds 40] [--scale log]

rnncli's step is all that `fitting.Loop` does in one. The bare loop has its input at unit scale, in memory, with nothing
missing, and averages no weights. Both start from the same weights and have to give the same loss; they take turns.
"""

import argparse
import itertools
import time
from collections.abc import Callable

import numpy as np
import pandas as pd
import pyarrow as pa
import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, pad, softplus
from torch.optim import AdamW, swa_utils

from rnncli.config.architecture import Architecture
from rnncli.config.sections import Columns, Training
from rnncli.network.network import Network
from rnncli.network.quantile_head import QuantileHead
from rnncli.panel import Table, from_table
from rnncli.training import batch_sources, loop, losses, optimiser
from rnncli.windows.samplers import Sampler
from rnncli.windows.windows import Windows

HEAD = QuantileHead()

SERIES, LENGTH, SEASON, TURN = 100, 2000, 24, 10  # TURN: steps until the other has its turn
NAMES = ("cell", "context", "horizon", "segment", "hidden", "batch")
CHOSEN = {"season": SEASON, "base": "seasonal", "since": False, "calendar": False}
CHOSEN |= {"layers": 1, "initialisation": "orthogonal", "decoder": "parallel"}
SHAPES = (("gru", 336, 48, 24, 64, 256), ("gru", 168, 24, 12, 64, 256), ("lstm", 96, 24, 1, 64, 64))
MIDDLE, LEVELS = HEAD.median, torch.tensor(HEAD.levels)


class Bare(nn.Module):
    """The network as one would write it for oneself: one target, nothing missing."""

    def __init__(self, design: Architecture) -> None:
        super().__init__()
        self.horizon, self.pieces = design.horizon, -(-design.horizon // design.segment)
        self.positions = nn.Parameter(torch.zeros(self.pieces, design.hidden))
        self.embedding = nn.Linear(2 * design.segment, design.hidden)
        self.recurrent = (nn.GRU if design.cell == "gru" else nn.LSTM)(design.hidden, design.hidden, batch_first=True)
        self.dropout = nn.Dropout(design.dropout)
        self.readout = nn.Linear(design.hidden, design.segment * len(LEVELS))
        self.bypass = nn.Linear(design.context, design.horizon, bias=False)

    def loss(self, segments: Tensor, past: Tensor, future: Tensor) -> Tensor:
        """Segments beside their masks (B, N, 2 * segment) and past (B, L) to the quantile loss of future (B, H)."""
        _, state = self.recurrent(gelu(self.embedding(segments)))
        steps = self.positions.repeat(len(past), 1).unsqueeze(1)  # (B * M, 1, hidden)
        parts = state if isinstance(state, tuple) else (state,)
        parts = tuple(part.repeat_interleave(self.pieces, dim=1) for part in parts)
        outputs, _ = self.recurrent(steps, parts if len(parts) > 1 else parts[0])
        parameters = self.readout(self.dropout(outputs)).reshape(len(past), -1, len(LEVELS))[:, : self.horizon]
        base = past[:, -SEASON:].repeat(1, -(-self.horizon // SEASON))[:, : self.horizon]
        median = parameters[..., MIDDLE : MIDDLE + 1] + (base + self.bypass(past)).unsqueeze(-1)
        gaps = softplus(parameters)
        above, below = gaps[..., MIDDLE + 1 :].cumsum(-1), gaps[..., :MIDDLE].flip(-1).cumsum(-1).flip(-1)
        error = future.unsqueeze(-1) - torch.cat([median - below, median, median + above], dim=-1)  # (B, H, Q)
        return 2 * torch.maximum(LEVELS * error, (LEVELS - 1) * error).mean()


def both_steps(design: Architecture, settings: Training, total: int) -> list[Callable[[], None]]:
    """A step of the bare loop and one of rnncli, after making sure that they compute the same."""
    rows = pd.DataFrame({"ds": np.tile(np.arange(LENGTH), SERIES), "id": np.repeat(np.arange(SERIES), LENGTH)})
    noise = np.random.default_rng(0).normal(size=len(rows))
    rows = rows.assign(y=10 + 3 * np.sin(2 * np.pi * rows["ds"] / SEASON) + 0.3 * noise)
    panel = from_table(Table(pa.Table.from_pandas(rows)), Columns())
    windows, generator = (
        Windows(panel, design.context, design.horizon, torch.device("cpu"), with_calendar=False),
        torch.Generator(),
    )
    ends = np.full(SERIES, design.context), np.full(SERIES, LENGTH - design.horizon)
    sampler = Sampler(*ends, torch.device("cpu"))
    goal = loop.Objective(losses.LossWeights("quantiles", SEASON, ()), settings)
    network, bare = Network(design, 1).eval(), Bare(design).eval()
    bare.load_state_dict(dict(zip(bare.state_dict(), network.state_dict().values(), strict=True)))
    with torch.no_grad():
        drawn = windows.batch(*sampler.draw(settings.batch, generator))
        past, future = (
            network(drawn.past, drawn.step, drawn.covariates).scale.apply(part).squeeze(-1) for part in drawn[:2]
        )
        segments = pad(past.reshape(settings.batch, -1, design.segment), (0, design.segment), value=1.0)
        added, count = loop.batch_loss(network, drawn, goal)
        torch.testing.assert_close(bare.loss(segments, past, future), added / count)
    rate, decay, seen = settings.learning_rate, settings.weight_decay, torch.zeros(2, total)
    bare.train()
    plain = AdamW(bare.parameters(), rate, weight_decay=decay, foreach=True)
    own = optimiser.Optimiser(network, settings, total)
    average = swa_utils.get_ema_multi_avg_fn(loop.EMA_DECAY)  # type: ignore[no-untyped-call]
    averaged = swa_utils.AveragedModel(network, multi_avg_fn=average)

    numbers = itertools.count()
    drawn_windows = batch_sources.RandomBatches(windows, sampler, settings.batch, generator)

    def bare_step() -> None:
        plain.zero_grad(set_to_none=True)
        bare.loss(segments, past, future).backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(bare.parameters(), settings.clip, foreach=True)
        plain.step()

    def rnncli_step() -> None:
        network.train()
        place = next(numbers)
        seen[0, place], seen[1, place] = loop.update(network, drawn_windows, own, goal)
        averaged.update_parameters(network)

    return [bare_step, rnncli_step]


def clocked(step: Callable[[], None]) -> tuple[float, float]:
    """Milliseconds of a step by the clock on the wall, and of the processor."""
    wall, processor = time.perf_counter(), time.process_time()
    step()
    return 1e3 * (time.perf_counter() - wall), 1e3 * (time.process_time() - processor)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=40, help=f"turns of {TURN} steps each")
    parser.add_argument("--scale", choices=("spread", "log", "mean"), default="log")
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    print(("{:>9}" * 12).format(*NAMES, "bare ms", "rnncli", "ratio", "bare CPU", "rnncli", "ratio"))
    for shape in SHAPES:
        chosen = dict(zip(NAMES[:-1], shape[:-1], strict=True)) | {"scale": asked.scale}
        design = Architecture.model_validate(chosen | CHOSEN)
        steps = both_steps(design, Training(batch=shape[-1]), TURN * asked.rounds)
        times = np.array([[[clocked(step) for _ in range(TURN)] for step in steps] for _ in range(asked.rounds)])
        clocks = np.median(times[asked.rounds // 10 :], axis=(0, 2)).T  # the first tenth warms up
        measured = [figure for bare, own in clocks for figure in (bare, own, own / bare)]
        print(("{:>9}" * 6 + "{:>9.2f}" * 6).format(*shape, *measured), flush=True)
