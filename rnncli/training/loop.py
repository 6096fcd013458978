"""One network, update after update: what an update is, and when the weights did best. Knows nothing of designs.

Weights averaged over the last steps (Polyak and Juditsky 1992), stopped early on windows that come after every training
window. All that the next update depends on can be kept, and taken up again.
"""

import copy
import math
from collections.abc import Callable, Iterable
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
from rnncli.training.losses import LossWeights
from rnncli.training.optimiser import Optimiser
from rnncli.windows.batch import Batch

EMA_DECAY = 0.99  # share of the old average kept at each step: a mean over about the last hundred steps
VALIDATION_CHECKS = 20  # validation checks in a full run
DIVERGED = 100.0  # times the first losses
ADVICE = "Use a smaller --learning-rate or --clip"
SMOOTHED_LOSSES = 10  # losses smoothed for display and for telling divergence
KEPT = ("step", "steps", "rate", "_losses", "_norms", "_lowest", "_best_step", "_patience")  # of a loop, as they are


class Progress(NamedTuple):
    """How far the training of one network has come."""

    step: int
    steps: int
    loss: float  # mean of the last steps
    validation: float  # newest averaged weights, NaN before the first check


class Objective(NamedTuple):
    """What is minimised, and how."""

    weighing: LossWeights
    training: Training


class FittedNetwork(NamedTuple):
    """The network that did best."""

    network: Network
    steps: int
    planned: int
    validation: float
    rate: float | None  # the learning rate, where it was to be found


ValidationBatches = Callable[
    [Network], Iterable[tuple[Batch, CarriedState | None]]
]  # windows, and what a network brings along to them


class Trainer:
    """The fitting of one network, update after update; what it has come to can be kept, and taken up again."""

    def __init__(
        self,
        network: Network,
        source: RandomBatches | StatefulBatches,
        goal: Objective,
        held_out: ValidationBatches,
        generator: torch.Generator,
        steps: int,
        rate: float | None,
    ) -> None:
        training, self.network, self.steps, self.rate = goal.training, network, steps, rate
        self._source, self._goal, self._held_out, self._generator = source, goal, held_out, generator
        self._descent = Optimiser(
            network, training.model_copy(update={"learning_rate": rate}) if rate else training, steps
        )
        averaged = AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(EMA_DECAY))  # type: ignore[no-untyped-call]
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
            self.network, self._source, self._descent, self._goal, (self.step - 1) / self.steps
        )
        self._averaged.update_parameters(self.network)
        if self.step % max(1, self.steps // VALIDATION_CHECKS) == 0 or self.step == self.steps:
            self._check()
        if self.step % SMOOTHED_LOSSES == 0 or self.step == self.steps:
            check_losses(self._losses[: self.step])

    def _check(self) -> None:
        """How the averaged weights do on the validation windows."""
        check_losses(self._losses[: self.step])
        averaged = cast(Network, self._averaged.module)
        loss = mean_loss(averaged, self._held_out(averaged), self._goal)
        self._checks.append((self.step, loss))
        if math.isinf(loss):
            raise TrainingError(f"the validation loss was no number at step {self.step}. {ADVICE}")
        self._descent.checked(loss)
        if loss < self._lowest or math.isnan(loss):
            self._best, self._lowest, self._best_step = copy.deepcopy(averaged.state_dict()), loss, self.step
            self._patience = self._goal.training.patience
        else:
            self._patience -= 1

    def progress(self) -> Progress:
        """How far it is."""
        recent = self._losses[max(0, self.step - SMOOTHED_LOSSES) : self.step].mean().item()
        return Progress(self.step, self.steps, recent, self._checks[-1][1] if self._checks else math.nan)

    def went(self) -> tuple[np.ndarray, np.ndarray, list[tuple[int, float]]]:
        """Losses and norms of the gradient of each update, and the validation losses."""
        made = (one[: self.step].cpu().numpy() for one in (self._losses, self._norms))
        return next(made), next(made), self._checks

    def best(self) -> FittedNetwork:
        """The network with the weights that did best."""
        if self._best is not None:
            self.network.load_state_dict(self._best)
        self.network.eval()
        return FittedNetwork(self.network, self._best_step, self.steps, self._lowest, self.rate)

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


def update(
    network: Network, source: BatchSource, descent: Optimiser, goal: Objective, done: float = 0.0
) -> tuple[Tensor, Tensor]:
    """One step downhill, with this share of them done; the loss before it, and the norm that its gradient had."""
    batch, carried = source.batch()
    loss, state = penalised_loss(network, batch, goal, carried, done)
    source.go_on(state)
    norm = descent.step(loss)
    return loss.detach(), norm


def penalised_loss(
    network: Network, batch: Batch, goal: Objective, carried: CarriedState | None = None, done: float = 0.0
) -> tuple[Tensor, State]:
    """The mean loss of a batch and what the encoder's activity costs (Merity et al. 2017), and its state after it.

    done: the share of the training that is over.
    """
    share, lesson = goal.training.teacher_forcing * (1 - done), None
    if share:
        lesson = TeacherForcing(batch.futures(network.context, network.architecture.segment), share)
    trace = network.trace(batch.past, batch.step, batch.covariates, carried, lesson)
    total, count = _compared(network, trace.prediction, batch, goal)
    loss = total / count.clamp(min=1)
    price = goal.training.activation_penalty
    return (loss + price * trace.outputs.square().mean() if price else loss), trace.state


def batch_loss(
    network: Network, batch: Batch, goal: Objective, carried: CarriedState | None = None
) -> tuple[Tensor, Tensor]:
    """Sum and count of the losses of a batch."""
    trace = network.trace(batch.past, batch.step, batch.covariates, carried)
    return _compared(network, trace.prediction, batch, goal)


def _compared(network: Network, prediction: Prediction, batch: Batch, goal: Objective) -> tuple[Tensor, Tensor]:
    """Sum and count of the losses of a prediction beside what came."""
    design, boundaries = network.architecture, len(prediction.quantiles) // len(batch.past)
    first = batch.past.shape[1] - (boundaries - 1) * design.segment  # steps before the first of them
    future = batch.futures(first, design.segment)  # (F * B, H, K)
    weight = goal.weighing.weigh(batch.past[:, :first])
    if weight is not None:
        weight = weight.repeat(len(future) // len(weight), 1, 1)
    return losses.prediction_loss(network.head, prediction, future, weight, batch.future_weights(first, design.segment))


@torch.inference_mode()
def mean_loss(network: Network, held_out: Iterable[tuple[Batch, CarriedState | None]], goal: Objective) -> float:
    """The mean loss over all validation windows; NaN where they hold nothing to measure, inf for lost weights."""
    network.eval()
    parts = [batch_loss(network, batch, goal, carried) for batch, carried in held_out]
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
        raise TrainingError(f"the loss was {losses[step - 1].item()} at step {step}. {ADVICE}")
    first, last = losses[:SMOOTHED_LOSSES].median().item(), losses[-SMOOTHED_LOSSES:].median().item()
    if last > DIVERGED * first > 0:  # 0: of a table that hardly ever moves
        raise TrainingError(f"the loss grew from {first:.3g} to {last:.3g} at step {len(losses)}. {ADVICE}")
