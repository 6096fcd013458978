"""Recurrent cells written out step by step, for what the library's kernels do not have."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from rnncli.config.architecture import Architecture
from rnncli.network.cells.recurrent import FusedRNN, RecurrentName
from rnncli.network.cells.state import State

NORMED = {"rnn": (1,), "gru": (2, 1), "lstm": (4,)}  # gates that are normalised together


class LayerNormRNN(nn.Module):
    """One recurrent layer with layer normalisation and zoneout.

    Ba et al. (2016), equations 20 to 26: what the input and what the state add to the gates are each normalised over
    the units, and so is the memory that an LSTM shows. Krueger et al. (2017): in training a share of the units, drawn
    anew at each step, stays as it was; else each unit stays so by that share.
    """

    def __init__(self, design: Architecture, cell: RecurrentName, inputs: int) -> None:
        super().__init__()
        self.cell, self.hidden, self.zoneout = cell, design.hidden, design.zoneout
        self.stack = FusedRNN(design, cell, inputs, layers=1).stack
        sizes = [gates * design.hidden for gates in NORMED[cell]] if design.normalise == "layer" else []
        self.of_inputs = nn.ModuleList(nn.LayerNorm(size, bias=False) for size in sizes)
        self.of_states = nn.ModuleList(nn.LayerNorm(size, bias=False) for size in sizes)
        self.of_memory = nn.LayerNorm(design.hidden) if sizes and cell == "lstm" else nn.Identity()

    def forward(self, steps: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Steps (B, N, inputs) to outputs (B, N, hidden) and the state after the last step."""
        named = dict(self.stack.named_parameters())
        begin = steps.new_zeros(1, len(steps), self.hidden)
        given = state or ((begin, begin) if self.cell == "lstm" else (begin,))
        carried = tuple(part[0] for part in given)  # (B, hidden) each
        added = _normed(functional.linear(steps, named["weight_ih_l0"]), self.of_inputs) + named["bias_ih_l0"]
        outputs = []
        for number in range(steps.shape[1]):
            recurrent = functional.linear(carried[0], named["weight_hh_l0"])
            recurrent = _normed(recurrent, self.of_states) + named["bias_hh_l0"]
            after = self._step(added[:, number], recurrent, carried)
            carried = tuple(self._zoned(old, new) for old, new in zip(carried, after, strict=True))
            outputs.append(carried[0])
        return torch.stack(outputs, dim=1), tuple(part.unsqueeze(0) for part in carried)

    def _step(self, added: Tensor, recurrent: Tensor, carried: State) -> State:
        """What input and state add to the gates, (B, gates * hidden) each, to the next state."""
        if self.cell == "rnn":
            total = added + recurrent
            return (total.relu() if self.stack.mode == "RNN_RELU" else total.tanh(),)
        if self.cell == "lstm":
            enter, keep, new, show = (added + recurrent).chunk(4, dim=-1)
            memory = keep.sigmoid() * carried[1] + enter.sigmoid() * new.tanh()
            return show.sigmoid() * self.of_memory(memory).tanh(), memory
        (reset, keep, new), (reset_by, keep_by, new_by) = added.chunk(3, dim=-1), recurrent.chunk(3, dim=-1)
        kept = (keep + keep_by).sigmoid()
        return ((1 - kept) * (new + (reset + reset_by).sigmoid() * new_by).tanh() + kept * carried[0],)

    def _zoned(self, old: Tensor, new: Tensor) -> Tensor:
        if not self.zoneout:
            return new
        if self.training:
            return torch.where(torch.rand_like(new) < self.zoneout, old, new)
        return self.zoneout * old + (1 - self.zoneout) * new


def _normed(gates: Tensor, norms: nn.ModuleList) -> Tensor:
    """Gates (..., G), each group of them by its own norm."""
    if not norms:
        return gates
    sizes = [norm.normalized_shape[0] for norm in norms if isinstance(norm, nn.LayerNorm)]
    return torch.cat([norm(part) for norm, part in zip(norms, torch.split(gates, sizes, dim=-1), strict=True)], dim=-1)
