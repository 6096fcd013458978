"""Learning rate range test (Smith 2017)."""

import copy
import math
from collections.abc import Callable, Iterator

import numpy as np
from torch import Tensor, nn

from rnncli.config.sections import Training
from rnncli.training.optimiser import Optimiser

RATES = np.geomspace(1e-5, 1.0, 60)  # one for each update of the test
SMOOTHING = 0.8  # weight of the earlier losses in the smoothed loss
DIVERGED = 4.0  # times the lowest loss: higher rates need no test
SAFETY = 0.1  # times the rate with the lowest loss is safe for a whole training


def find_learning_rate(
    network: nn.Module, training: Training, losses: Iterator[Callable[[nn.Module], Tensor]]
) -> float:
    """Return a tenth of the rate with the lowest loss, raising the rate with each update until the loss diverges.

    losses: the loss of each batch as a function of the network. The network itself is not changed.
    """
    trial = copy.deepcopy(network).train()
    constant = training.model_copy(update={"schedule": "constant", "warm_up": None})
    optimiser = Optimiser(trial, constant, len(RATES))
    smooth, history = math.nan, list[float]()
    for rate, loss_of in zip(RATES, losses, strict=False):
        optimiser.set_rate(float(rate))
        loss = loss_of(trial)
        smooth = loss.item() if math.isnan(smooth) else SMOOTHING * smooth + (1 - SMOOTHING) * loss.item()
        if not math.isfinite(smooth) or (history and smooth > DIVERGED * min(history)):
            break
        history.append(smooth)
        optimiser.step(loss)
    return float(f"{SAFETY * RATES[int(np.argmin(history))]:.2g}") if history else training.learning_rate
