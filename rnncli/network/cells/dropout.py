"""Units left out at random, so that the others learn to do without them (Srivastava et al. 2014)."""

import torch
from torch import Tensor, nn
from torch.nn import functional


class Dropout(nn.Module):
    """Variational: the same units at every step of a sequence (Gal and Ghahramani 2016), else others at each."""

    def __init__(self, share: float, variational: bool) -> None:
        super().__init__()
        self.share, self.variational = share, variational

    def forward(self, steps: Tensor) -> Tensor:
        """Steps (B, N, C), those left out 0 and the rest as much larger; all of them where nothing is trained."""
        if not self.variational:
            return functional.dropout(steps, self.share, self.training)
        return steps * functional.dropout(torch.ones_like(steps[:, :1]), self.share, self.training)
