"""Encoders: map a sequence of vectors, step by step, to outputs and a state. They know nothing of time series."""

from typing import assert_never

from rnncli.config.architecture import Architecture
from rnncli.network.cells.batch_norm import BatchNorm
from rnncli.network.cells.causal_conv import ConvolutionalRNN
from rnncli.network.cells.dropout import Dropout
from rnncli.network.cells.echo_state import EchoState
from rnncli.network.cells.record import LayerActivity, Part, Record
from rnncli.network.cells.recurrent import FusedRNN
from rnncli.network.cells.stacked import StackedRNN, needs_stacking
from rnncli.network.cells.state import State, concat_states, repeat_state
from rnncli.network.cells.tcn import TCN
from rnncli.network.cells.transformer import Transformer

Encoder = FusedRNN | StackedRNN | ConvolutionalRNN | EchoState | TCN | Transformer

__all__ = [
    "BatchNorm",
    "Dropout",
    "EchoState",
    "Encoder",
    "LayerActivity",
    "Part",
    "Record",
    "State",
    "build",
    "concat_states",
    "repeat_state",
]


def build(design: Architecture, inputs: int) -> Encoder:
    """Return the encoder of a design: it maps steps (B, N, inputs) and a state to outputs (B, N, hidden) and a state.

    Passed a `Record`, it also records its gates or attention weights there.
    """
    match design.cell:
        case "rnn" | "lstm" | "gru":
            stack: FusedRNN | StackedRNN
            if needs_stacking(design):
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
