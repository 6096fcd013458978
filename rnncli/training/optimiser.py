"""How weights are moved: optimiser, learning rate, limits on the gradient, penalties. Knows nothing of windows.

The gradient is clipped part by part where that was asked for, then by its norm (Pascanu et al. 2013).
"""

import copy
import inspect
import math
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, assert_never

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import SGD, Adam, AdamW, Optimizer, RMSprop
from torch.optim.lr_scheduler import LambdaLR, LRScheduler, OneCycleLR

from rnncli.config.sections import MOMENTUM, WARM_UP, ScheduleName, Training

PLATEAU_CHECKS, PLATEAU_FACTOR = (
    2,
    1 / 3,
)  # checks without a better loss after which a plateau is left, and the rate it is left with
TRIED = np.geomspace(1e-5, 1.0, 60)  # learning rates of a range test, one a step
SMOOTHED = 0.8  # share of the losses before in the one that a range test looks at
LOST = 4.0  # times the lowest loss: no higher rate is worth a look
BELOW = 0.1  # times the rate with the lowest loss is one that is safe for a whole training


class Optimiser:
    """Moves the weights of a network, step by step, at a learning rate that follows its schedule."""

    def __init__(self, network: nn.Module, training: Training, steps: int) -> None:
        self._network, self._training = network, training
        self.optimiser = torch_optimiser(network, training)
        self._cooled, self._lowest, self._stalled = 1.0, math.inf, 0
        self._schedule = self._scheduled(steps)

    def step(self, loss: Tensor) -> Tensor:
        """Downhill from a loss, as far as the limits on its gradient allow; the norm that the gradient had before."""
        training, weights = self._training, list(self._network.parameters())
        self.optimiser.zero_grad(set_to_none=True)
        (loss + penalty(weights, training)).backward()  # type: ignore[no-untyped-call]
        if training.clip_value is not None:
            nn.utils.clip_grad_value_(weights, training.clip_value)
        norm = nn.utils.clip_grad_norm_(weights, training.clip, foreach=True)
        self.optimiser.step()
        self._schedule.step()
        return norm

    def checked(self, loss: float) -> None:
        """What a check on held-out windows came to: a plateau ends where it stalls."""
        self._stalled = 0 if loss < self._lowest else self._stalled + 1
        self._lowest = min(loss, self._lowest)
        if self._stalled >= PLATEAU_CHECKS:
            self._cooled, self._stalled = self._cooled * PLATEAU_FACTOR, 0

    def state(self) -> dict[str, Any]:
        """All that the next step depends on, but for the weights."""
        own = {"cooled": self._cooled, "lowest": self._lowest, "stalled": self._stalled}
        return own | {"optimiser": self.optimiser.state_dict(), "schedule": self._schedule.state_dict()}

    def load(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        self._cooled, self._lowest, self._stalled = state["cooled"], state["lowest"], state["stalled"]
        self.optimiser.load_state_dict(state["optimiser"])
        self._schedule.load_state_dict(state["schedule"])

    def _scheduled(self, steps: int) -> LRScheduler:
        training = self._training
        if training.schedule == "one-cycle":
            # Smith and Topin (2018): the rate up and down again, Adam's own momentum down and up.
            cycled, rises = training.optimiser in ("adamw", "adam"), training.warm_up
            share = WARM_UP if rises is None else rises
            if abs(share * steps - 1) < 1e-6:  # a rise of just one step: torch divides by its steps less one
                share *= 1 + 1e-5
            peak = training.learning_rate
            return OneCycleLR(self.optimiser, peak, total_steps=steps, pct_start=share, cycle_momentum=cycled)
        rising = (training.warm_up or 0.0) * steps
        cooling = training.schedule == "plateau"

        def factor(step: int) -> float:
            warm = min(1.0, (step + 1) / rising) if rising else 1.0
            return warm * rate_factor(training.schedule, step / steps) * (self._cooled if cooling else 1.0)

        return LambdaLR(self.optimiser, factor)


def rate_factor(schedule: ScheduleName, share: float) -> float:
    """The learning rate, as a share of its peak, where this share of the steps is done."""
    match schedule:
        case "step":
            return 0.1 ** int(3 * share)
        case "cosine":  # Loshchilov and Hutter (2017)
            return 0.5 * (1 + math.cos(math.pi * share))
        case "constant" | "plateau" | "one-cycle":
            return 1.0
    assert_never(schedule)


def torch_optimiser(network: nn.Module, training: Training) -> Optimizer:
    """What moves a network's weights.

    AdamW (Loshchilov and Hutter 2019), Adam (Kingma and Ba 2015), gradient descent with momentum (Polyak 1964), RMSprop
    (Tieleman and Hinton 2012).
    """
    momentum = training.momentum
    kind: type[Optimizer]
    match training.optimiser:
        case "adamw":
            kind, options = AdamW, {"weight_decay": training.weight_decay}
        case "adam":
            kind, options = Adam, {}
        case "sgd":
            kind, options = SGD, {"momentum": MOMENTUM if momentum is None else momentum}
        case "rmsprop":
            kind, options = RMSprop, {"momentum": momentum or 0.0}
        case _:
            assert_never(training.optimiser)
    return _without_compiler(kind)(network.parameters(), lr=training.learning_rate, foreach=True, **options)


WRAPPED = ("step", "zero_grad", "add_param_group", "state_dict", "load_state_dict")


@cache
def _without_compiler(kind: type[Optimizer]) -> Callable[..., Optimizer]:
    """Return the optimiser class with methods that do not import torch.compile, which takes each process 2 s.

    PyTorch wraps these methods so that torch.compile leaves them alone. What they wrap computes the same.
    """
    methods = {name: inspect.unwrap(getattr(kind, name)) for name in WRAPPED}
    return type(kind.__name__, (kind,), methods | {"step": torch.no_grad()(methods["step"])})


def penalty(weights: list[nn.Parameter], training: Training) -> Tensor | float:
    """What the sizes of the weights cost: their sum (Tibshirani 1996), that of their squares (Hoerl, Kennard 1970)."""
    cost: Tensor | float = 0.0
    if training.l1:
        cost = cost + training.l1 * torch.stack([one.abs().sum() for one in weights]).sum()
    if training.l2:
        cost = cost + training.l2 * torch.stack([one.square().sum() for one in weights]).sum()
    return cost


def find_learning_rate(
    network: nn.Module, training: Training, losses: Iterator[Callable[[nn.Module], Tensor]]
) -> float:
    """A learning rate, by the range test of Smith (2017): raised from step to step until the loss is lost.

    A tenth of the one with the lowest loss. The network is left as it was; each of `losses` is that of a batch.
    """
    trial = copy.deepcopy(network).train()
    constant = training.model_copy(update={"schedule": "constant", "warm_up": None})
    descent = Optimiser(trial, constant, len(TRIED))
    smooth, seen = math.nan, list[float]()
    for rate, loss_of in zip(TRIED, losses, strict=False):
        for group in descent.optimiser.param_groups:
            group["lr"] = float(rate)
        loss = loss_of(trial)
        smooth = loss.item() if math.isnan(smooth) else SMOOTHED * smooth + (1 - SMOOTHED) * loss.item()
        if not math.isfinite(smooth) or (seen and smooth > LOST * min(seen)):
            break
        seen.append(smooth)
        descent.step(loss)
    return float(f"{BELOW * TRIED[int(np.argmin(seen))]:.2g}") if seen else training.learning_rate
