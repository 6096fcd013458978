"""Optimiser, learning rate schedule, gradient clipping and weight penalties.

The gradient is clipped by value if `clip_value` is set, then by its norm (Pascanu et al. 2013).
"""

import inspect
import math
from collections.abc import Callable
from functools import cache
from typing import Any, assert_never

import torch
from torch import Tensor, nn
from torch.optim import SGD, Adam, AdamW, Optimizer, RMSprop
from torch.optim.lr_scheduler import LambdaLR, LRScheduler, OneCycleLR

from rnncli.config.fields import MOMENTUM, WARM_UP, ScheduleName
from rnncli.config.sections import Training

PLATEAU_CHECKS = 2  # validation checks without a lower loss that make a plateau
PLATEAU_FACTOR = 1 / 3  # of the learning rate after a plateau
WRAPPED = ("step", "zero_grad", "add_param_group", "state_dict", "load_state_dict")  # methods of torch optimisers


class Optimiser:
    """Updates the weights of a network, at a learning rate that follows its schedule."""

    def __init__(self, network: nn.Module, training: Training, steps: int) -> None:
        self._network, self._training = network, training
        self.optimiser = torch_optimiser(network, training)
        self._reduction, self._lowest, self._stalled = 1.0, math.inf, 0
        self._schedule = self._scheduled(steps)

    def step(self, loss: Tensor) -> Tensor:
        """Make an update, and return the norm of the gradient before clipping."""
        training, weights = self._training, list(self._network.parameters())
        self.optimiser.zero_grad(set_to_none=True)
        (loss + penalty(weights, training)).backward()  # type: ignore[no-untyped-call]  # torch has no types here
        if training.clip_value is not None:
            nn.utils.clip_grad_value_(weights, training.clip_value)
        norm = nn.utils.clip_grad_norm_(weights, training.clip, foreach=True)
        self.optimiser.step()
        self._schedule.step()
        return norm

    def set_rate(self, rate: float) -> None:
        """Set the learning rate of the next update."""
        for group in self.optimiser.param_groups:
            group["lr"] = rate

    def record_validation(self, loss: float) -> None:
        """Record a validation loss: the plateau schedule reduces the learning rate when it stalls."""
        self._stalled = 0 if loss < self._lowest else self._stalled + 1
        self._lowest = min(loss, self._lowest)
        if self._stalled >= PLATEAU_CHECKS:
            self._reduction, self._stalled = self._reduction * PLATEAU_FACTOR, 0

    def state(self) -> dict[str, Any]:
        """Return all that the next update depends on, except for the weights."""
        plateau = {"reduction": self._reduction, "lowest": self._lowest, "stalled": self._stalled}
        return plateau | {"optimiser": self.optimiser.state_dict(), "schedule": self._schedule.state_dict()}

    def load(self, state: dict[str, Any]) -> None:
        """Restore the state."""
        self._reduction, self._lowest, self._stalled = state["reduction"], state["lowest"], state["stalled"]
        self.optimiser.load_state_dict(state["optimiser"])
        self._schedule.load_state_dict(state["schedule"])

    def _scheduled(self, steps: int) -> LRScheduler:
        training = self._training
        if training.schedule == "one-cycle":
            # Smith and Topin (2018): the rate rises and falls; the momentum of Adam falls and rises.
            cycle_momentum = training.optimiser in ("adamw", "adam")
            share = WARM_UP if training.warm_up is None else training.warm_up
            if abs(share * steps - 1) < 1e-6:  # with a rise of one step, torch divides by its steps less one
                share *= 1 + 1e-5
            peak = training.learning_rate
            return OneCycleLR(self.optimiser, peak, total_steps=steps, pct_start=share, cycle_momentum=cycle_momentum)
        rise = (training.warm_up or 0.0) * steps
        reduces = training.schedule == "plateau"

        def factor(step: int) -> float:
            warm_up = min(1.0, (step + 1) / rise) if rise else 1.0
            return warm_up * rate_factor(training.schedule, step / steps) * (self._reduction if reduces else 1.0)

        return LambdaLR(self.optimiser, factor)


def rate_factor(schedule: ScheduleName, share: float) -> float:
    """Return the learning rate relative to its peak; share: of the steps that are done."""
    match schedule:
        case "step":
            return 0.1 ** int(3 * share)
        case "cosine":  # Loshchilov and Hutter (2017)
            return 0.5 * (1 + math.cos(math.pi * share))
        case "constant" | "plateau" | "one-cycle":
            return 1.0
    assert_never(schedule)


def torch_optimiser(network: nn.Module, training: Training) -> Optimizer:
    """Return the optimiser of the weights.

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


@cache
def _without_compiler(kind: type[Optimizer]) -> Callable[..., Optimizer]:
    """Return the optimiser class with methods that do not import torch.compile, which takes each process 2 s.

    PyTorch wraps these methods so that torch.compile leaves them alone. What they wrap computes the same.
    """
    methods = {name: inspect.unwrap(getattr(kind, name)) for name in WRAPPED}
    return type(kind.__name__, (kind,), methods | {"step": torch.no_grad()(methods["step"])})


def penalty(weights: list[nn.Parameter], training: Training) -> Tensor | float:
    """Return the L1 (Tibshirani 1996) and L2 (Hoerl and Kennard 1970) penalties of the weights."""
    total: Tensor | float = 0.0
    if training.l1:
        total = total + training.l1 * torch.stack([weight.abs().sum() for weight in weights]).sum()
    if training.l2:
        total = total + training.l2 * torch.stack([weight.square().sum() for weight in weights]).sum()
    return total
