"""One network: the loop that fits it. No files, no printing: it reports its progress.

Weights averaged over the last steps (Polyak and Juditsky 1992), stopped early on windows that come after every training
window.
"""

import copy
import math
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from rnncli import course, heads, losses, ridge
from rnncli.card import Course
from rnncli.cells import State
from rnncli.checkpoint import Keeper
from rnncli.config import Architecture, Training
from rnncli.descent import Descent, found_rate
from rnncli.errors import TrainingError
from rnncli.losses import Weighing
from rnncli.network import Network
from rnncli.panel import Cutoffs, Panel
from rnncli.panel.covariates import Told
from rnncli.sources import Again, Drawn, Source, Walker
from rnncli.views import Carried, Prediction
from rnncli.windows import Batch, Gatherer, Sampler, Sequences, Windows

AVERAGING = 0.99  # share of the old average kept at each step: a mean over about the last hundred steps
CHECKS = 20  # validation checks in a full run
CHECKED = 2_000  # validation windows looked at in a check; all of them tell designs apart in the end
CHUNK = 1024  # windows forecast at once when validating
DIVERGED = 100.0  # times the first losses
CALMER = "Use a smaller --learning-rate or --clip"
SAMPLE = 512  # windows that tell what an error typically costs
TIMED, FEWEST = 5, 30  # steps that tell the time of one, and steps made however little time there is
RECENT = 10  # losses smoothed for display and for telling divergence
KEPT = ("step", "steps", "rate", "_losses", "_norms", "_lowest", "_best_step", "_patience")  # of a loop, as they are


class Progress(NamedTuple):
    """How far the training of one network has come."""

    step: int
    steps: int
    loss: float  # mean of the last steps
    validation: float  # newest averaged weights, NaN before the first check


class Task(NamedTuple):
    """A network to be trained, with nothing left open."""

    architecture: Architecture
    told: Told
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


class Trained(NamedTuple):
    """What came of a task, as it travels between processes."""

    weights: dict[str, np.ndarray]
    steps: int  # at which these weights were best
    planned: int  # steps of the schedule
    seconds: float
    quantiles: np.ndarray  # (V, H, K, Q) at heads.LEVELS, in the data's units: forecasts of the validation windows
    rate: float | None  # the learning rate, where it was to be found
    course: Course


def run(
    task: Task,
    data: Sequences | Panel,
    device: torch.device,
    report: Callable[[Progress], None],
    keeper: Keeper = Keeper(),  # noqa: B008 - one that keeps nothing
) -> Trained:
    """Train a network. The random numbers start at the seed, and those of the process are left as they were.

    Raises TrainingError.
    """
    design, began = task.architecture, time.monotonic()
    try:
        with torch.random.fork_rng():
            torch.manual_seed(task.seed)
            further = task.training.forks * design.segment if design.bptt is None else design.bptt - design.segment
            reach = design.context + further
            together = np.arange(len(task.first)) if design.mix else None
            windows = Windows(data, reach, design.horizon, device, design.calendar, together)
            network = Network(design, windows.values.shape[1], task.told).to(device)
            if design.scale == "global":
                network.fix_scale(_trained_on(windows, task))
            if task.start is not None:
                network.load_state_dict({name: torch.from_numpy(one) for name, one in task.start.items()})
            fitted, went = (_solved if design.cell == "esn" else fit)(network, windows, task, report, keeper)
        quantiles = _quantiles(fitted.network, _whole(windows, network, task.validation), task.validation)
    except (RuntimeError, MemoryError) as error:
        if isinstance(error, RuntimeError) and "memory" not in str(error):
            raise
        raise TrainingError(f"out of memory on {device}. Use a smaller --batch, --hidden or --context") from error
    weights = {name: tensor.detach().cpu().numpy() for name, tensor in fitted.network.state_dict().items()}
    seconds = time.monotonic() - began
    return Trained(weights, fitted.steps, fitted.planned, seconds, quantiles, fitted.rate, went)


