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

from rnncli import bases, heads, scaling
from rnncli.cells import Encoder, State, fork, joined
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
        self.base = bases.build(design, targets)
        self.embedding = nn.Linear((3 if design.since else 2) * design.segment * targets, hidden)
        self.encoder = Encoder(design.cell, hidden, hidden, design.layers, design.dropout)
        self.dropout = nn.Dropout(design.dropout)
        self.readout = nn.Linear(hidden, design.read_at_once * per_step)
        if design.decoder == "parallel":
            self.positions = nn.Parameter(torch.randn(self.pieces, hidden) / math.sqrt(hidden))  # (M, hidden)
        if design.bypass:
            self.bypass = nn.Linear(design.context, design.horizon, bias=False)
            nn.init.zeros_(self.bypass.weight)

    def forward(self, past: Tensor, step: Tensor) -> Prediction:
        """Past (B, T, K) float64 in the data's units, NaN where missing; step (B,): the clock's as the future starts.

        A past longer than the context by whole segments is forecast from behind each of these too, with one pass of the
        encoder (forking sequences: Wen et al. 2017, MQ-RNN): the B windows that end first come first, F * B in all.
        Their scale is that of the first context, the part of the past that all of them know.
        """
        design = self.architecture
        scale = scaling.measure(past[:, : design.context], design.scale, design.season)
        scaled = scale.apply(past).to(self.embedding.weight.device)  # (B, T, K)
        starts = range(0, past.shape[1] - design.context + 1, design.segment)
        views = torch.cat([scaled[:, start : start + design.context] for start in starts])  # (F * B, L, K)
        steps = torch.cat([step - (starts[-1] - start) for start in starts])  # (F * B,)
        left, expected = self.base(views, steps)  # (F * B, L, K), (F * B, H, K)
        correction = self.bypass(left.nan_to_num(0.0).mT).mT if self.architecture.bypass else torch.zeros_like(expected)
        centre = expected + correction
        read = left if len(starts) == 1 else self.base(scaled, step)[0]  # (B, T, K)
        waited = since_positive(past).to(read) if design.since else None  # (B, T, K)
        output, state = self.encode(read, waited, len(starts))
        match design.decoder:
            case "parallel":
                parameters = self.decode_together(state)
            case "direct":
                parameters = self.read(output)
            case "recursive":
                parameters = self.decode_in_turn(output, state, correction if self.base.subtracted else centre)
            case _:
                assert_never(design.decoder)
        return Prediction(heads.quantiles(parameters, centre), scale.repeated(len(starts)))

    def encode(self, past: Tensor, waited: Tensor | None, boundaries: int) -> tuple[Tensor, State]:
        """The last outputs (F * B, 1, hidden) and states at the last boundaries of segments in the past (B, T, K)."""
        segments = self.embed(past.nan_to_num(0.0), ~past.isnan(), waited)  # (B, N, hidden)
        first = segments.shape[1] - boundaries + 1
        output, state = self.encoder(segments[:, :first])
        outputs, states = [output[:, -1:]], [state]
        for number in range(first, segments.shape[1]):
            output, state = self.encoder(segments[:, number : number + 1], state)
            outputs.append(output)
            states.append(state)
        return torch.cat(outputs), joined(states)

    def embed(self, values: Tensor, observed: Tensor, waited: Tensor | None) -> Tensor:
        """Values, mask and perhaps time since the last sale, each (B, T, K), to a vector a segment: (B, N, hidden)."""
        length = self.architecture.segment * self.targets
        inputs = [values, observed.to(values)] + ([] if waited is None else [waited])
        return functional.gelu(self.embedding(torch.cat([one.reshape(len(one), -1, length) for one in inputs], dim=-1)))

    def decode_together(self, state: State) -> Tensor:
        """One recurrent step from the past's last state for each segment of the horizon: (B, H, K, Q)."""
        batch = (state[0] if isinstance(state, tuple) else state).shape[1]
        steps = self.positions.repeat(batch, 1).unsqueeze(1)  # (B * M, 1, hidden)
        outputs, _ = self.encoder(steps, fork(state, self.pieces))
        return self.read(outputs.reshape(batch, self.pieces, -1))

    def decode_in_turn(self, output: Tensor, state: State, centre: Tensor) -> Tensor:
        """Segment after segment, each median around centre (B, H, K) fed back as if it had been observed: (B, H, K, Q).

        In training a value drawn from the forecast instead, so that the network learns to live with its own errors
        (scheduled sampling from the first step on: Bengio et al. 2015).
        """
        segment = self.architecture.segment
        centre = functional.pad(centre, (0, 0, 0, self.pieces * segment - self.architecture.horizon))
        pieces = []
        for number, start in enumerate(range(0, centre.shape[1], segment)):
            pieces.append(self.read(output, whole=True))  # (B, segment, K, Q)
            if number + 1 < self.pieces:
                value = self.fed_back(heads.quantiles(pieces[-1], centre[:, start : start + segment]))
                waited = torch.zeros_like(value) if self.architecture.since else None
                output, state = self.encoder(self.embed(value, torch.ones_like(value), waited), state)
        return torch.cat(pieces, dim=1)[:, : self.architecture.horizon]

    def fed_back(self, quantiles: Tensor) -> Tensor:
        """What the network takes for observed of its own forecast (B, segment, K, Q): (B, segment, K)."""
        if not self.training:
            return quantiles[..., heads.MEDIAN]
        # One deviate a segment: errors of neighbouring steps go together.
        deviates = torch.randn_like(quantiles[:, :1, :, 0]).expand(quantiles.shape[:-1])
        return heads.drawn(quantiles, deviates.contiguous())

    def read(self, outputs: Tensor, whole: bool = False) -> Tensor:
        """Outputs (B, M, hidden) to head parameters (B, H, K, Q), or to those of whole segments (B, M * seg, K, Q)."""
        parameters = self.readout(self.dropout(outputs))
        parameters = parameters.reshape(len(outputs), -1, self.targets, len(heads.LEVELS))
        return parameters if whole else parameters[:, : self.architecture.horizon]


def since_positive(past: Tensor) -> Tensor:
    """How many steps ago the last value above zero was, as a logarithm: 0 where there is one now, (B, T, K).

    Where none came before, since the beginning. What is bought now and then comes back with it (Croston 1972).
    """
    places = torch.arange(1, past.shape[1] + 1, device=past.device).reshape(1, -1, 1)
    newest = (places * (past > 0)).cummax(dim=1).values
    return (places - newest).to(past).log1p()
