"""Scale, base forecast, recurrent encoder, decoder, head: the past of a window to the quantiles of its future.

Knows nothing of files, printing or optimisers. The design is SegRNN's (Lin et al. 2023): the context is cut into
segments, one recurrent step each, and all segments of the horizon are decoded at once from position embeddings. It
corrects a base forecast (Smyl 2020, ES-RNN), beside a linear bypass from context to horizon (Zeng et al. 2023).
"""

import math
from typing import NamedTuple, assert_never

import torch
from torch import Tensor, nn
from torch.nn import functional

from rnncli import heads, scaling
from rnncli.cells import Encoder, State, fork
from rnncli.config import Architecture
from rnncli.scaling import Scale


class Prediction(NamedTuple):
    """Quantiles of the future at unit scale, and the scale that brings them back to the data's units."""

    quantiles: Tensor  # (B, H, K, Q) float32
    scale: Scale


class Network(nn.Module):
    """Forecasts K targets together over H steps from the L before them."""

    def __init__(self, architecture: Architecture, targets: int) -> None:
        super().__init__()
        self.architecture = architecture
        self.context = architecture.context
        self.targets = targets
        design, hidden = architecture, architecture.hidden
        self.pieces = math.ceil(design.horizon / design.segment)  # segments of the horizon: M
        per_step = targets * len(heads.LEVELS)
        self.embedding = nn.Linear(2 * design.segment * targets, hidden)
        self.encoder = Encoder(design.cell, hidden, hidden, design.layers, design.dropout)
        self.dropout = nn.Dropout(design.dropout)
        self.readout = nn.Linear(hidden, design.segment * per_step)
        if design.decoder == "parallel":
            self.positions = nn.Parameter(torch.randn(self.pieces, hidden) / math.sqrt(hidden))  # (M, hidden)
        if design.bypass:
            self.bypass = nn.Linear(design.context, design.horizon, bias=False)
            nn.init.zeros_(self.bypass.weight)

    def forward(self, past: Tensor) -> Prediction:
        """Past (B, L, K) float64 in the data's units, NaN where missing."""
        design = self.architecture
        scale = scaling.measure(past, design.scale, design.season)
        scaled = scale.apply(past).to(self.embedding.weight.device)  # (B, L, K)
        observed = ~scaled.isnan()
        filled = scaled.nan_to_num(0.0)
        outputs, state = self.encoder(self.embed(filled, observed))
        centre = self.centre(scaled, filled)  # (B, H, K)
        match design.decoder:
            case "parallel":
                parameters = self.decode_together(state)
            case "recursive":
                parameters = self.decode_in_turn(outputs[:, -1:], state, centre)
            case _:
                assert_never(design.decoder)
        return Prediction(heads.quantiles(parameters, centre), scale)

    def embed(self, values: Tensor, observed: Tensor) -> Tensor:
        """Values and their mask (B, T, K), T a multiple of the segment, to one vector a segment: (B, N, hidden)."""
        length = self.architecture.segment * self.targets
        inputs = [values.reshape(len(values), -1, length), observed.reshape(len(values), -1, length).to(values)]
        return functional.gelu(self.embedding(torch.cat(inputs, dim=-1)))

    def centre(self, scaled: Tensor, filled: Tensor) -> Tensor:
        """What the recurrent part corrects: the base forecast and the linear bypass, (B, H, K) at unit scale."""
        design = self.architecture
        match design.base:
            case "none":
                centre = filled.new_zeros(len(filled), design.horizon, self.targets)
            case "last":
                centre = repeat_last_season(scaled, 1, design.horizon)
            case "seasonal":
                centre = repeat_last_season(scaled, design.season, design.horizon)
            case _:
                assert_never(design.base)
        return centre + self.bypass(filled.mT).mT if design.bypass else centre

    def decode_together(self, state: State) -> Tensor:
        """One recurrent step from the past's last state for each segment of the horizon: (B, H, K, Q)."""
        batch = (state[0] if isinstance(state, tuple) else state).shape[1]
        steps = self.positions.repeat(batch, 1).unsqueeze(1)  # (B * M, 1, hidden)
        outputs, _ = self.encoder(steps, fork(state, self.pieces))
        return self.read(outputs.reshape(batch, self.pieces, -1))

    def decode_in_turn(self, output: Tensor, state: State, centre: Tensor) -> Tensor:
        """Segment after segment, each median fed back as if it had been observed: (B, H, K, Q).

        In training too, so that the network learns to live with its own errors.
        """
        segment = self.architecture.segment
        centre = functional.pad(centre, (0, 0, 0, self.pieces * segment - self.architecture.horizon))
        pieces = []
        for number, start in enumerate(range(0, centre.shape[1], segment)):
            pieces.append(self.read(output, whole=True))  # (B, segment, K, Q)
            if number + 1 < self.pieces:
                median = pieces[-1][..., heads.MEDIAN] + centre[:, start : start + segment]
                output, state = self.encoder(self.embed(median, torch.ones_like(median, dtype=torch.bool)), state)
        return torch.cat(pieces, dim=1)[:, : self.architecture.horizon]

    def read(self, outputs: Tensor, whole: bool = False) -> Tensor:
        """Outputs (B, M, hidden) to head parameters (B, H, K, Q), or to those of whole segments (B, M * seg, K, Q)."""
        parameters = self.readout(self.dropout(outputs))
        parameters = parameters.reshape(len(outputs), -1, self.targets, len(heads.LEVELS))
        return parameters if whole else parameters[:, : self.architecture.horizon]


def repeat_last_season(scaled: Tensor, season: int, horizon: int) -> Tensor:
    """For each phase of the season its last observed value (0 without one), repeated over the horizon: (B, H, K).

    scaled: (B, L, K) with NaN where missing. A season of 1 repeats the last value.
    """
    batch, length, targets = scaled.shape
    seasons = math.ceil(length / season)
    padded = functional.pad(scaled, (0, 0, seasons * season - length, 0), value=math.nan)
    laps = padded.reshape(batch, seasons, season, targets)
    order = torch.arange(1, seasons + 1, dtype=torch.int32, device=scaled.device).reshape(1, -1, 1, 1)
    # The largest order is ten times as quick to find as the place of the largest.
    newest = (order * ~laps.isnan()).amax(dim=1, keepdim=True).long().sub(1).clamp(min=0)  # (B, 1, season, K)
    last = laps.gather(1, newest).squeeze(1).nan_to_num(0.0)  # (B, season, K)
    return last.repeat(1, math.ceil(horizon / season), 1)[:, :horizon]
