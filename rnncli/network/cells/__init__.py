"""The encoders: what reads a sequence step by step. Pure tensors: knows nothing of time series."""

from typing import assert_never

from rnncli.config.architecture import Architecture
from rnncli.network.cells.batch_norm import BatchNorm
from rnncli.network.cells.dropout import Dropout
from rnncli.network.cells.echo_state import EchoState
from rnncli.network.cells.recurrent import FusedRNN
from rnncli.network.cells.stacked import StackedRNN, one_by_one
from rnncli.network.cells.state import State, concat_states, repeat_state
from rnncli.network.cells.tcn import TCN, ConvolutionalRNN
from rnncli.network.cells.transformer import Transformer

Encoder = FusedRNN | StackedRNN | ConvolutionalRNN | EchoState | TCN | Transformer

__all__ = ["BatchNorm", "Dropout", "EchoState", "Encoder", "State", "build", "concat_states", "repeat_state"]


def build(design: Architecture, inputs: int) -> Encoder:
    """The encoder of a design: steps (B, N, inputs) and a state to outputs (B, N, hidden) and the next state."""
    match design.cell:
        case "rnn" | "lstm" | "gru":
            stack: FusedRNN | StackedRNN
            if one_by_one(design):
                stack = StackedRNN(design, design.cell, inputs)
            else:
                stack = FusedRNN(design, design.cell, inputs, design.layers)
            return ConvolutionalRNN(design.convolution, inputs, stack) if design.convolution else stack
        case "esn":
            return EchoState(design)
        case "tcn":
            return TCN(design, inputs)
        case "transformer":
            return Transformer(design, inputs)
    assert_never(design.cell)
