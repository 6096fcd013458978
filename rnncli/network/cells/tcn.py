"""Convolutions over time that look back only. Their state is the end of what they read, so they can be read on."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from rnncli.config.architecture import Architecture
from rnncli.config.cells import TCN_WIDTH
from rnncli.network.cells.state import State


class CausalConv(nn.Module):
    """A dilated convolution whose output at a step depends on that step and those before it.

    Its weights are a direction and a size for each output (Salimans and Kingma 2016).
    """

    def __init__(self, inputs: int, outputs: int, width: int, dilation: int = 1) -> None:
        super().__init__()
        self.dilation, self.reach = dilation, (width - 1) * dilation
        start = nn.Conv1d(inputs, outputs, width)
        assert start.bias is not None
        self.direction, self.bias = start.weight, start.bias
        self.size = nn.Parameter(torch.empty(outputs, 1, 1))
        if not self.size.is_meta:
            self.size.data.copy_(start.weight.detach().norm(dim=(1, 2), keepdim=True))

    def forward(self, steps: Tensor, before: Tensor | None) -> tuple[Tensor, Tensor]:
        """Steps (B, N, inputs) after those before (reach, B, inputs): (B, N, outputs), and the last `reach` of all."""
        if before is None:
            before = steps.new_zeros(self.reach, len(steps), steps.shape[2])
        read = torch.cat([before.transpose(0, 1), steps], dim=1)  # (B, reach + N, inputs)
        weight = self.size * self.direction / self.direction.norm(dim=(1, 2), keepdim=True)
        outputs = functional.conv1d(read.mT, weight, self.bias, dilation=self.dilation).mT
        return outputs, read[:, steps.shape[1] :].transpose(0, 1)


class TCN(nn.Module):
    """The temporal convolutional network of Bai et al. (2018): residual blocks of two convolutions.

    Their dilation doubles from block to block.
    """

    def __init__(self, design: Architecture, inputs: int) -> None:
        super().__init__()
        hidden, layers = design.hidden, design.layers
        self.first = nn.ModuleList(
            CausalConv(inputs if number == 0 else hidden, hidden, TCN_WIDTH, 2**number) for number in range(layers)
        )
        self.second = nn.ModuleList(CausalConv(hidden, hidden, TCN_WIDTH, 2**number) for number in range(layers))
        self.beside = nn.Identity() if inputs == hidden else nn.Linear(inputs, hidden)
        self.dropout = nn.Dropout(design.dropout)

    def forward(self, steps: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Steps (B, N, inputs) to outputs (B, N, hidden) and the end of what each convolution read."""
        reached: State = ()
        for number, (first, second) in enumerate(zip(self.first, self.second, strict=True)):
            before = (None, None) if state is None else state[2 * number : 2 * number + 2]
            inner, one = first(steps, before[0])
            inner, two = second(self.dropout(inner.relu()), before[1])
            steps = (self.dropout(inner.relu()) + (steps if number else self.beside(steps))).relu()
            reached += (one, two)
        return steps, reached


class ConvolutionalRNN(nn.Module):
    """A convolution, and an encoder that reads what it says (CNN and RNN: Lai et al. 2018)."""

    def __init__(self, width: int, inputs: int, encoder: nn.Module) -> None:
        super().__init__()
        self.front, self.encoder = CausalConv(inputs, inputs, width), encoder

    def forward(self, steps: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Steps (B, N, inputs) to outputs (B, N, hidden) and the states of both."""
        read, end = self.front(steps, None if state is None else state[0])
        outputs, after = self.encoder(functional.gelu(read), state[1:] if state else None)
        return outputs, (end, *after)
