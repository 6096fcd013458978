"""The temporal convolutional network of Bai et al. (2018)."""

from torch import Tensor, nn

from rnncli.config.architecture import Architecture
from rnncli.config.cells import TCN_WIDTH
from rnncli.network.cells.causal_conv import CausalConv
from rnncli.network.cells.record import Part, Record
from rnncli.network.cells.state import State


class TCN(nn.Module):
    """Residual blocks of two causal convolutions each, whose dilation doubles from block to block."""

    def __init__(self, design: Architecture, inputs: int) -> None:
        super().__init__()
        hidden, layers = design.hidden, design.layers
        self.first = nn.ModuleList(
            CausalConv(inputs if number == 0 else hidden, hidden, TCN_WIDTH, 2**number) for number in range(layers)
        )
        self.second = nn.ModuleList(CausalConv(hidden, hidden, TCN_WIDTH, 2**number) for number in range(layers))
        self.beside = nn.Identity() if inputs == hidden else nn.Linear(inputs, hidden)
        self.dropout = nn.Dropout(design.dropout)

    def forward(
        self,
        steps: Tensor,
        state: State | None = None,
        record: Record | None = None,  # noqa: ARG002 - there are no gates or attention weights to record
    ) -> tuple[Tensor, State]:
        """Map steps (B, N, inputs) to outputs (B, N, hidden) and the end of each convolution's input."""
        reached: State = ()
        for number, (first, second) in enumerate(zip(self.first, self.second, strict=True)):
            before = (None, None) if state is None else state[2 * number : 2 * number + 2]
            inner, first_end = first(steps, before[0])
            inner, second_end = second(self.dropout(inner.relu()), before[1])
            steps = (self.dropout(inner.relu()) + (steps if number else self.beside(steps))).relu()
            reached += (first_end, second_end)
        return steps, reached

    def recurrent_weights(self) -> list[dict[Part, Tensor]]:
        """Return none: no layer is recurrent."""
        return []
