"""A recurrent layer with layer normalisation and zoneout, computed step by step: fused kernels have neither."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from rnncli.config.architecture import Architecture
from rnncli.network.cells.record import Part, Record
from rnncli.network.cells.recurrent import FusedRNN
from rnncli.network.cells.recurrent_step import PARTS, RecurrentName, Step, activity, step, zeros
from rnncli.network.cells.state import State

NORMALISED = {"rnn": (1,), "gru": (2, 1), "lstm": (4,)}  # gates that are normalised together


class LayerNormRNN(nn.Module):
    """One recurrent layer with layer normalisation (Ba et al. 2016) and zoneout (Krueger et al. 2017).

    Each step computes, with LN the normalisation over the units,

        a = LN(W_ih x) + b_ih,  b = LN(W_hh h) + b_hh         eq. 20 and 25
        h', c' = step(a, b, h, c)                             eq. 21 to 24; the LSTM outputs σ(o) ⊙ tanh(LN(c'))
        h = mask ⊙ h + (1 - mask) ⊙ h', the same for c        zoneout

    In training the mask is drawn for each unit and step; otherwise it is its expected value.
    """

    def __init__(self, design: Architecture, cell: RecurrentName, inputs: int) -> None:
        super().__init__()
        self.cell, self.hidden, self.zoneout = cell, design.hidden, design.zoneout
        fused = FusedRNN(design, cell, inputs, layers=1)
        self.relu, self.stack = fused.relu, fused.stack
        sizes = [gates * design.hidden for gates in NORMALISED[cell]] if design.normalise == "layer" else []
        self.of_inputs = nn.ModuleList(nn.LayerNorm(size, bias=False) for size in sizes)
        self.of_states = nn.ModuleList(nn.LayerNorm(size, bias=False) for size in sizes)
        self.of_memory = nn.LayerNorm(design.hidden) if sizes and cell == "lstm" else nn.Identity()

    def forward(self, steps: Tensor, state: State | None = None, record: Record | None = None) -> tuple[Tensor, State]:
        """Map steps (B, N, inputs) to outputs (B, N, hidden) and the state after the last step."""
        weights = dict(self.stack.named_parameters())
        start = state or zeros(self.cell, 1, len(steps), self.hidden, steps)
        reached = tuple(part[0] for part in start)  # (B, hidden) each
        added = _normalise(functional.linear(steps, weights["weight_ih_l0"]), self.of_inputs) + weights["bias_ih_l0"]
        outputs, done = list[Tensor](), list[Step]()
        for number in range(steps.shape[1]):
            recurrent = functional.linear(reached[0], weights["weight_hh_l0"])
            recurrent = _normalise(recurrent, self.of_states) + weights["bias_hh_l0"]
            after = step(self.cell, added[:, number], recurrent, reached, self.relu, self.of_memory)
            reached = tuple(self._zone_out(old, new) for old, new in zip(reached, after.state, strict=True))
            outputs.append(reached[0])
            done += [after] if record is not None else []
        stacked = torch.stack(outputs, dim=1)
        if record is not None:
            record.layers.append(activity(done, stacked, self.relu))
        return stacked, tuple(part.unsqueeze(0) for part in reached)

    def recurrent_weights(self) -> list[dict[Part, Tensor]]:
        """Return the weights (hidden, hidden) from state to state of the layer's parts."""
        parts = PARTS[self.cell]
        weights = self.stack.get_parameter("weight_hh_l0").detach()
        return [dict(zip(parts, weights.chunk(len(parts)), strict=True))]

    def _zone_out(self, old: Tensor, new: Tensor) -> Tensor:
        """Return the state (B, hidden) with a share of its units unchanged."""
        if not self.zoneout:
            return new
        if self.training:
            return torch.where(torch.rand_like(new) < self.zoneout, old, new)
        return self.zoneout * old + (1 - self.zoneout) * new


def _normalise(gates: Tensor, norms: nn.ModuleList) -> Tensor:
    """Return gates (..., G), each group of them normalised by its module."""
    if not norms:
        return gates
    sizes = [norm.normalized_shape[0] for norm in norms if isinstance(norm, nn.LayerNorm)]
    return torch.cat([norm(part) for norm, part in zip(norms, torch.split(gates, sizes, dim=-1), strict=True)], dim=-1)
