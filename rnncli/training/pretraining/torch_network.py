"""The pretrained network in torch, for training; rnncli.model.pretrained.network computes the same in NumPy."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from rnncli.model.pretrained.network import CORRECTION, LEVELS, MIDDLE, SHARPNESS, TRUST, Weights
from rnncli.model.pretrained.window_features import AHEAD_INPUTS, CANDIDATES, STEP_INPUTS, TRAITS, WindowFeatures

LOSS_CAP = 8.0  # of a window, in seasonal changes
MAX_NORM = 1.0  # of the gradient of a network
START = 0.1  # of the usual size of the output's weights: training starts near the plain mean of simple forecasts


class TorchNetwork(nn.Module):
    """A gated recurrent unit over the window, and a perceptron for each step ahead."""

    def __init__(self, units: int, width: int) -> None:
        super().__init__()
        self.encoder = nn.GRU(STEP_INPUTS, units, batch_first=True)
        self.context = nn.Linear(units + TRAITS + 2 * CANDIDATES, width)
        self.step = nn.Linear(CANDIDATES + AHEAD_INPUTS, width)
        self.first, self.second = nn.Linear(width, width), nn.Linear(width, width)
        self.output = nn.Linear(width, CANDIDATES + 1 + len(LEVELS))
        with torch.no_grad():
            self.output.weight.mul_(START)

    def forward(self, features: WindowFeatures) -> Tensor:
        """Return the quantiles (B, H, Q) in scales around the centre of each window."""
        sequence, traits, errors, accuracy, candidates, relative, ahead = map(torch.from_numpy, features[:7])
        state = self.encoder(sequence)[1][0]  # (B, N)
        context = self.context(torch.cat([state, traits, errors, accuracy], dim=-1)).unsqueeze(1)
        hidden = functional.gelu(context + self.step(torch.cat([relative, ahead], dim=-1)), approximate="tanh")
        for layer in (self.first, self.second):
            hidden = hidden + functional.gelu(layer(hidden), approximate="tanh")
        output = self.output(hidden)  # (B, H, K + 1 + Q)
        shares = (SHARPNESS * output[..., :CANDIDATES] + TRUST * accuracy.unsqueeze(1)).softmax(dim=-1)
        mean = (shares * candidates).sum(dim=-1, keepdim=True)
        spread = (shares * (candidates - mean).abs()).sum(dim=-1, keepdim=True)
        middle = mean + output[..., CANDIDATES : CANDIDATES + 1] * (CORRECTION + spread)
        unit = functional.softplus(output[..., CANDIDATES + 1 : CANDIDATES + 2] + 1) * (1 + spread)
        gaps = functional.softplus(output[..., CANDIDATES + 2 :]) * unit
        below = gaps[..., :MIDDLE].flip(-1).cumsum(dim=-1).flip(-1)
        return torch.cat([middle - below, middle, middle + gaps[..., MIDDLE:].cumsum(dim=-1)], dim=-1)

    def weights(self) -> Weights:
        """Return the weights by name, as the NumPy network takes them."""
        return {name: value.detach().numpy().astype(np.float32) for name, value in self.state_dict().items()}


def pinball_loss(quantiles: Tensor, actual: Tensor) -> Tensor:
    """Return the mean pinball loss (Koenker and Bassett 1978) over windows; beyond LOSS_CAP it grows logarithmically.

    quantiles: (B, H, Q). actual: (B, H).
    """
    levels = torch.tensor(LEVELS)
    errors = actual.unsqueeze(-1) - quantiles
    losses = 2 * torch.maximum(levels * errors, (levels - 1) * errors).mean(dim=(1, 2))
    return torch.where(losses > LOSS_CAP, LOSS_CAP * (1 + (losses.clamp(min=LOSS_CAP) / LOSS_CAP).log()), losses).mean()


def update_weights(networks: Sequence[TorchNetwork], optimiser: torch.optim.Optimizer, loss: Tensor) -> None:
    """Change the weights by the gradient of a loss, clipped for each network."""
    optimiser.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    for network in networks:
        torch.nn.utils.clip_grad_norm_(network.parameters(), MAX_NORM)
    optimiser.step()
