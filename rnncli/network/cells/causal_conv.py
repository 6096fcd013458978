"""Convolutions over time that read only the past, alone or in front of a recurrent encoder.

Their state is the end of their input, so that reading can continue from it.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from rnncli.network.cells.record import Part, Record
from rnncli.network.cells.recurrent import FusedRNN
from rnncli.network.cells.stacked import StackedRNN
from rnncli.network.cells.state import State


class CausalConv(nn.Module):
    """A dilated convolution whose output at a step depends on that step and those before it.

    Weight normalisation: the weights of each output are a direction and a size (Salimans and Kingma 2016).
    """

    def __init__(self, inputs: int, outputs: int, width: int, dilation: int = 1) -> None:
        super().__init__()
        self.dilation, self.reach = dilation, (width - 1) * dilation
        start = nn.Conv1d(inputs, outputs, width)
        assert start.bias is not None
        self.direction, self.bias = start.weight, start.bias
        self.size = nn.Parameter(torch.empty(outputs, 1, 1))
        if not self.size.is_meta:  # else there is no memory to initialise
            self.size.data.copy_(start.weight.detach().norm(dim=(1, 2), keepdim=True))

    def forward(self, steps: Tensor, before: Tensor | None) -> tuple[Tensor, Tensor]:
        """Map steps (B, N, inputs) to outputs (B, N, outputs); return the last `reach` steps (reach, B, inputs) too.

        before: (reach, B, inputs) the steps before them; None: zeros.
        """
        if before is None:
            before = steps.new_zeros(self.reach, len(steps), steps.shape[2])
        padded = torch.cat([before.transpose(0, 1), steps], dim=1)  # (B, reach + N, inputs)
        weight = self.size * self.direction / self.direction.norm(dim=(1, 2), keepdim=True)
        outputs = functional.conv1d(padded.mT, weight, self.bias, dilation=self.dilation).mT
        return outputs, padded[:, steps.shape[1] :].transpose(0, 1)


class ConvolutionalRNN(nn.Module):
    """A convolution whose output a recurrent encoder reads (Lai et al. 2018)."""

    def __init__(self, width: int, inputs: int, encoder: FusedRNN | StackedRNN) -> None:
        super().__init__()
        self.front, self.encoder = CausalConv(inputs, inputs, width), encoder

    def forward(self, steps: Tensor, state: State | None = None, record: Record | None = None) -> tuple[Tensor, State]:
        """Map steps (B, N, inputs) to outputs (B, N, hidden) and the states of both."""
        convolved, end = self.front(steps, None if state is None else state[0])
        outputs, after = self.encoder(functional.gelu(convolved), state[1:] if state else None, record)
        return outputs, (end, *after)

    def recurrent_weights(self) -> list[dict[Part, Tensor]]:
        """Return the weights from state to state of the recurrent encoder."""
        return self.encoder.recurrent_weights()
