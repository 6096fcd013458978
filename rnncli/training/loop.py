"""The training loop of one network: updates, validation checks, early stopping, and its state for checkpoints.

The weights are averaged over the last updates (Polyak and Juditsky 1992). The best averaged weights on validation
windows, which come after all training windows, are the result.
"""

import copy
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple, cast

import numpy as np
import torch
from torch import Tensor
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from rnncli.config.sections import Training
from rnncli.errors import TrainingError
from rnncli.network.cells import State
from rnncli.network.network import Network
from rnncli.network.teacher_forcing import TeacherForcing
from rnncli.network.tensors import CarriedState, Prediction
from rnncli.training import losses
from rnncli.training.batch_sources import BatchSource, RandomBatches, StatefulBatches
from rnncli.training.losses import LossSum, LossWeights
from rnncli.training.optimiser import Optimiser
from rnncli.training.progress import Progress
from rnncli.windows.batch import Batch

EMA_DECAY = 0.99  # of the averaged weights: a mean over about the last hundred updates
VALIDATION_CHECKS = 20  # in a full training
DIVERGED = 100.0  # times the first losses
ADVICE = "Use a smaller --learning-rate or --clip"
SMOOTHED_LOSSES = 10  # updates over which losses are smoothed, for the progress and to detect divergence


class Objective(NamedTuple):
    """Objective of a training."""

    weights: LossWeights
    training: Training


class Schedule(NamedTuple):
    """The steps of a training, and its learning rate if a range test found one."""

    steps: int
    learning_rate: float | None


class FittedNetwork(NamedTuple):
    """A network with its best weights."""

    network: Network
    best_step: int
    schedule: Schedule
    updates: int  # made


class History(NamedTuple):
    """The course of a training."""

    losses: np.ndarray  # (N,) of each update
    gradient_norms: np.ndarray  # (N,)
    checks: list[tuple[int, float]]  # steps and validation losses


# Yields the validation windows and the encoder states of this network that are carried to them.
ValidationBatches = Callable[[Network], Iterable[tuple[Batch, CarriedState | None]]]


@dataclass
class TrainerState:
    """State that changes with each update, besides weights, optimiser, batches and random numbers."""

    losses: Tensor  # (N,) of each update
    norms: Tensor  # (N,) of the gradient
    patience: int  # validation checks without a lower loss until the training stops
    step: int = 0
    lowest: float = math.inf  # validation loss
    best_step: int = 0
    best: dict[str, Tensor] | None = None  # averaged weights with the lowest loss
    checks: list[tuple[int, float]] = field(default_factory=list)  # steps and validation losses


