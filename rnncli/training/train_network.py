"""A network, from its design to its weights. No files, no printing: it reports its progress."""

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

from rnncli.config.architecture import Architecture, InputSpec
from rnncli.config.sections import Training
from rnncli.errors import TrainingError
from rnncli.model.card import LearningCurve
from rnncli.network import encoder_states
from rnncli.network.network import Network
from rnncli.panel import Cutoffs, Panel
from rnncli.training import cpu_matmul, learning_curve, losses, ridge_readout
from rnncli.training.batch_sources import BatchSource, RandomBatches, RepeatedBatch, StatefulBatches
from rnncli.training.checkpoint import NetworkCheckpoint
from rnncli.training.loop import (
    SMOOTHED_LOSSES,
    FittedNetwork,
    Objective,
    Progress,
    Trainer,
    ValidationBatches,
    penalised_loss,
    update,
)
from rnncli.training.optimiser import Optimiser, find_learning_rate
from rnncli.windows.samplers import Sampler, SynchronousSampler
from rnncli.windows.windows import SeriesData, Windows

MAX_CHECK_WINDOWS = 2_000  # validation windows looked at in a check; all of them tell designs apart in the end
CHUNK = 1024  # windows forecast at once when validating
SAMPLED_WINDOWS = 512  # windows that tell what an error typically costs
TIMED_UPDATES, MIN_STEPS = 5, 30  # steps that tell the time of one, and steps made however little time there is


class TrainingTask(NamedTuple):
    """A network to be trained, with nothing left open."""

    architecture: Architecture
    told: InputSpec
    training: Training
    season: int  # of the metric
    seed: int
    steps: int
    limit: float  # seconds; with less time than the steps take, fewer are made
    first: np.ndarray  # (S,) earliest cutoff of a training window in each series
    last: np.ndarray  # (S,) latest; below `first` for series that are left out
    validation: Cutoffs  # windows to choose the weights by; without any the last ones are kept
    start: dict[str, np.ndarray] | None = None  # weights to begin with; none: new ones
    name: str = ""  # what tells it from every other


class TrainedNetwork(NamedTuple):
    """What came of a task, as it travels between processes."""

    weights: dict[str, np.ndarray]
    steps: int  # at which these weights were best
    planned: int  # steps of the schedule
    seconds: float
    quantiles: np.ndarray  # (V, H, K, Q) at the head's levels, in the data's units: forecasts of the validation windows
    rate: float | None  # the learning rate, where it was to be found
    course: LearningCurve


def train(
    task: TrainingTask,
    data: SeriesData | Panel,
    device: torch.device,
    report: Callable[[Progress], None],
    keeper: NetworkCheckpoint = NetworkCheckpoint(),  # noqa: B008 - one that keeps nothing
) -> TrainedNetwork:
    """Train a network. The random numbers start at the seed, and those of the process are left as they were.

    Raises TrainingError.
    """
    design, began = task.architecture, time.monotonic()
    with within_memory(device), cpu_matmul.fast_float32():
        with torch.random.fork_rng():
            windows, network = prepare(task, data, device)
            fitted, went = (_solved if design.traits.closed_form else fit)(network, windows, task, report, keeper)
        quantiles = _quantiles(fitted.network, windows, task.validation)
    weights = {name: tensor.detach().cpu().numpy() for name, tensor in fitted.network.state_dict().items()}
    seconds = time.monotonic() - began
    return TrainedNetwork(weights, fitted.steps, fitted.planned, seconds, quantiles, fitted.rate, went)