def _trained_on(windows: Windows, task: Task) -> Tensor:
    """All rows (N, K) that training windows reach into."""
    starts, ends = windows.starts.cpu().numpy(), windows.ends.cpu().numpy()
    end = np.where(task.last >= task.first, np.minimum(starts + task.last + task.architecture.horizon, ends), starts)
    return torch.cat([windows.values[one:other] for one, other in zip(starts, end, strict=True)])


def _whole(windows: Windows, network: Network, places: Cutoffs) -> Windows:
    """The same windows with as much of the past as a forecast from these places is made from."""
    return windows.of(network.sees(int(places.rows.max(initial=0))))


@torch.inference_mode()
def _quantiles(network: Network, windows: Windows, places: Cutoffs) -> np.ndarray:
    """Forecasts (V, H, K, Q) at heads.LEVELS from each place, in the data's units."""
    parts = [np.empty((0, network.architecture.horizon, network.targets, len(heads.LEVELS)))]
    for batch in windows.at(places, CHUNK):
        quantiles, scale = network(batch.past, batch.step, batch.beside)
        parts.append(scale.undo(quantiles.to(batch.past.device)).cpu().numpy())
    return np.concatenate(parts)


class Goal(NamedTuple):
    """What is minimised, and how."""

    weighing: Weighing
    training: Training


class Fitted(NamedTuple):
    """The network that did best."""

    network: Network
    steps: int
    planned: int
    validation: float
    rate: float | None  # the learning rate, where it was to be found


def _solved(
    network: Network, windows: Windows, task: Task, report: Callable[[Progress], None], _keeper: Keeper
) -> tuple[Fitted, Course]:
    """The network with its read-out solved for. Raises TrainingError."""
    sampler = Sampler(task.first, task.last, windows.values.device)
    ridge.fit(network, windows, sampler, torch.Generator().manual_seed(task.seed))
    report(Progress(task.steps, task.steps, math.nan, math.nan))
    return Fitted(network, task.steps, task.steps, math.nan, None), Course(updates=0, losses=(), gradients=())


def fit(
    network: Network, windows: Windows, task: Task, report: Callable[[Progress], None], keeper: Keeper
) -> tuple[Fitted, Course]:
    """The averaged weights that did best on the validation windows, or the last ones where there are none.

    Goes on from where the keeper has it. Raises TrainingError, which names the step, where the loss is no number any
    more or a hundred times what it was.
    """
    training, generator = task.training, torch.Generator().manual_seed(task.seed)
    before = keeper.found()
    mixing, device = task.architecture.mix, windows.values.device
    sampler = Gatherer(task.first, task.last, windows.firsts) if mixing else Sampler(task.first, task.last, device)
    typical = windows.batch(*sampler.draw(SAMPLE, generator)).past[:, : network.context]
    goal = Goal(losses.weighing(training.metric, task.season, typical), training)
    if before is None:
        steps = _affordable(network, _source(windows, sampler, task, generator), goal, task)
        rate = _rate(network, windows, sampler, generator, goal) if training.find_rate else None
    else:
        steps, rate = before["steps"], before["rate"]
    held_out = list(_whole(windows, network, task.validation).at(_some(task.validation), CHUNK))
    loop = Loop(network, _source(windows, sampler, task, generator), goal, held_out, generator, steps, rate)
    if before is not None:
        loop.load(before)
    while not loop.ended:
        loop.advance()
        if loop.step % RECENT == 0 or loop.ended:
            report(loop.progress())
            keeper.offer(loop.state)
    return loop.best(), course.thinned(*loop.went())


