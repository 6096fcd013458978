"""The linear part of a forecast: maps from inputs straight to outputs, beside the recurrent part. Pure tensors."""

import torch
from torch import Tensor, nn


class LinearExperts(nn.Module):
    """One linear map (Zeng et al. 2023), or several mixed per window (Ni et al. 2024, MoLE), all zero at first.

    The encoder's output determines the weights of the mixture (Jacobs et al. 1991): in a panel some series repeat the
    last day, others the last week.
    """

    def __init__(self, inputs: int, outputs: int, experts: int, hidden: int) -> None:
        super().__init__()
        self.outputs = outputs
        self.weight = nn.Parameter(torch.zeros(experts * outputs, inputs))
        self.gate = nn.Linear(hidden, experts) if experts > 1 else None

    def forward(self, values: Tensor, encoded: Tensor) -> Tensor:
        """Map values (B, K, inputs) without gaps to (B, K, outputs); encoded: (B, 1, hidden), the encoder's output."""
        mapped = values @ self.weight.mT  # (B, K, E * outputs)
        if self.gate is None:
            return mapped
        shares = self.gate(encoded).softmax(dim=-1).unsqueeze(-1)  # (B, 1, E, 1)
        return (mapped.reshape(*mapped.shape[:2], -1, self.outputs) * shares).sum(dim=2)