@contextmanager
def within_memory(device: torch.device) -> Iterator[None]:
    """Raise TrainingError where it does not suffice."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if isinstance(error, RuntimeError) and "memory" not in str(error):
            raise
        raise TrainingError(f"out of memory on {device}. Use a smaller --batch, --hidden or --context") from error


def prepare(task: TrainingTask, data: SeriesData | Panel, device: torch.device) -> tuple[Windows, Network]:
    """The windows of a task and its network before the first update, whose weights are drawn from the task's seed."""
    torch.manual_seed(task.seed)
    design = task.architecture
    further = task.training.forks * design.segment if design.bptt is None else design.bptt - design.segment
    together = np.arange(len(task.first)) if design.mix else None
    windows = Windows(data, design.context + further, design.horizon, device, design.calendar, together)
    network = Network(design, windows.values.shape[1], task.told).to(device)
    if design.scale == "global":
        network.fix_scale(_trained_on(windows, task))
    if task.start is not None:
        network.load_state_dict({name: torch.from_numpy(one) for name, one in task.start.items()})
    elif network.base.initialised_from_data:
        _initialise_base(network, data, task)
    return windows, network


def _initialise_base(network: Network, data: SeriesData | Panel, task: TrainingTask) -> None:
    """Set the initial parameters of the base forecast from training windows."""
    cpu = torch.device("cpu")
    windows = Windows(data, network.context, task.architecture.horizon, cpu, with_calendar=False)
    drawn = Sampler(task.first, task.last, cpu).draw(SAMPLED_WINDOWS, torch.Generator().manual_seed(task.seed))
    batch = windows.batch(*drawn)
    network.base.initialise(network.scale(batch.past).apply(batch.future), batch.step)


def _trained_on(windows: Windows, task: TrainingTask) -> Tensor:
    """All rows (N, K) that training windows reach into."""
    starts, ends = windows.starts.cpu().numpy(), windows.ends.cpu().numpy()
    end = np.where(task.last >= task.first, np.minimum(starts + task.last + task.architecture.horizon, ends), starts)
    return torch.cat([windows.values[one:other] for one, other in zip(starts, end, strict=True)])


@torch.inference_mode()
def _quantiles(network: Network, windows: Windows, places: Cutoffs) -> np.ndarray:
    """Forecasts (V, H, K, Q) at the head's levels from each place, in the data's units."""
    parts = [np.empty((0, network.architecture.horizon, network.targets, len(network.head.levels)))]
    for batch, carried in encoder_states.batches(network, windows, *places, CHUNK):
        quantiles, scale = network.trace(batch.past, batch.step, batch.covariates, carried).prediction
        parts.append(scale.undo(quantiles.to(batch.past.device)).cpu().numpy())
    return np.concatenate(parts)


def _solved(
    network: Network,
    windows: Windows,
    task: TrainingTask,
    report: Callable[[Progress], None],
    _keeper: NetworkCheckpoint,
) -> tuple[FittedNetwork, LearningCurve]:
    """The network with its read-out solved for. Raises TrainingError."""
    sampler = Sampler(task.first, task.last, windows.values.device)
    ridge_readout.fit_readout(network, windows, sampler, torch.Generator().manual_seed(task.seed))
    report(Progress(task.steps, task.steps, math.nan, math.nan))
    return FittedNetwork(network, task.steps, task.steps, math.nan, None), LearningCurve(
        updates=0, losses=(), gradients=()
    )


def fit(
    network: Network,
    windows: Windows,
    task: TrainingTask,
    report: Callable[[Progress], None],
    keeper: NetworkCheckpoint,
) -> tuple[FittedNetwork, LearningCurve]:
    """The averaged weights that did best on the validation windows, or the last ones where there are none.

    Goes on from where the keeper has it. Raises TrainingError, which names the step, where the loss is no number any
    more or a hundred times what it was.
    """
    training, generator = task.training, torch.Generator().manual_seed(task.seed)
    before = keeper.found()
    sampler, goal = sampler_and_objective(network, windows, task, generator)
    if before is None:
        steps = _affordable(network, batch_source(windows, sampler, task, generator), goal, task)
        rate = _rate(network, windows, sampler, generator, goal) if training.find_rate else None
    else:
        steps, rate = before["steps"], before["rate"]
    source, held_out = batch_source(windows, sampler, task, generator), _held_out(network, windows, task)
    loop = Trainer(network, source, goal, held_out, generator, steps, rate)
    if before is not None:
        loop.load(before)
    while not loop.ended:
        loop.advance()
        if loop.step % SMOOTHED_LOSSES == 0 or loop.ended:
            report(loop.progress())
            keeper.offer(loop.state)
    return loop.best(), learning_curve.thinned(*loop.went())


