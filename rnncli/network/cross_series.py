"""Information from the other series: learned mixtures of the past of all of them. Pure tensors.

Each mixture is a weighted sum over all series at the scale of their windows, as in factor models (Stock and Watson
2002). The encoder reads the mixtures beside the series' past, and a linear map leads from their newest steps to the
horizon. Both maps start at zero: as a network without other series.
"""

import math

import torch
from torch import Tensor, nn

from rnncli.config.architecture import Architecture
from rnncli.network import scaling
from rnncli.windows.batch import OtherSeries

MIXTURES = 4  # X
REACH = 4  # horizons: on etth1 a linear map of the whole context overfits the noise of other series


class CrossSeriesMixing(nn.Module):
    """X mixtures of the past of S series, for windows of any of them."""

    def __init__(self, design: Architecture, series: int) -> None:
        super().__init__()
        self.design = design
        self.shares = nn.Parameter(torch.empty(series, MIXTURES, series).normal_().div_(math.sqrt(series)))  # (S, X, S)
        self.entry = nn.Linear(MIXTURES * design.segment, design.hidden, bias=False)
        self.linear = nn.Linear(MIXTURES * reach(design), design.horizon, bias=False)
        nn.init.zeros_(self.entry.weight)
        nn.init.zeros_(self.linear.weight)

    def forward(self, others: OtherSeries) -> Tensor:
        """Return the mixtures of each window's past (B, T, X); zeros if its series is not one of the S."""
        count, series, length, _ = others.past.shape
        past = others.past.reshape(count * series, length, -1)
        # A global scale fits the series' own values; the others enter by their changes.
        kind = "spread" if self.design.scale == "global" else self.design.scale
        scale = scaling.measure(past[:, : self.design.context], kind, self.design.season)
        scaled = scale.apply(past).nan_to_num(0.0).to(self.shares)  # (U * S, T, 1)
        windows = scaled.reshape(count, series, length)[others.window_time.to(scaled.device)]  # (B, S, T)
        number = others.window_series.to(scaled.device)
        shares = self.shares[number.clamp(min=0)] * (number >= 0).reshape(-1, 1, 1)  # (B, X, S)
        return (shares @ windows).mT

    def embed_segments(self, mixed: Tensor) -> Tensor:
        """Map mixtures (B, T, X) to a vector per segment (B, N, hidden)."""
        return self.entry(mixed.reshape(len(mixed), -1, self.design.segment * MIXTURES))

    def correction(self, mixed: Tensor) -> Tensor:
        """Map mixtures (B, L, X) to what they add to the forecast (B, H, 1)."""
        return self.linear(mixed[:, -reach(self.design) :].flatten(1)).unsqueeze(-1)


def reach(design: Architecture) -> int:
    """Return how many of the newest steps of the mixtures enter the linear map."""
    return min(design.context, REACH * design.horizon)
