"""The encoders: what reads a sequence step by step. Pure tensors: knows nothing of time series."""

from typing import assert_never

from rnncli.cells.attentive import Transformer
from rnncli.cells.convolution import Convolved, Temporal
from rnncli.cells.dropout import Dropout
from rnncli.cells.layered import Layered, one_by_one
from rnncli.cells.normalising import BatchNorm
from rnncli.cells.recurrent import Recurrent
from rnncli.cells.reservoir import Reservoir
from rnncli.cells.state import State, fork, joined
from rnncli.config.sections import Architecture

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
