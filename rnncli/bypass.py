"""Linear maps from the past of a window to its future, beside the network. Pure tensors."""

import torch
from torch import Tensor, nn

from rnncli.config import Architecture


class Bypass(nn.Module):
    """What is linear in a forecast: a map from context to horizon (Zeng et al. 2023), the same for all targets.

    Or several, mixed for each window by what the encoder came to (Jacobs et al. 1991; Ni et al. 2024, MoLE): of the
    series of a panel some repeat yesterday, others last week. All begin at zero.
    """

    def __init__(self, design: Architecture) -> None:
        super().__init__()
        self.experts = design.experts
        self.weight = nn.Parameter(torch.zeros(design.experts * design.horizon, design.context))
        self.gate = nn.Linear(design.hidden, design.experts) if design.experts > 1 else None

    def forward(self, past: Tensor, output: Tensor) -> Tensor:
        """Past (B, L, K) without gaps, the encoder's last output (B, 1, hidden): (B, H, K)."""
        mapped = past.mT @ self.weight.mT  # (B, K, E * H)
        if self.gate is None:
            return mapped.mT
        shares = self.gate(output).softmax(dim=-1).unsqueeze(-1)  # (B, 1, E, 1)
        return (mapped.reshape(*mapped.shape[:2], self.experts, -1) * shares).sum(dim=2).mT
