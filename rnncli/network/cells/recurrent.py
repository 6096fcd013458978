"""Recurrent layers computed by torch's fused kernels: the fast path."""

from typing import assert_never

import torch
from torch import Tensor, nn
from torch.nn import functional

from rnncli.config.architecture import Architecture
from rnncli.network.cells.initialisation import initialise, initialise_memory
from rnncli.network.cells.record import LayerActivity, Part, Record
from rnncli.network.cells.recurrent_step import PARTS, RecurrentName, Step, activity, step, zeros
from rnncli.network.cells.state import State


class FusedRNN(nn.Module):
    """A stack of recurrent layers that read forwards in time.

    `rnn` is Elman's network (Elman 1990) with tanh or ReLU, `lstm` the long short-term memory with forget gate
    (Hochreiter and Schmidhuber 1997; Gers et al. 2000), `gru` the gated recurrent unit (Cho et al. 2014).
    """

    def __init__(self, design: Architecture, cell: RecurrentName, inputs: int, layers: int) -> None:
        super().__init__()
        hidden, dropout = design.hidden, design.dropout if layers > 1 else 0.0
        self.cell = cell
        self.stack: nn.RNNBase
        match cell:
            case "rnn":
                self.stack = nn.RNN(inputs, hidden, layers, design.activation, batch_first=True, dropout=dropout)
            case "lstm":
                self.stack = nn.LSTM(inputs, hidden, layers, batch_first=True, dropout=dropout)
            case "gru":
                self.stack = nn.GRU(inputs, hidden, layers, batch_first=True, dropout=dropout)
            case _:
                assert_never(cell)
        if next(self.stack.parameters()).is_meta:  # no memory to initialise
            return
        initialise(self.stack, design.initialisation)
        if design.remember is not None:
            initialise_memory(self.stack, design.remember / design.segment)

    @property
    def relu(self) -> bool:
        """Return whether the activation is a ReLU instead of a tanh."""
        return self.stack.mode == "RNN_RELU"

    def forward(self, steps: Tensor, state: State | None = None, record: Record | None = None) -> tuple[Tensor, State]:
        """Map steps (B, N, inputs) to outputs (B, N, hidden) of the last layer and the state after the last step."""
        if record is not None:
            record.layers += self._activities(steps, state)
        if isinstance(self.stack, nn.LSTM):
            outputs, pair = self.stack(steps, state)
            return outputs, pair
        outputs, last = self.stack(steps, None if state is None else state[0])
        return outputs, (last,)

    def recurrent_weights(self) -> list[dict[Part, Tensor]]:
        """Return the weights (hidden, hidden) from state to state of each layer's parts."""
        parts = PARTS[self.cell]
        return [
            dict(zip(parts, self._weights("hh", number)[0].detach().chunk(len(parts)), strict=True))
            for number in range(self.stack.num_layers)
        ]

    def _activities(self, steps: Tensor, state: State | None) -> list[LayerActivity]:
        """Compute each layer step by step, since the kernels return outputs only. Dropout is not applied."""
        start = state or zeros(self.cell, self.stack.num_layers, len(steps), self.stack.hidden_size, steps)
        found = list[LayerActivity]()
        for number in range(self.stack.num_layers):
            added = functional.linear(steps, *self._weights("ih", number))  # (B, N, gates * hidden)
            reached, done = tuple(part[number] for part in start), list[Step]()
            for row in added.unbind(1):
                recurrent = functional.linear(reached[0], *self._weights("hh", number))
                done.append(step(self.cell, row, recurrent, reached, self.relu))
                reached = done[-1].state
            steps = torch.stack([each.state[0] for each in done], dim=1)
            found.append(activity(done, steps, self.relu))
        return found

    def _weights(self, kind: str, number: int) -> tuple[Tensor, Tensor]:
        """Return weights and bias of a layer: "ih" from the input, "hh" from the state."""
        return getattr(self.stack, f"weight_{kind}_l{number}"), getattr(self.stack, f"bias_{kind}_l{number}")
