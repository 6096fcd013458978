"""Recurrent layers as the library's kernels have them: the quick ones."""

from typing import Literal, assert_never

import torch
from torch import Tensor, nn

from rnncli.config.architecture import Architecture
from rnncli.config.sections import Initialisation
from rnncli.network.cells.state import State

RecurrentName = Literal["rnn", "lstm", "gru"]


class FusedRNN(nn.Module):
    """A stack of recurrent layers, read forwards in time.

    `rnn` is Elman's network (Elman 1990) with tanh or ReLU, `lstm` the long short-term memory with forget gate
    (Hochreiter and Schmidhuber 1997; Gers et al. 2000), `gru` the gated recurrent unit (Cho et al. 2014).
    """

    def __init__(self, design: Architecture, cell: RecurrentName, inputs: int, layers: int) -> None:
        super().__init__()
        hidden, between = design.hidden, design.dropout if layers > 1 else 0.0
        self.stack: nn.RNNBase
        match cell:
            case "rnn":
                self.stack = nn.RNN(inputs, hidden, layers, design.activation, batch_first=True, dropout=between)
            case "lstm":
                self.stack = nn.LSTM(inputs, hidden, layers, batch_first=True, dropout=between)
            case "gru":
                self.stack = nn.GRU(inputs, hidden, layers, batch_first=True, dropout=between)
            case _:
                assert_never(cell)
        if next(self.stack.parameters()).is_meta:  # nothing to initialise
            return
        _initialise(self.stack, design.initialisation)
        if design.remember is not None:
            _hold_on(self.stack, design.remember / design.segment)

    def forward(self, steps: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Steps (B, N, inputs) to outputs (B, N, hidden) of the last layer and the state after the last step."""
        if isinstance(self.stack, nn.LSTM):
            outputs, pair = self.stack(steps, state)
            return outputs, pair
        outputs, last = self.stack(steps, None if state is None else state[0])
        return outputs, (last,)


def _initialise(stack: nn.RNNBase, recurrent: Initialisation) -> None:
    """Input weights as Glorot and Bengio (2010) have them; an LSTM begins by remembering.

    That is a forget bias of 1 (Jozefowicz et al. 2015).
    """
    hidden = stack.hidden_size
    for name, parameter in stack.named_parameters():
        if name.startswith("weight_hh"):
            for gate in torch.split(parameter, hidden):
                _start(gate, recurrent)
        elif name.startswith("weight_ih"):
            for gate in torch.split(parameter, hidden):
                nn.init.xavier_uniform_(gate)
        else:
            nn.init.zeros_(parameter)
            if isinstance(stack, nn.LSTM) and name.startswith("bias_ih"):
                nn.init.ones_(parameter[hidden : 2 * hidden])  # gates lie in the order input, forget, cell, output


def _hold_on(stack: nn.RNNBase, longest: float) -> None:
    """Biases with which each unit forgets over a span of its own, drawn from 1 to so many recurrent steps.

    Tallec and Ollivier (2018, chrono initialisation): a gate with the bias log(span) keeps span / (1 + span) of the
    state at each step. An LSTM lets in as much as it forgets.
    """
    hidden = stack.hidden_size
    for name, bias in stack.named_parameters():
        if name.startswith("bias_ih"):
            kept = torch.empty(hidden).uniform_(1, max(1.0, longest - 1)).log()
            with torch.no_grad():
                bias[hidden : 2 * hidden] = kept  # in both cells the gate that keeps comes second
                if isinstance(stack, nn.LSTM):
                    bias[:hidden] = -kept


def _start(weights: Tensor, kind: Initialisation) -> None:
    """Square recurrent weights at their start: orthogonal (Saxe et al. 2014), or the identity (Le et al. 2015)."""
    match kind:
        case "orthogonal":
            nn.init.orthogonal_(weights)
        case "xavier":
            nn.init.xavier_uniform_(weights)
        case "identity":
            nn.init.eye_(weights)
        case _:
            assert_never(kind)
