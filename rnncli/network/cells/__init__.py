"""The encoders: what reads a sequence step by step. Pure tensors: knows nothing of time series."""

from typing import assert_never

from rnncli.config.architecture import Architecture
from rnncli.network.cells.batch_norm import BatchNorm
from rnncli.network.cells.dropout import Dropout
from rnncli.network.cells.echo_state import Reservoir
from rnncli.network.cells.recurrent import Recurrent
from rnncli.network.cells.stacked import Layered, one_by_one
from rnncli.network.cells.state import State, fork, joined
from rnncli.network.cells.tcn import Convolved, Temporal
from rnncli.network.cells.transformer import Transformer

Encoder = Recurrent | Layered | Convolved | Reservoir | Temporal | Transformer

__all__ = ["BatchNorm", "Dropout", "Encoder", "Reservoir", "State", "build", "fork", "joined"]


def build(design: Architecture, inputs: int) -> Encoder:
    """The encoder of a design: steps (B, N, inputs) and a state to outputs (B, N, hidden) and the next state."""
    match design.cell:
        case "rnn" | "lstm" | "gru":
            stack: Recurrent | Layered
            if one_by_one(design):
                stack = Layered(design, design.cell, inputs)
            else:
                stack = Recurrent(design, design.cell, inputs, design.layers)
            return Convolved(design.convolution, inputs, stack) if design.convolution else stack
        case "esn":
            return Reservoir(design)
        case "tcn":
            return Temporal(design, inputs)
        case "transformer":
            return Transformer(design, inputs)
    assert_never(design.cell)
