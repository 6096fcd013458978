"""Dropout, optionally with one mask for all steps of a sequence."""

import torch
from torch import Tensor, nn
from torch.nn import functional


class Dropout(nn.Module):
    """Set a share of the units to zero in training (Srivastava et al. 2014).

    Variational: the same units at all steps of a sequence (Gal and Ghahramani 2016).
    """

    def __init__(self, share: float, variational: bool) -> None:
        super().__init__()
        self.share, self.variational = share, variational

    def forward(self, steps: Tensor) -> Tensor:
        """Return steps (B, N, C), the remaining units scaled up; unchanged outside of training."""
        if not self.variational:
            return functional.dropout(steps, self.share, self.training)
        return steps * functional.dropout(torch.ones_like(steps[:, :1]), self.share, self.training)