class Trainer:
    """Trains one network, update after update."""

    def __init__(
        self,
        network: Network,
        source: RandomBatches | StatefulBatches,
        objective: Objective,
        validation: ValidationBatches,
        generator: torch.Generator,
        schedule: Schedule,
    ) -> None:
        training, rate = objective.training, schedule.learning_rate
        self.network, self.schedule = network, schedule
        self._source, self._objective, self._validation, self._generator = source, objective, validation, generator
        if rate:
            training = training.model_copy(update={"learning_rate": rate})
        self._optimiser = Optimiser(network, training, schedule.steps)
        averaged = AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(EMA_DECAY))  # type: ignore[no-untyped-call]  # torch has no types here
        self._averaged = averaged
        losses, norms = torch.zeros(2, schedule.steps, device=next(network.parameters()).device)
        self._state = TrainerState(losses, norms, training.patience)

    @property
    def step(self) -> int:
        """Updates so far."""
        return self._state.step

    @property
    def ended(self) -> bool:
        """Return whether all steps are done, or the validation loss has stopped falling."""
        return self.step == self.schedule.steps or self._state.patience == 0

    def advance(self) -> None:
        """Make an update, and a validation check if it is due. Raise TrainingError if the training diverges."""
        state, steps = self._state, self.schedule.steps
        state.step += 1
        self.network.train()
        state.losses[state.step - 1], state.norms[state.step - 1] = update(
            self.network, self._source, self._optimiser, self._objective, (state.step - 1) / steps
        )
        self._averaged.update_parameters(self.network)
        if state.step % max(1, steps // VALIDATION_CHECKS) == 0 or state.step == steps:
            self._check()
        if state.step % SMOOTHED_LOSSES == 0 or state.step == steps:
            check_losses(state.losses[: state.step])

    def _check(self) -> None:
        """Compute the validation loss of the averaged weights, and keep these if it is the lowest."""
        state = self._state
        check_losses(state.losses[: state.step])
        averaged = cast(Network, self._averaged.module)
        loss = mean_loss(averaged, self._validation(averaged), self._objective)
        state.checks.append((state.step, loss))
        if math.isinf(loss):
            raise TrainingError(f"the validation loss was not finite at step {state.step}. {ADVICE}")
        self._optimiser.record_validation(loss)
        if loss < state.lowest or math.isnan(loss):
            state.best, state.lowest, state.best_step = copy.deepcopy(averaged.state_dict()), loss, state.step
            state.patience = self._objective.training.patience
        else:
            state.patience -= 1

    def progress(self) -> Progress:
        """Return the step and the newest losses."""
        state = self._state
        recent = state.losses[max(0, state.step - SMOOTHED_LOSSES) : state.step].mean().item()
        return Progress(state.step, self.schedule.steps, recent, state.checks[-1][1] if state.checks else math.nan)

    def history(self) -> History:
        """Return the losses and gradient norms so far."""
        losses, norms = (series[: self.step].cpu().numpy() for series in (self._state.losses, self._state.norms))
        return History(losses, norms, self._state.checks)

    def best(self) -> FittedNetwork:
        """Return the network with the weights of the lowest validation loss."""
        if self._state.best is not None:
            self.network.load_state_dict(self._state.best)
        self.network.eval()
        return FittedNetwork(self.network, self._state.best_step, self.schedule, self.step)

    def state(self) -> dict[str, Any]:
        """Return all that the next update depends on."""
        return {
            "schedule": self.schedule._asdict(),
            "trainer": dict(vars(self._state)),
            "network": self.network.state_dict(),
            "averaged": self._averaged.state_dict(),
            "optimiser": self._optimiser.state(),
            "source": self._source.state(),
            "random": self._generator.get_state(),
            "dropout": torch.get_rng_state(),
        }

    def load(self, state: dict[str, Any]) -> None:
        """Restore the state."""
        self._state = TrainerState(**state["trainer"])
        self.network.load_state_dict(state["network"])
        self._averaged.load_state_dict(state["averaged"])
        self._optimiser.load(state["optimiser"])
        self._source.load(state["source"])
        self._generator.set_state(state["random"])
        torch.set_rng_state(state["dropout"])


class Update(NamedTuple):
    """Measurements of an update."""

    loss: Tensor  # before it
    norm: Tensor  # of the gradient


def update(
    network: Network, source: BatchSource, optimiser: Optimiser, objective: Objective, done: float = 0.0
) -> Update:
    """Make an update; done: share of the training before it."""
    batch = source.next_batch()
    loss, state = penalised_loss(network, batch.windows, objective, batch.carried, done)
    source.advance(state)
    norm = optimiser.step(loss)
    return Update(loss.detach(), norm)


class PenalisedLoss(NamedTuple):
    """The loss of a batch, and the encoder states after it."""

    loss: Tensor
    state: State


def penalised_loss(
    network: Network, batch: Batch, objective: Objective, carried: CarriedState | None = None, done: float = 0.0
) -> PenalisedLoss:
    """Return the mean loss of a batch, plus the penalty of the encoder's activations (Merity et al. 2017).

    done: share of the training before this update.
    """
    share, forcing = objective.training.teacher_forcing * (1 - done), None
    if share:
        forcing = TeacherForcing(batch.futures(network.context, network.architecture.segment), share)
    trace = network.trace(batch.past, batch.step, batch.covariates, carried, forcing)
    total, count = _loss_sum(network, trace.prediction, batch, objective)
    loss = total / count.clamp(min=1)
    price = objective.training.activation_penalty
    return PenalisedLoss(loss + price * trace.outputs.square().mean() if price else loss, trace.state)


def batch_loss(network: Network, batch: Batch, objective: Objective, carried: CarriedState | None = None) -> LossSum:
    """Return the sum and count of the losses of a batch."""
    trace = network.trace(batch.past, batch.step, batch.covariates, carried)
    return _loss_sum(network, trace.prediction, batch, objective)


def _loss_sum(network: Network, prediction: Prediction, batch: Batch, objective: Objective) -> LossSum:
    segment = network.architecture.segment
    boundaries = len(prediction.quantiles) // len(batch.past)
    first = batch.past.shape[1] - (boundaries - 1) * segment  # steps before the first boundary
    future = batch.futures(first, segment)  # (F * B, H, K)
    weight = objective.weights.weigh(batch.past[:, :first])
    if weight is not None:
        weight = weight.repeat(len(future) // len(weight), 1, 1)
    return losses.prediction_loss(network.head, prediction, future, weight, batch.future_weights(first, segment))


@torch.inference_mode()
def mean_loss(network: Network, validation: Iterable[tuple[Batch, CarriedState | None]], objective: Objective) -> float:
    """Return the mean loss over all validation windows; NaN without any value in them, infinite if it overflows."""
    network.eval()
    parts = [batch_loss(network, batch, objective, carried) for batch, carried in validation]
    count = sum(part.terms.item() for part in parts)
    total = sum(part.total.item() for part in parts)
    if not count:
        return math.nan
    return total / count if math.isfinite(total) else math.inf


def check_losses(losses: Tensor) -> None:
    """Raise TrainingError if a loss is not finite, or the last losses are many times the first."""
    finite = losses.isfinite()
    if not finite.all():
        step = int((~finite).int().argmax()) + 1
        raise TrainingError(f"the loss was {losses[step - 1].item()} at step {step}. {ADVICE}")
    first, last = losses[:SMOOTHED_LOSSES].median().item(), losses[-SMOOTHED_LOSSES:].median().item()
    if last > DIVERGED * first > 0:  # 0: the table is almost constant
        raise TrainingError(f"the loss grew from {first:.3g} to {last:.3g} at step {len(losses)}. {ADVICE}")
