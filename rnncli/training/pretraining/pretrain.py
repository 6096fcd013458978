"""Train the network on simulated series alone, reproducibly from a seed, and resume after an interruption."""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from rnncli.files.atomic import atomic_writer
from rnncli.model.pretrained.network import Weights, quantiles
from rnncli.training.pretraining.batches import WINDOWS, Batch, make_batch
from rnncli.training.pretraining.torch_network import TorchNetwork, pinball_loss, update_weights

LEARNING_RATE, WEIGHT_DECAY = 2e-3, 1e-3
WARM_UP = 300  # updates in which the learning rate rises
HOLD = 0.4  # share of the updates after which the learning rate falls, by half a cosine
LAST_RATE = 0.01  # of the learning rate
AVERAGE = 0.999  # of the moving average of the weights (Polyak and Juditsky 1992)
CHECKPOINT_EVERY = 500  # updates
AHEAD = 8  # batches simulated ahead
TEST_SEED, TEST_BATCHES = 10**6, 60  # simulated batches that no training sees


@dataclass(frozen=True)
class Pretraining:
    """Everything that decides the weights."""

    updates: int = 12_000
    seed: int = 0
    units: int = 64
    width: int = 128
    series: int | None = None  # number of simulated series to train on, again and again; None for ever new ones
    leave_out: str | None = None  # family of processes to leave out

    def batch_number(self, update: int) -> int:
        """Return the number of the batch of an update."""
        return update if self.series is None else update % max(1, self.series // WINDOWS)


class PretrainedWeights(NamedTuple):
    """The result of a training."""

    weights: Weights
    series: int  # simulated series trained on
    seconds: float  # of computing updates


class Report(NamedTuple):
    """Progress of a training, reported after each checkpoint."""

    update: int
    loss: float  # mean since the last report
    seconds: float  # of computing updates, in all runs


def pretrain(options: Pretraining, checkpoint: Path, report: Callable[[Report], None]) -> PretrainedWeights:
    """Return the averaged weights after all updates; continue from the checkpoint if it is of the same training."""
    torch.manual_seed(options.seed)
    torch.set_num_threads(1)  # the other core simulates
    network = TorchNetwork(options.units, options.width)
    average = TorchNetwork(options.units, options.width)
    average.load_state_dict(network.state_dict())
    optimiser = torch.optim.AdamW(network.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda update: _rate(update, options.updates))
    parts: dict[str, Any] = {"network": network, "average": average, "optimiser": optimiser, "scheduler": scheduler}
    done, series, seconds = _resumed(options, checkpoint, parts)
    losses: list[float] = []
    with _batches(options, done) as batches:
        for update, batch in enumerate(batches, done + 1):
            begun = time.monotonic()
            loss = pinball_loss(network(batch.features), torch.from_numpy(batch.actual))
            update_weights([network], optimiser, loss)
            scheduler.step()
            _average(average, network, update)
            losses.append(loss.item())
            seconds, series = seconds + time.monotonic() - begun, series + len(batch.actual)
            if update % CHECKPOINT_EVERY == 0 or update == options.updates:
                _save(options, checkpoint, parts, (update, series, seconds))
                report(Report(update, float(np.mean(losses)), seconds))
                losses.clear()
    return PretrainedWeights(average.weights(), series if options.series is None else options.series, seconds)


def test_losses(members: tuple[Weights, ...]) -> dict[int, float]:
    """Return the mean loss of the networks by season, on simulated series that no training saw."""
    losses: dict[int, list[float]] = {}
    for number in range(TEST_BATCHES):
        batch = make_batch(TEST_SEED, number)
        forecast = torch.from_numpy(np.mean([quantiles(weights, batch.features) for weights in members], axis=0))
        losses.setdefault(batch.season, []).append(pinball_loss(forecast, torch.from_numpy(batch.actual)).item())
    return {season: float(np.mean(values)) for season, values in sorted(losses.items())}


def _rate(update: int, updates: int) -> float:
    """Return the learning rate of an update relative to the highest."""
    warm = min(1.0, (update + 1) / WARM_UP)
    fallen = max(0.0, (update / updates - HOLD) / (1 - HOLD))
    return warm * max(LAST_RATE, 0.5 * (1 + math.cos(math.pi * min(1.0, fallen))))


@torch.no_grad()
def _average(average: TorchNetwork, network: TorchNetwork, update: int) -> None:
    share = 1 - min(AVERAGE, update / (update + 20))
    for mean, newest in zip(average.parameters(), network.parameters(), strict=True):
        mean.lerp_(newest, share)


@contextmanager
def _batches(options: Pretraining, done: int) -> Iterator[Iterator[Batch]]:
    """Yield the batches of the remaining updates, simulated in another process."""
    with get_context("spawn").Pool(1, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        yield _requested(options, done, pool)


def _requested(options: Pretraining, done: int, pool: Any) -> Iterator[Batch]:
    """Yield batches in order, with a few requested ahead: not all at once, which would fill the memory."""
    requests: list[Any] = []
    for update in range(done, options.updates):
        while len(requests) < AHEAD and update + len(requests) < options.updates:
            number = options.batch_number(update + len(requests))
            requests.append(pool.apply_async(make_batch, (options.seed, number, options.leave_out)))
        yield requests.pop(0).get()


def _resumed(options: Pretraining, checkpoint: Path, parts: dict[str, Any]) -> tuple[int, int, float]:
    """Load the state of a training with the same options; return its updates, series and seconds."""
    if not checkpoint.exists():
        return 0, 0, 0.0
    saved = torch.load(checkpoint, weights_only=True)
    if saved["options"] != asdict(options):
        return 0, 0, 0.0
    for name, part in parts.items():
        part.load_state_dict(saved[name])
    updates, series, seconds = saved["progress"]
    return updates, series, seconds


def _save(options: Pretraining, checkpoint: Path, parts: dict[str, Any], progress: tuple[int, int, float]) -> None:
    """Write the state of a training, and its updates, series and seconds."""
    state = {name: part.state_dict() for name, part in parts.items()}
    with atomic_writer(checkpoint) as stream:
        torch.save({**state, "options": asdict(options), "progress": progress}, stream)
