"""What goes on inside recurrent layers, step by step: gates, units, states. Pure tensors.

The kernels that train and forecast show outputs alone; here the same equations (as torch.nn has them) are written out.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from rnncli.cells import Encoder, Reservoir

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
    units: Tensor  # (B, N, hidden): what a tanh, or a ReLU, makes of the step before it is let into the state
    bounded: bool  # whether it is a tanh
    outputs: Tensor  # (B, N, hidden)


@torch.no_grad()
def layers(encoder: Encoder, steps: Tensor) -> list[Layer]:
    """Every recurrent layer of an encoder that is given steps (B, N, inputs), as far as the library's kernels run them.

    Of those that read backwards none: they are not read on.
    """
    if isinstance(encoder, Reservoir):
        return [_echoes(encoder, steps)]
    given: dict[str, Tensor] = {}

    def noting(name: str) -> Callable[[nn.Module, tuple[Tensor, ...]], None]:
        return lambda _module, inputs: given.update({name: inputs[0]})

    stacks = _stacks(encoder)
    handles = [stack.register_forward_pre_hook(noting(name)) for name, stack in stacks.items()]
    encoder(steps)
    for handle in handles:
        handle.remove()
    found = list[Layer]()
    for name, stack in stacks.items():
        for number in range(stack.num_layers if name in given else 0):
            found.append(_layer(stack, number, found[-1].outputs if number else given[name]))
    return found


def recurrent(encoder: Encoder) -> dict[str, Tensor]:
    """The recurrent weights (hidden, hidden) of each part; with several layers the layer is in the name."""
    if isinstance(encoder, Reservoir):
        return {"reservoir": encoder.weights}
    every = [(stack, number) for stack in _stacks(encoder).values() for number in range(stack.num_layers)]
    return {
        part if len(every) == 1 else f"{part} of layer {place}": weights
        for place, (stack, number) in enumerate(every, 1)
        for part, weights in zip(PARTS[stack.mode], _square(stack, number), strict=True)
    }


def _stacks(encoder: Encoder) -> dict[str, nn.RNNBase]:
    every = encoder.named_modules()
    return {
        name: module for name, module in every if isinstance(module, nn.RNNBase) and "backwards" not in name.split(".")
    }


def _square(stack: nn.RNNBase, number: int) -> tuple[Tensor, ...]:
    return _weights(stack, "hh", number)[0].detach().chunk(len(PARTS[stack.mode]))


def _echoes(reservoir: Reservoir, steps: Tensor) -> Layer:
    """Of leaky units what the tanh said: all of a state but what was left of the one before."""
    outputs, _ = reservoir(steps)
    before = functional.pad(outputs, (0, 0, 1, -1))
    units = (outputs - (1 - reservoir.leak) * before) / reservoir.leak
    return Layer({}, units, True, outputs)


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
    return Layer(dict(zip(opened, gates, strict=True)), units, stack.mode != "RNN_RELU", outputs)
