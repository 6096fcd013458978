"""Batch normalisation of what an encoder reads."""

import torch
from torch import Tensor, nn
from torch.nn import functional


class BatchNorm(nn.Module):
    """Each unit less its mean, by its deviation, over a batch and its steps (Ioffe and Szegedy 2015).

    Where nothing is trained, by the running ones. They are all that it keeps: a model file holds 32-bit numbers alone,
    no count of batches.
    """

    def __init__(self, units: int) -> None:
        super().__init__()
        self.size, self.level = nn.Parameter(torch.ones(units)), nn.Parameter(torch.zeros(units))
        self.register_buffer("mean", torch.zeros(units))
        self.register_buffer("variance", torch.ones(units))
        self.mean: Tensor
        self.variance: Tensor

    def forward(self, steps: Tensor) -> Tensor:
        """Steps (B, N, units), normed."""
        normed = functional.batch_norm(
            steps.flatten(0, 1), self.mean, self.variance, self.size, self.level, self.training
        )
        return normed.reshape(steps.shape)
