"""What goes on inside recurrent layers, step by step: gates, units, states. Pure tensors.

The kernels that train and forecast show outputs alone; here the same equations (as torch.nn has them) are written out.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from rnncli.network.cells import EchoState, Encoder
from rnncli.network.cells.stacked import StackedRNN


class Part(NamedTuple):
    """A part of a recurrent layer. Gates are held between 0 and 1 by a sigmoid."""

    name: str
    gate: bool = False


RESET, UPDATE, INPUT, FORGET, OUTPUT = (
    Part(f"{name} gate", gate=True) for name in ("reset", "update", "input", "forget", "output")
)
STATE, CANDIDATE, RESERVOIR, UNITS = (Part(name) for name in ("state", "candidate", "reservoir", "units"))
# The rows of the weights, in this order.
PARTS: dict[str, tuple[Part, ...]] = {
    "RNN_TANH": (STATE,),
    "RNN_RELU": (STATE,),
    "LSTM": (INPUT, FORGET, CANDIDATE, OUTPUT),
    "GRU": (RESET, UPDATE, CANDIDATE),
}


class Layer(NamedTuple):
    """One layer over N steps of B sequences."""

    gates: dict[Part, Tensor]  # (B, N, hidden) each
    units: Tensor  # (B, N, hidden): what a tanh, or a ReLU, makes of the step before it is let into the state
    bounded: bool  # whether it is a tanh
    outputs: Tensor  # (B, N, hidden)


@torch.no_grad()
def layers(encoder: Encoder, steps: Tensor) -> list[Layer]:
    """Every recurrent layer of an encoder that is given steps (B, N, inputs), as far as the library's kernels run them.

    Of those that read backwards none: they are not read on.
    """
    if isinstance(encoder, EchoState):
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


def recurrent(encoder: Encoder) -> dict[Part, Tensor]:
    """The recurrent weights (hidden, hidden) of each part; with several layers the layer is in the name."""
    if isinstance(encoder, EchoState):
        return {RESERVOIR: encoder.weights}
    every = [(stack, number) for stack in _stacks(encoder).values() for number in range(stack.num_layers)]
    return {
        part if len(every) == 1 else part._replace(name=f"{part.name} of layer {place}"): weights
        for place, (stack, number) in enumerate(every, 1)
        for part, weights in zip(PARTS[stack.mode], _square(stack, number), strict=True)
    }


def _stacks(encoder: Encoder) -> dict[str, nn.RNNBase]:
    """The stacks that kernels run forwards in time, by the names of their modules."""
    layered = [module for module in encoder.modules() if isinstance(module, StackedRNN)]
    backwards = {part for module in layered if module.backwards for part in module.backwards.modules()}
    every = encoder.named_modules()
    return {name: module for name, module in every if isinstance(module, nn.RNNBase) and module not in backwards}


def _square(stack: nn.RNNBase, number: int) -> tuple[Tensor, ...]:
    return _weights(stack, "hh", number)[0].detach().chunk(len(PARTS[stack.mode]))


def _echoes(reservoir: EchoState, steps: Tensor) -> Layer:
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
        opened = {part: torch.sigmoid(given[n] + back[n]) for n, part in enumerate(parts) if part.gate}
        match stack.mode:
            case "LSTM":
                unit = torch.tanh(given[2] + back[2])
                cell = opened[FORGET] * cell + opened[INPUT] * unit
                state = opened[OUTPUT] * torch.tanh(cell)
            case "GRU":
                unit = torch.tanh(given[2] + opened[RESET] * back[2])
                state = opened[UPDATE] * state + (1 - opened[UPDATE]) * unit
            case "RNN_RELU":
                unit = state = torch.relu(given[0] + back[0])
            case _:
                unit = state = torch.tanh(given[0] + back[0])
        rows.append([*opened.values(), unit, state])
    *gates, units, outputs = (torch.stack(row, dim=1) for row in zip(*rows, strict=True))
    return Layer(dict(zip(opened, gates, strict=True)), units, stack.mode != "RNN_RELU", outputs)
