"""Batch normalisation of an encoder's input."""

import torch
from torch import Tensor, nn
from torch.nn import functional


class BatchNorm(nn.Module):
    """Normalise each unit by its mean and deviation over a batch and its steps (Ioffe and Szegedy 2015).

    Outside of training, by the running statistics. Unlike torch's module it has no count of batches: a model file holds
    32-bit numbers only.
    """

    def __init__(self, units: int) -> None:
        super().__init__()
        self.size, self.level = nn.Parameter(torch.ones(units)), nn.Parameter(torch.zeros(units))
        self.register_buffer("mean", torch.zeros(units))
        self.register_buffer("variance", torch.ones(units))
        self.mean: Tensor
        self.variance: Tensor

    def forward(self, steps: Tensor) -> Tensor:
        """Return steps (B, N, units), normalised."""
        normalised = functional.batch_norm(
            steps.flatten(0, 1), self.mean, self.variance, self.size, self.level, self.training
        )
        return normalised.reshape(steps.shape)
