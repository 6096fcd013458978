"""The linear part of a forecast, beside the recurrent one. Pure tensors."""

import torch
from torch import Tensor, nn


class LinearExperts(nn.Module):
    """A linear map (Zeng et al. 2023), or a mixture of several, of its own for each window (Ni et al. 2024, MoLE).

    What the encoder came to tells its shares (Jacobs et al. 1991): of the series of a panel some repeat yesterday,
    others last week. All maps begin at zero.
    """

    def __init__(self, read: int, told: int, experts: int, hidden: int) -> None:
        """read, told: length of what is mapped, and of what comes of it."""
        super().__init__()
        self.told = told
        self.weight = nn.Parameter(torch.zeros(experts * told, read))
        self.gate = nn.Linear(hidden, experts) if experts > 1 else None

    def forward(self, values: Tensor, output: Tensor) -> Tensor:
        """Values (B, K, read) without gaps, the encoder's last output (B, 1, hidden): (B, K, told)."""
        mapped = values @ self.weight.mT  # (B, K, E * told)
        if self.gate is None:
            return mapped
        shares = self.gate(output).softmax(dim=-1).unsqueeze(-1)  # (B, 1, E, 1)
        return (mapped.reshape(*mapped.shape[:2], -1, self.told) * shares).sum(dim=2)
