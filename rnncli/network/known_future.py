"""Where what is known of the steps to come enters a forecast. Pure tensors.

Three ways: into the recurrent step of their segment, into each step's own read-out, and, for amounts, straight into the
forecast by linear maps, as regressions on prices and loads have it (Lago et al. 2021).
"""

import torch
from torch import Tensor, nn

from rnncli.config.architecture import Architecture
from rnncli.network.covariate_encoder import CovariateEncoder
from rnncli.network.linear_experts import LinearExperts

MOST_LINKED = 200_000  # weights of a map from all amounts to all steps; with more, each step is told its own alone


class KnownFutureEncoder(nn.Module):
    """What M segments to come are told, each step P features and N amounts that differ from what the base repeats."""

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
        for start in (last.weight, last.bias):
            nn.init.zeros_(start)

    def of_segments(self, steps: Tensor) -> Tensor:
        """Features (B, M * segment, P) to a vector a segment: (B, M, hidden)."""
        batch, length, width = steps.shape
        return self.entry(steps.reshape(batch, length // self.segment, self.segment * width))

    def of_steps(self, outputs: Tensor, steps: Tensor, surprise: Tensor) -> Tensor:
        """Read-outs of T steps (B, T, K * Q) from the outputs of the decoder (B, M, hidden) that they belong to."""
        spread = outputs.repeat_interleave(-(-steps.shape[1] // outputs.shape[1]), dim=1)[:, : steps.shape[1]]
        return self.detail(torch.cat([steps, surprise, spread], dim=-1))

    def correction(self, surprise: Tensor, output: Tensor) -> Tensor:
        """Amounts (B, H, N) to what they add to the forecast: (B, H, K). output: the encoder's last, (B, 1, hidden)."""
        if self.linear is None:
            return surprise.new_zeros(*surprise.shape[:2], self.targets)
        if not self.linked:
            return self.linear(surprise, output)
        return self.linear(surprise.flatten(1).unsqueeze(1), output).reshape(-1, self.horizon, self.targets)
