"""Train the network of a task, from its initial weights to the best ones."""

import copy
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import NamedTuple, cast

import numpy as np
import torch
from torch import Tensor, nn

from rnncli.errors import TrainingError
from rnncli.model.card import LearningCurve
from rnncli.network import encoder_states
from rnncli.network.built import weights_of
from rnncli.network.network import Network
from rnncli.panel import Cutoffs, Panel
from rnncli.training import cpu_matmul, learning_curve, losses, ridge_readout
from rnncli.training.batch_sources import BatchSource, RandomBatches, RepeatedBatch, StatefulBatches, TrainingBatch
from rnncli.training.checkpoint import NetworkCheckpoint
from rnncli.training.loop import (
    SMOOTHED_LOSSES,
    FittedNetwork,
    Objective,
    Schedule,
    Trainer,
    ValidationBatches,
    penalised_loss,
    update,
)
from rnncli.training.lr_finder import find_learning_rate
from rnncli.training.optimiser import Optimiser
from rnncli.training.progress import Progress
from rnncli.training.task import TrainedNetwork, TrainingTask
from rnncli.windows.samplers import Sampler, SynchronousSampler
from rnncli.windows.windows import SeriesData, Windows

MAX_CHECK_WINDOWS = 2_000  # validation windows in a check; the search compares networks on all of them
CHUNK = 1024  # windows forecast at once when validating
SAMPLED_WINDOWS = 512  # on which typical errors are measured
TIMED_UPDATES = 5  # to estimate the time of an update
MIN_STEPS = 30  # however short the time


class TrainingResult(NamedTuple):
    """A network with its best weights, and its learning curve."""

    fitted: FittedNetwork
    curve: LearningCurve


def train(
    task: TrainingTask,
    data: SeriesData | Panel,
    device: torch.device,
    report: Callable[[Progress], None],
    checkpoint: NetworkCheckpoint = NetworkCheckpoint(),  # noqa: B008 - it has no state: nothing is written
) -> TrainedNetwork:
    """Train a network. The random numbers start from the seed; those of the process stay as they were.

    Raise TrainingError if the training diverges or runs out of memory.
    """
    began = time.monotonic()
    with within_memory(device), cpu_matmul.fast_float32():
        with torch.random.fork_rng():
            windows, network = prepare(task, data, device)
            if task.architecture.traits.closed_form:
                (best, best_step, schedule, updates), curve = _solve(network, windows, task, report)
            else:
                (best, best_step, schedule, updates), curve = fit(network, windows, task, report, checkpoint)
        quantiles = _quantiles(best, windows, task.validation)
    weights = weights_of(best)
    seconds = time.monotonic() - began
    return TrainedNetwork(
        weights, best_step, schedule.steps, updates, seconds, quantiles, schedule.learning_rate, curve
    )


