"""Recurrent layers one by one, with what lies between them and around them."""

import torch
from torch import Tensor, nn

from rnncli.config.architecture import Architecture
from rnncli.network.cells.dropout import Dropout
from rnncli.network.cells.layer_norm_rnn import LayerNormRNN
from rnncli.network.cells.recurrent import FusedRNN, RecurrentName
from rnncli.network.cells.state import State


class StackedRNN(nn.Module):
    """Layers that are residual, read both ways, share one dropout mask a sequence, or are written out.

    Residual: what a layer reads is added to what it says (He et al. 2016; Wu et al. 2016). Bidirectional: a second
    layer reads the steps from the last to the first (Schuster and Paliwal 1997), and a linear map brings the outputs of
    both to the size of one. The state is that of the layers that read forwards.
    """

    def __init__(self, design: Architecture, cell: RecurrentName, inputs: int) -> None:
        super().__init__()
        self.residual, hidden, layers = design.residual, design.hidden, design.layers

        def stack() -> nn.ModuleList:
            widths = [inputs] + (layers - 1) * [hidden]
            if written_out(design):
                return nn.ModuleList(LayerNormRNN(design, cell, width) for width in widths)
            return nn.ModuleList(FusedRNN(design, cell, width, layers=1) for width in widths)

        self.forwards = stack()
        self.backwards = stack() if design.bidirectional else None
        self.merges = nn.ModuleList(nn.Linear(2 * hidden, hidden) for _ in range(layers if self.backwards else 0))
        self.between = Dropout(design.dropout, design.variational)

    def forward(self, steps: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Steps (B, N, inputs) to outputs (B, N, hidden) of the last layer and the state after the last step."""
        reached: State = ()
        each = 0 if state is None else len(state) // len(self.forwards)
        for number, layer in enumerate(self.forwards):
            read = self.between(steps) if number else steps
            outputs, after = layer(read, state[number * each : (number + 1) * each] if state else None)
            if self.backwards is not None:
                back, _ = self.backwards[number](read.flip(1))
                outputs = self.merges[number](torch.cat([outputs, back.flip(1)], dim=-1))
            steps = outputs + read if self.residual else outputs
            reached += after
        return steps, reached


def written_out(design: Architecture) -> bool:
    """Whether the cells of a design are more than the library's kernels have."""
    return design.normalise == "layer" or design.zoneout > 0


def one_by_one(design: Architecture) -> bool:
    """Whether the recurrent layers of a design are more than a stack of the library's kernels."""
    variational = design.variational and design.layers > 1
    return design.residual or design.bidirectional or variational or written_out(design)
