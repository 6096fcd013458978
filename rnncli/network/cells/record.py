"""Internal values of encoders, recorded on request: gates, activations and attention weights."""

from dataclasses import dataclass, field
from typing import NamedTuple

from torch import Tensor


class Part(NamedTuple):
    """A part of a recurrent layer."""

    name: str
    gate: bool = False  # a sigmoid bounds it to 0..1


RESET, UPDATE, INPUT, FORGET, OUTPUT = (
    Part(f"{name} gate", gate=True) for name in ("reset", "update", "input", "forget", "output")
)
STATE, CANDIDATE, RESERVOIR, UNITS = (Part(name) for name in ("state", "candidate", "reservoir", "units"))


class LayerActivity(NamedTuple):
    """A recurrent layer over N steps of B sequences."""

    gates: dict[Part, Tensor]  # (B, N, hidden) each
    units: Tensor  # (B, N, hidden): the activation of a step before it enters the state
    bounded: bool  # whether that activation is a tanh, not a ReLU
    outputs: Tensor  # (B, N, hidden)


@dataclass
class Record:
    """Filled by an encoder's `forward` when it is passed one."""

    layers: list[LayerActivity] = field(default_factory=list)  # layers that read forwards in time, from the first
    attention: list[Tensor] = field(default_factory=list)  # (B, heads, N, R + N) of each Transformer block
