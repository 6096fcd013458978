"""Covariates known in advance, and where they enter a forecast. Pure tensors.

Three ways: into the recurrent step of their segment, into the readout of each step and, if numeric, straight into the
forecast by linear maps, as in regressions on prices and loads (Lago et al. 2021).
"""

import torch
from torch import Tensor, nn

from rnncli.config.architecture import Architecture
from rnncli.network.covariate_encoder import CovariateEncoder
from rnncli.network.linear_experts import LinearExperts

MOST_LINKED = 200_000  # weights of a map from all amounts to all steps; if it needs more, each step gets its own map


class KnownFutureEncoder(nn.Module):
    """Maps of the M segments to come, each step with P features and A amounts."""

    def __init__(self, design: Architecture, inputs: CovariateEncoder, targets: int, per_step: int) -> None:
        super().__init__()
        hidden, amounts = design.hidden, len(inputs.known)
        self.horizon, self.segment, self.targets = design.horizon, design.decoder_stride, targets
        self.entry = nn.Linear(design.decoder_stride * inputs.width, hidden)
        last = nn.Linear(hidden, per_step)
        self.detail = nn.Sequential(nn.Linear(inputs.width + amounts + hidden, hidden), nn.GELU(), last)
        self.linked = design.horizon**2 * amounts * targets <= MOST_LINKED
        times = design.horizon if self.linked else 1
        self.linear = LinearExperts(times * amounts, times * targets, design.experts, hidden) if amounts else None
        for parameter in (last.weight, last.bias):
            nn.init.zeros_(parameter)

    def embed_segments(self, steps: Tensor) -> Tensor:
        """Map features (B, M * segment, P) to a vector per segment (B, M, hidden)."""
        batch, length, width = steps.shape
        return self.entry(steps.reshape(batch, length // self.segment, self.segment * width))

    def read_steps(self, outputs: Tensor, steps: Tensor, amounts: Tensor) -> Tensor:
        """Map T steps, each with the decoder's output (B, M, hidden) of its segment, to head parameters (B, T, K * P').

        steps: (B, T, P) features. amounts: (B, T, A).
        """
        repeated = outputs.repeat_interleave(-(-steps.shape[1] // outputs.shape[1]), dim=1)[:, : steps.shape[1]]
        return self.detail(torch.cat([steps, amounts, repeated], dim=-1))

    def correction(self, amounts: Tensor, encoded: Tensor) -> Tensor:
        """Map amounts (B, H, A) to what they add to the forecast (B, H, K); encoded: (B, 1, hidden)."""
        if self.linear is None:
            return amounts.new_zeros(*amounts.shape[:2], self.targets)
        if not self.linked:
            return self.linear(amounts, encoded)
        return self.linear(amounts.flatten(1).unsqueeze(1), encoded).reshape(-1, self.horizon, self.targets)
