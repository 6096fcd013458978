"""What goes on inside recurrent layers, step by step: gates, units, states. Pure tensors.

The kernels that train and forecast show outputs alone; here the same equations (as torch.nn has them) are written out.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn

# The rows of the weights, in this order; a gate is what a sigmoid holds between 0 and 1.
PARTS: dict[str, tuple[str, ...]] = {
    "RNN_TANH": ("state",),
    "RNN_RELU": ("state",),
    "LSTM": ("input gate", "forget gate", "candidate", "output gate"),
    "GRU": ("reset gate", "update gate", "candidate"),
}


class Layer(NamedTuple):
    """One layer over N steps of B sequences."""

    gates: dict[str, Tensor]  # (B, N, hidden) each
    units: Tensor  # (B, N, hidden): what a tanh makes of the step before it is let into the state
    outputs: Tensor  # (B, N, hidden)


@torch.no_grad()
def layers(stack: nn.RNNBase, steps: Tensor) -> list[Layer]:
    """Every layer of a stack that is given steps (B, N, inputs), from a state of zeros."""
    found = list[Layer]()
    for number in range(stack.num_layers):
        found.append(_layer(stack, number, found[-1].outputs if found else steps))
    return found


def recurrent(stack: nn.RNNBase) -> dict[str, Tensor]:
    """The recurrent weights (hidden, hidden) of each part; with several layers the layer is in the name."""
    return {
        part if stack.num_layers == 1 else f"{part} of layer {number + 1}": weights
        for number in range(stack.num_layers)
        for part, weights in zip(
            PARTS[stack.mode], _weights(stack, "hh", number)[0].detach().chunk(len(PARTS[stack.mode])), strict=True
        )
    }


def _weights(stack: nn.RNNBase, kind: str, number: int) -> tuple[Tensor, Tensor]:
    return getattr(stack, f"weight_{kind}_l{number}"), getattr(stack, f"bias_{kind}_l{number}")


def _layer(stack: nn.RNNBase, number: int, steps: Tensor) -> Layer:
    weights, shift = _weights(stack, "hh", number)  # (G * hidden, hidden), (G * hidden,)
    into, moved = _weights(stack, "ih", number)
    parts = PARTS[stack.mode]
    driven = (steps @ into.T + moved).chunk(len(parts), dim=-1)  # G of (B, N, hidden)
    state = cell = steps.new_zeros(len(steps), stack.hidden_size)
    rows = []
    for place in range(steps.shape[1]):
        given = [part[:, place] for part in driven]
        back = list((state @ weights.T + shift).chunk(len(parts), dim=-1))
        opened = {name: torch.sigmoid(given[n] + back[n]) for n, name in enumerate(parts) if name.endswith("gate")}
        match stack.mode:
            case "LSTM":
                unit = torch.tanh(given[2] + back[2])
                cell = opened["forget gate"] * cell + opened["input gate"] * unit
                state = opened["output gate"] * torch.tanh(cell)
            case "GRU":
                unit = torch.tanh(given[2] + opened["reset gate"] * back[2])
                state = opened["update gate"] * state + (1 - opened["update gate"]) * unit
            case "RNN_RELU":
                unit = state = torch.relu(given[0] + back[0])
            case _:
                unit = state = torch.tanh(given[0] + back[0])
        rows.append([*opened.values(), unit, state])
    *gates, units, outputs = (torch.stack(row, dim=1) for row in zip(*rows, strict=True))
    return Layer(dict(zip(opened, gates, strict=True)), units, outputs)