@contextmanager
def within_memory(device: torch.device) -> Iterator[None]:
    """Raise TrainingError if the block runs out of memory."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        # torch raises RuntimeError for this on a CPU, and a subclass on a GPU: only the message shows what it is.
        if isinstance(error, RuntimeError) and "memory" not in str(error):
            raise
        raise TrainingError(f"out of memory on {device}. Use a smaller --batch, --hidden or --context") from error


class Prepared(NamedTuple):
    """The windows of a task, and its network before the first update."""

    windows: Windows
    network: Network


def prepare(task: TrainingTask, data: SeriesData | Panel, device: torch.device) -> Prepared:
    """Cut the windows and initialise the network, with random numbers from the seed of the task."""
    torch.manual_seed(task.seed)
    architecture = task.architecture
    if architecture.bptt is None:
        extra = task.training.forks * architecture.segment
    else:
        extra = architecture.bptt - architecture.segment
    mixed = np.arange(len(task.first)) if architecture.mix else None
    windows = Windows(data, architecture.context + extra, architecture.horizon, device, architecture.calendar, mixed)
    network = Network(architecture, windows.values.shape[1], task.inputs).to(device)
    if architecture.scale == "global":
        network.fix_scale(_training_rows(windows, task))
    if task.initial is not None:
        network.load_state_dict({name: torch.from_numpy(value) for name, value in task.initial.items()})
    elif network.base.initialised_from_data:
        _initialise_base(network, data, task)
    return Prepared(windows, network)


def _initialise_base(network: Network, data: SeriesData | Panel, task: TrainingTask) -> None:
    """Initialise the parameters of the base forecast from training windows."""
    cpu = torch.device("cpu")
    windows = Windows(data, network.context, task.architecture.horizon, cpu, with_calendar=False)
    drawn = Sampler(task.first, task.last, cpu).draw(SAMPLED_WINDOWS, torch.Generator().manual_seed(task.seed))
    batch = windows.batch(*drawn)
    network.base.initialise(network.scale(batch.past).apply(batch.future), batch.step)


def _training_rows(windows: Windows, task: TrainingTask) -> Tensor:
    """Return all rows (N, K) before the ends of the training windows."""
    starts, ends = windows.starts.cpu().numpy(), windows.ends.cpu().numpy()
    end = np.where(task.last >= task.first, np.minimum(starts + task.last + task.architecture.horizon, ends), starts)
    return torch.cat([windows.values[first:last] for first, last in zip(starts, end, strict=True)])


@torch.inference_mode()
def _quantiles(network: Network, windows: Windows, cutoffs: Cutoffs) -> np.ndarray:
    """Return the forecasts (V, H, K, Q) at all cutoffs, in the units of the data."""
    parts = [np.empty((0, network.architecture.horizon, network.targets, len(network.head.levels)))]
    for batch, carried in encoder_states.batches(network, windows, *cutoffs, CHUNK):
        quantiles, scale = network.trace(batch.past, batch.step, batch.covariates, carried).prediction
        parts.append(scale.undo(quantiles.to(batch.past.device)).cpu().numpy())
    return np.concatenate(parts)


def _solve(
    network: Network, windows: Windows, task: TrainingTask, report: Callable[[Progress], None]
) -> TrainingResult:
    """Solve the readout in closed form. Raise TrainingError if no window is complete."""
    sampler = Sampler(task.first, task.last, windows.values.device)
    ridge_readout.fit_readout(network, windows, sampler, torch.Generator().manual_seed(task.seed))
    report(Progress(task.steps, task.steps, math.nan, math.nan))
    fitted = FittedNetwork(network, task.steps, Schedule(task.steps, None), task.steps)
    return TrainingResult(fitted, LearningCurve(updates=0, losses=(), gradients=()))


def fit(
    network: Network,
    windows: Windows,
    task: TrainingTask,
    report: Callable[[Progress], None],
    checkpoint: NetworkCheckpoint,
) -> TrainingResult:
    """Train by gradient steps, from the state in the checkpoint if there is one.

    The result has the averaged weights with the lowest validation loss, or the last ones without validation windows.
    Raise TrainingError, with the step, if the training diverges.
    """
    generator = torch.Generator().manual_seed(task.seed)
    saved = checkpoint.state()
    sampler, objective = sampler_and_objective(network, windows, task, generator)
    if saved is None:
        schedule = _schedule(network, windows, sampler, task, objective, generator)
    else:
        schedule = Schedule(**saved["schedule"])
    source, validation = batch_source(windows, sampler, task, generator), _validation_batches(network, windows, task)
    trainer = Trainer(network, source, objective, validation, generator, schedule)
    if saved is not None:
        trainer.load(saved)
    while not trainer.ended:
        trainer.advance()
        if trainer.step % SMOOTHED_LOSSES == 0 or trainer.ended:
            report(trainer.progress())
            checkpoint.offer(trainer.state)
    return TrainingResult(trainer.best(), learning_curve.thinned(*trainer.history()))


class SampledObjective(NamedTuple):
    """A sampler of training windows, and the objective with weights measured on a sample of them."""

    sampler: Sampler | SynchronousSampler
    objective: Objective


def sampler_and_objective(
    network: Network, windows: Windows, task: TrainingTask, generator: torch.Generator
) -> SampledObjective:
    """Return the sampler and the objective of a task."""
    mixing, device = task.architecture.mix, windows.values.device
    sampler = (
        SynchronousSampler(task.first, task.last, windows.firsts) if mixing else Sampler(task.first, task.last, device)
    )
    with_past = windows if network.context else windows.with_context(2 * task.season)
    past = with_past.batch(*sampler.draw(SAMPLED_WINDOWS, generator)).past[:, : network.context or None]
    weights = losses.measure_weights(task.training.metric, task.season, past)
    return SampledObjective(sampler, Objective(weights, task.training))


def batch_source(
    windows: Windows, sampler: Sampler | SynchronousSampler, task: TrainingTask, generator: torch.Generator
) -> RandomBatches | StatefulBatches:
    """Return random batches, or consecutive ones if the network carries its state."""
    stride, size = task.architecture.bptt, task.training.batch
    if stride is None:
        return RandomBatches(windows, sampler, size, generator)
    return StatefulBatches(np.where(task.last >= task.first, task.last, 0), stride, size, windows, generator)


def _validation_batches(network: Network, windows: Windows, task: TrainingTask) -> ValidationBatches:
    """Return the validation windows of a check; carried states are computed anew with the weights at the check."""
    every = -(-len(task.validation.rows) // MAX_CHECK_WINDOWS) or 1
    series, rows = task.validation.series[::every], task.validation.rows[::every]
    batches = partial(encoder_states.batches, windows=windows, series=series, rows=rows, chunk=CHUNK)
    if task.architecture.bptt is not None:
        return batches
    always = list(batches(network))
    return lambda _network: always


def _schedule(
    network: Network,
    windows: Windows,
    sampler: Sampler | SynchronousSampler,
    task: TrainingTask,
    objective: Objective,
    generator: torch.Generator,
) -> Schedule:
    """Return the steps that the time limit allows, and the learning rate if it is to be found."""
    steps = _affordable_steps(network, batch_source(windows, sampler, task, generator), objective, task)
    rate = _find_rate(network, windows, sampler, generator, objective) if task.training.find_rate else None
    return Schedule(steps, rate)


def _affordable_steps(network: Network, source: BatchSource, objective: Objective, task: TrainingTask) -> int:
    batch = source.next_batch()
    if math.isinf(task.seconds):
        return task.steps
    seconds = seconds_per_update(network, batch, objective)
    return int(np.clip(task.seconds / seconds, min(MIN_STEPS, task.steps), task.steps))


def seconds_per_update(network: Network, batch: TrainingBatch, objective: Objective) -> float:
    """Return the median time of a few updates of a copy of the network."""
    trial, source = copy.deepcopy(network), RepeatedBatch(batch)
    optimiser = Optimiser(trial, objective.training, TIMED_UPDATES)
    times = []
    for _ in range(TIMED_UPDATES):
        began = time.monotonic()
        update(trial, source, optimiser, objective).loss.item()
        times.append(time.monotonic() - began)
    return float(np.median(times))


def _find_rate(
    network: Network,
    windows: Windows,
    sampler: Sampler | SynchronousSampler,
    generator: torch.Generator,
    objective: Objective,
) -> float:
    """Return the learning rate that a range test finds."""

    def batch_losses() -> Iterator[Callable[[nn.Module], Tensor]]:
        while True:
            batch = windows.batch(*sampler.draw(objective.training.batch, generator))
            yield lambda trial, batch=batch: penalised_loss(cast(Network, trial), batch, objective).loss  # type: ignore[misc]  # mypy cannot infer a lambda with a default

    return find_learning_rate(network, objective.training, batch_losses())
