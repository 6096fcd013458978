"""Recurrent layers stacked with residual connections, a backward direction or shared dropout masks."""

import torch
from torch import Tensor, nn

from rnncli.config.architecture import Architecture
from rnncli.network.cells.dropout import Dropout
from rnncli.network.cells.layer_norm_rnn import LayerNormRNN
from rnncli.network.cells.record import Part, Record
from rnncli.network.cells.recurrent import FusedRNN
from rnncli.network.cells.recurrent_step import RecurrentName
from rnncli.network.cells.state import State


class StackedRNN(nn.Module):
    """Layers that are residual, bidirectional, normalised, or separated by variational dropout.

    Residual: a layer's input is added to its output (He et al. 2016; Wu et al. 2016). Bidirectional: a second layer
    reads the steps in reverse (Schuster and Paliwal 1997), and a linear map reduces both outputs to the size of one.
    The state is that of the layers that read forwards.
    """

    def __init__(self, design: Architecture, cell: RecurrentName, inputs: int) -> None:
        super().__init__()
        self.residual, hidden, layers = design.residual, design.hidden, design.layers

        def stack() -> nn.ModuleList:
            widths = [inputs] + (layers - 1) * [hidden]
            if needs_explicit_steps(design):
                return nn.ModuleList(LayerNormRNN(design, cell, width) for width in widths)
            return nn.ModuleList(FusedRNN(design, cell, width, layers=1) for width in widths)

        self.forwards = stack()
        self.backwards = stack() if design.bidirectional else None
        self.merges = nn.ModuleList(nn.Linear(2 * hidden, hidden) for _ in range(layers if self.backwards else 0))
        self.between = Dropout(design.dropout, design.variational)

    def forward(self, steps: Tensor, state: State | None = None, record: Record | None = None) -> tuple[Tensor, State]:
        """Map steps (B, N, inputs) to outputs (B, N, hidden) of the last layer and the state after the last step."""
        reached: State = ()
        parts = 0 if state is None else len(state) // len(self.forwards)  # tensors in a layer's state
        for number, layer in enumerate(self.forwards):
            inputs = self.between(steps) if number else steps
            before = state[number * parts : (number + 1) * parts] if state else None
            outputs, after = layer(inputs, before, record)
            if self.backwards is not None:
                reverse, _ = self.backwards[number](inputs.flip(1))
                outputs = self.merges[number](torch.cat([outputs, reverse.flip(1)], dim=-1))
            steps = outputs + inputs if self.residual else outputs
            reached += after
        return steps, reached

    def recurrent_weights(self) -> list[dict[Part, Tensor]]:
        """Return the weights (hidden, hidden) from state to state of the parts of each layer that reads forwards."""
        layers = [layer for layer in self.forwards if isinstance(layer, FusedRNN | LayerNormRNN)]
        return [weights for layer in layers for weights in layer.recurrent_weights()]


def needs_explicit_steps(design: Architecture) -> bool:
    """Return whether fused kernels lack something that the layers of a design have."""
    return design.normalise == "layer" or design.zoneout > 0


def needs_stacking(design: Architecture) -> bool:
    """Return whether the layers of a design are more than one fused stack."""
    variational = design.variational and design.layers > 1
    return design.residual or design.bidirectional or variational or needs_explicit_steps(design)
