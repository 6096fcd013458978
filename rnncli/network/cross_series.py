"""What a series is told of the others at the same moment: mixtures of their past, its own for each. Pure tensors.

Each mixture weighs all series, each at the scale of its own window, as factor models do (Stock and Watson 2002); it is
read by the encoder beside the series' own past, and its end by a linear map straight to the horizon. Both begin at
zero: as the network that sees its own series alone.
"""

import math

import torch
from torch import Tensor, nn

from rnncli.config.architecture import Architecture
from rnncli.network import scaling
from rnncli.windows.batch import OtherSeries

MIXTURES = 4  # M
REACH = 4  # horizons: on etth1 a linear map of all of the context learned the noise of others by heart


class CrossSeriesMixing(nn.Module):
    """M mixtures of the past of S series, for windows of any of them."""

    def __init__(self, design: Architecture, series: int) -> None:
        super().__init__()
        self.design = design
        self.shares = nn.Parameter(torch.empty(series, MIXTURES, series).normal_().div_(math.sqrt(series)))  # (S, M, S)
        self.entry = nn.Linear(MIXTURES * design.segment, design.hidden, bias=False)
        self.linear = nn.Linear(MIXTURES * reach(design), design.horizon, bias=False)
        nn.init.zeros_(self.entry.weight)
        nn.init.zeros_(self.linear.weight)

    def forward(self, others: OtherSeries) -> Tensor:
        """The mixtures of each window's past: (B, T, M); nothing where it is of a series that is none of the S."""
        count, series, length, _ = others.past.shape
        past = others.past.reshape(count * series, length, -1)
        # One scale for all rows is of the series' own values; what others did is told by how it moved.
        own = "spread" if self.design.scale == "global" else self.design.scale
        scale = scaling.measure(past[:, : self.design.context], own, self.design.season)
        scaled = scale.apply(past).nan_to_num(0.0).to(self.shares)  # (U * S, T, 1)
        seen = scaled.reshape(count, series, length)[others.window_time.to(scaled.device)]  # (B, S, T)
        place = others.window_series.to(scaled.device)
        shares = self.shares[place.clamp(min=0)] * (place >= 0).reshape(-1, 1, 1)  # (B, M, S)
        return (shares @ seen).mT

    def of_segments(self, mixed: Tensor) -> Tensor:
        """Mixtures (B, T, M) to a vector a segment: (B, N, hidden)."""
        return self.entry(mixed.reshape(len(mixed), -1, self.design.segment * MIXTURES))

    def correction(self, mixed: Tensor) -> Tensor:
        """What the mixtures (B, L, M) add to the forecast: (B, H, 1)."""
        return self.linear(mixed[:, -reach(self.design) :].flatten(1)).unsqueeze(-1)


def reach(design: Architecture) -> int:
    """The newest steps of the mixtures that the linear map sees."""
    return min(design.context, REACH * design.horizon)