class Loop:
    """The fitting of one network, update after update; what it has come to can be kept, and taken up again."""

    def __init__(
        self,
        network: Network,
        source: Drawn | Walker,
        goal: Goal,
        held_out: list[Batch],
        generator: torch.Generator,
        steps: int,
        rate: float | None,
    ) -> None:
        training, self.network, self.steps, self.rate = goal.training, network, steps, rate
        self._source, self._goal, self._held_out, self._generator = source, goal, held_out, generator
        self._descent = Descent(
            network, training.model_copy(update={"learning_rate": rate}) if rate else training, steps
        )
        averaged = AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(AVERAGING))  # type: ignore[no-untyped-call]
        self._averaged = averaged
        self._losses, self._norms = torch.zeros(2, steps, device=next(network.parameters()).device)
        self._checks = list[tuple[int, float]]()
        self._best: dict[str, Tensor] | None = None
        self._lowest, self._best_step, self._patience, self.step = math.inf, 0, training.patience, 0

    @property
    def ended(self) -> bool:
        """Whether there is nothing more to do."""
        return self.step == self.steps or self._patience == 0

    def advance(self) -> None:
        """One update, and a look at the validation windows where it is time for one. Raises TrainingError."""
        self.step += 1
        self.network.train()
        self._losses[self.step - 1], self._norms[self.step - 1] = update(
            self.network, self._source, self._descent, self._goal
        )
        self._averaged.update_parameters(self.network)
        if self.step % max(1, self.steps // CHECKS) == 0 or self.step == self.steps:
            self._check()
        if self.step % RECENT == 0 or self.step == self.steps:
            check_losses(self._losses[: self.step])

    def _check(self) -> None:
        """How the averaged weights do on the validation windows."""
        check_losses(self._losses[: self.step])
        averaged = cast(Network, self._averaged.module)
        loss = mean_loss(averaged, self._held_out, self._goal)
        self._checks.append((self.step, loss))
        if math.isinf(loss):
            raise TrainingError(f"the validation loss was no number at step {self.step}. {CALMER}")
        self._descent.checked(loss)
        if loss < self._lowest or math.isnan(loss):
            self._best, self._lowest, self._best_step = copy.deepcopy(averaged.state_dict()), loss, self.step
            self._patience = self._goal.training.patience
        else:
            self._patience -= 1

    def progress(self) -> Progress:
        """How far it is."""
        recent = self._losses[max(0, self.step - RECENT) : self.step].mean().item()
        return Progress(self.step, self.steps, recent, self._checks[-1][1] if self._checks else math.nan)

    def went(self) -> tuple[np.ndarray, np.ndarray, list[tuple[int, float]]]:
        """Losses and norms of the gradient of each update, and the validation losses."""
        made = (one[: self.step].cpu().numpy() for one in (self._losses, self._norms))
        return next(made), next(made), self._checks

    def best(self) -> Fitted:
        """The network with the weights that did best."""
        if self._best is not None:
            self.network.load_state_dict(self._best)
        self.network.eval()
        return Fitted(self.network, self._best_step, self.steps, self._lowest, self.rate)

    def state(self) -> dict[str, Any]:
        """All that the next update depends on."""
        return {
            **{name: getattr(self, name) for name in KEPT},
            "checks": self._checks,
            "best": self._best,
            "network": self.network.state_dict(),
            "averaged": self._averaged.state_dict(),
            "descent": self._descent.state(),
            "source": self._source.state(),
            "random": self._generator.get_state(),
            "dropout": torch.get_rng_state(),
        }

    def load(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        for name in KEPT:
            setattr(self, name, state[name])
        self._checks, self._best = [tuple(one) for one in state["checks"]], state["best"]
        self.network.load_state_dict(state["network"])
        self._averaged.load_state_dict(state["averaged"])
        self._descent.load(state["descent"])
        self._source.load(state["source"])
        self._generator.set_state(state["random"])
        torch.set_rng_state(state["dropout"])


def _source(windows: Windows, sampler: Sampler | Gatherer, task: Task, generator: torch.Generator) -> Drawn | Walker:
    """Where the batches come from: windows, or with states carried over the series in order."""
    stride, size = task.architecture.bptt, task.training.batch
    if stride is None:
        return Drawn(windows, sampler, size, generator)
    return Walker(np.where(task.last >= task.first, task.last, 0), stride, size, windows, generator)


def _some(places: Cutoffs) -> Cutoffs:
    """As many of them, evenly taken, as are worth their time at every check."""
    every = -(-len(places.rows) // CHECKED) or 1
    return Cutoffs(places.series[::every], places.rows[::every])


def _affordable(network: Network, source: Source, goal: Goal, task: Task) -> int:
    """The task's steps, or as many as its time allows, told by a few steps of a copy that is thrown away."""
    batch = Again(*source.batch())
    if math.isinf(task.limit):
        return task.steps
    trial = copy.deepcopy(network)
    descent = Descent(trial, goal.training, TIMED)
    times = []
    for _ in range(TIMED):
        began = time.monotonic()
        update(trial, batch, descent, goal)[0].item()
        times.append(time.monotonic() - began)
    return int(np.clip(task.limit / float(np.median(times)), min(FEWEST, task.steps), task.steps))


def _rate(
    network: Network, windows: Windows, sampler: Sampler | Gatherer, generator: torch.Generator, goal: Goal
) -> float:
    """The learning rate that a range test finds."""

    def drawn() -> Iterator[Callable[[nn.Module], Tensor]]:
        while True:
            batch = windows.batch(*sampler.draw(goal.training.batch, generator))
            yield lambda trial, batch=batch: priced(cast(Network, trial), batch, goal)[0]  # type: ignore[misc]

    return found_rate(network, goal.training, drawn())


def update(network: Network, source: Source, descent: Descent, goal: Goal) -> tuple[Tensor, Tensor]:
    """One step downhill; the loss before it, and the norm that its gradient had."""
    batch, carried = source.batch()
    loss, state = priced(network, batch, goal, carried)
    source.go_on(state)
    norm = descent.step(loss)
    return loss.detach(), norm


def priced(network: Network, batch: Batch, goal: Goal, carried: Carried | None = None) -> tuple[Tensor, State]:
    """The mean loss of a batch and what the encoder's activity costs (Merity et al. 2017), and its state after it."""
    trace = network.trace(batch.past, batch.step, batch.beside, carried)
    total, count = _compared(trace.prediction, network.architecture, batch, goal)
    loss = total / count.clamp(min=1)
    price = goal.training.activation_penalty
    return (loss + price * trace.activity.square().mean() if price else loss), trace.state


def batch_loss(network: Network, batch: Batch, goal: Goal) -> tuple[Tensor, Tensor]:
    """Sum and count of the losses of a batch."""
    return _compared(network(batch.past, batch.step, batch.beside), network.architecture, batch, goal)


def _compared(prediction: Prediction, design: Architecture, batch: Batch, goal: Goal) -> tuple[Tensor, Tensor]:
    """Sum and count of the losses of a prediction beside what came."""
    boundaries = len(prediction.quantiles) // len(batch.past)
    first = batch.past.shape[1] - (boundaries - 1) * design.segment  # steps before the first of them
    future = batch.futures(first, design.segment)  # (F * B, H, K)
    weight = goal.weighing.weigh(batch.past[:, :first])
    if weight is not None:
        weight = weight.repeat(len(future) // len(weight), 1, 1)
    return losses.loss(*prediction, future, weight, batch.future_weights(first, design.segment))


@torch.inference_mode()
def mean_loss(network: Network, held_out: list[Batch], goal: Goal) -> float:
    """The mean loss over all validation windows; NaN where they hold nothing to measure, inf for lost weights."""
    network.eval()
    parts = [batch_loss(network, batch, goal) for batch in held_out]
    count = sum(part.item() for _, part in parts)
    total = sum(part.item() for part, _ in parts)
    if not count:
        return math.nan
    return total / count if math.isfinite(total) else math.inf


def check_losses(losses: Tensor) -> None:
    """Raise TrainingError at the first loss that shows that the training went astray."""
    finite = losses.isfinite()
    if not finite.all():
        step = int((~finite).int().argmax()) + 1
        raise TrainingError(f"the loss was {losses[step - 1].item()} at step {step}. {CALMER}")
    first, last = losses[:RECENT].median().item(), losses[-RECENT:].median().item()
    if last > DIVERGED * first:
        raise TrainingError(f"the loss grew from {first:.3g} to {last:.3g} at step {len(losses)}. {CALMER}")