def sampler_and_objective(
    network: Network, windows: Windows, task: TrainingTask, generator: torch.Generator
) -> tuple[Sampler | SynchronousSampler, Objective]:
    """Which windows are drawn, and what is minimised over them."""
    mixing, device = task.architecture.mix, windows.values.device
    sampler = (
        SynchronousSampler(task.first, task.last, windows.firsts) if mixing else Sampler(task.first, task.last, device)
    )
    seen = windows if network.context else windows.with_context(2 * task.season)
    typical = seen.batch(*sampler.draw(SAMPLED_WINDOWS, generator)).past[:, : network.context or None]
    return sampler, Objective(losses.measure_weights(task.training.metric, task.season, typical), task.training)


def batch_source(
    windows: Windows, sampler: Sampler | SynchronousSampler, task: TrainingTask, generator: torch.Generator
) -> RandomBatches | StatefulBatches:
    """Where the batches come from: windows, or with states carried over the series in order."""
    stride, size = task.architecture.bptt, task.training.batch
    if stride is None:
        return RandomBatches(windows, sampler, size, generator)
    return StatefulBatches(np.where(task.last >= task.first, task.last, 0), stride, size, windows, generator)


def _held_out(network: Network, windows: Windows, task: TrainingTask) -> ValidationBatches:
    """The validation windows looked at in a check, and what is brought along to them with the weights of the time."""
    series, rows = _some(task.validation)
    cut = partial(encoder_states.batches, windows=windows, series=series, rows=rows, chunk=CHUNK)
    if task.architecture.bptt is not None:
        return cut
    once = list(cut(network))
    return lambda _network: once


def _some(places: Cutoffs) -> Cutoffs:
    """As many of them, evenly taken, as are worth their time at every check."""
    every = -(-len(places.rows) // MAX_CHECK_WINDOWS) or 1
    return Cutoffs(places.series[::every], places.rows[::every])


def _affordable(network: Network, source: BatchSource, goal: Objective, task: TrainingTask) -> int:
    """The task's steps, or as many as its time allows, told by a few steps of a copy that is thrown away."""
    batch = RepeatedBatch(*source.batch())
    if math.isinf(task.limit):
        return task.steps
    seconds = seconds_per_update(network, batch, goal)
    return int(np.clip(task.limit / seconds, min(MIN_STEPS, task.steps), task.steps))


def seconds_per_update(network: Network, batch: RepeatedBatch, goal: Objective) -> float:
    """What an update takes, told by a few of them on a copy that is thrown away."""
    trial = copy.deepcopy(network)
    descent = Optimiser(trial, goal.training, TIMED_UPDATES)
    times = []
    for _ in range(TIMED_UPDATES):
        began = time.monotonic()
        update(trial, batch, descent, goal)[0].item()
        times.append(time.monotonic() - began)
    return float(np.median(times))


def _rate(
    network: Network,
    windows: Windows,
    sampler: Sampler | SynchronousSampler,
    generator: torch.Generator,
    goal: Objective,
) -> float:
    """The learning rate that a range test finds."""

    def drawn() -> Iterator[Callable[[nn.Module], Tensor]]:
        while True:
            batch = windows.batch(*sampler.draw(goal.training.batch, generator))
            yield lambda trial, batch=batch: penalised_loss(cast(Network, trial), batch, goal)[0]  # type: ignore[misc]

    return find_learning_rate(network, goal.training, drawn())
