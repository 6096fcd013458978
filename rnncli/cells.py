"""The recurrent encoders. Pure tensors: knows nothing of time series."""

from typing import assert_never

import torch
from torch import Tensor, nn

from rnncli.config import CellName

# What an encoder carries from step to step. Opaque: given out by an encoder and handed back to it, never looked into.
State = Tensor | tuple[Tensor, Tensor]


class Encoder(nn.Module):
    """A stack of recurrent layers, read forwards in time.

    `rnn` is Elman's network with tanh (Elman 1990), `lstm` the long short-term memory with forget gate (Hochreiter and
    Schmidhuber 1997; Gers et al. 2000), `gru` the gated recurrent unit (Cho et al. 2014). Recurrent weights start
    orthogonal, input weights as Glorot and Bengio (2010), and an LSTM begins by remembering (forget bias 1,
    Jozefowicz et al. 2015).
    """

    def __init__(self, cell: CellName, inputs: int, hidden: int, layers: int, dropout: float) -> None:
        super().__init__()
        between = dropout if layers > 1 else 0.0
        self.stack: nn.RNNBase
        match cell:
            case "rnn":
                self.stack = nn.RNN(inputs, hidden, layers, batch_first=True, dropout=between)
            case "lstm":
                self.stack = nn.LSTM(inputs, hidden, layers, batch_first=True, dropout=between)
            case "gru":
                self.stack = nn.GRU(inputs, hidden, layers, batch_first=True, dropout=between)
            case _:
                assert_never(cell)
        self._initialise()

    def forward(self, steps: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Steps (B, N, inputs) to outputs (B, N, hidden) of the last layer and the state after the last step."""
        outputs, state = self.stack(steps, state)
        return outputs, state

    def _initialise(self) -> None:
        hidden = self.stack.hidden_size
        for name, parameter in self.stack.named_parameters():
            if name.startswith("weight_hh"):
                for gate in torch.split(parameter, hidden):
                    nn.init.orthogonal_(gate)
            elif name.startswith("weight_ih"):
                for gate in torch.split(parameter, hidden):
                    nn.init.xavier_uniform_(gate)
            else:
                nn.init.zeros_(parameter)
                if isinstance(self.stack, nn.LSTM) and name.startswith("bias_ih"):
                    nn.init.ones_(parameter[hidden : 2 * hidden])  # gates lie in the order input, forget, cell, output


def fork(state: State, times: int) -> State:
    """The same state for `times` continuations of each sequence, lying behind one another: B becomes B * times."""
    if isinstance(state, tuple):
        return state[0].repeat_interleave(times, dim=1), state[1].repeat_interleave(times, dim=1)
    return state.repeat_interleave(times, dim=1)


def joined(states: list[State]) -> State:
    """The states of several batches as that of one, B1 + B2 + ... sequences."""
    if len(states) == 1:
        return states[0]
    pairs = [state for state in states if isinstance(state, tuple)]
    if pairs:
        return torch.cat([first for first, _ in pairs], dim=1), torch.cat([second for _, second in pairs], dim=1)
    return torch.cat([state for state in states if isinstance(state, Tensor)], dim=1)
