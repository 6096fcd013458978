"""The pretrained weights that come with the package, and their card: how they were trained and how accurate they are.

The file is a safetensors file of 16-bit numbers; forecasts are computed with 32 bits. No torch.
"""

from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from pydantic import Field
from safetensors import safe_open
from safetensors.numpy import save

from rnncli.config.sections import Section
from rnncli.config.types import ItemTuple
from rnncli.model.pretrained.network import Weights, check_shapes

PATH = Path(__file__).with_name("weights.safetensors")
KEY = "rnncli-pretrained"


class PretrainedCard(Section):
    """Training and accuracy of the weights."""

    name: str
    """Name of these weights."""
    data: str
    """What they were trained on."""
    generator: int
    """Version of the generator of the simulated series."""
    families: ItemTuple[str]
    """Families of processes that the series follow."""
    seed: int
    """Seed of the weights and the series of the first network; the others follow."""
    updates: int
    """Updates of each network."""
    series: int
    """Simulated series that they were trained on."""
    minutes: float
    """Time of all updates, on one core, beside one that simulates."""
    members: int
    """Number of networks, each with its own seed."""
    parameters: int
    """Number of weights of all networks."""
    losses: dict[str, float]
    """Mean quantile loss by season on simulated series that no training saw, in seasonal changes."""
    scores: dict[str, dict[str, float]] = Field(default_factory=dict)
    """Scores on public data at the release: set to score to value."""


class Pretrained(NamedTuple):
    """The weights in the package and their card."""

    members: tuple[Weights, ...]
    card: PretrainedCard


@cache
def load() -> Pretrained:
    """Return the weights in the package."""
    with safe_open(PATH, "numpy") as file:
        arrays = {name: file.get_tensor(name).astype(np.float32) for name in file.keys()}  # noqa: SIM118 - no mapping
        card = PretrainedCard.model_validate_json(file.metadata()[KEY])
    return Pretrained(members_of(arrays), card)


def encode(members: tuple[Weights, ...], card: PretrainedCard) -> bytes:
    """Return the content of the file, with the weights as 16-bit numbers."""
    halved = {name: np.ascontiguousarray(value.astype(np.float16)) for name, value in numbered(members).items()}
    return save(halved, {KEY: card.model_dump_json()})


def numbered(members: tuple[Weights, ...]) -> Weights:
    """Return the weights of all networks, with the number of the network before each name."""
    return {f"{number}.{name}": value for number, weights in enumerate(members) for name, value in weights.items()}


def members_of(arrays: Weights) -> tuple[Weights, ...]:
    """Return the networks whose weights are numbered in these arrays. Raise ValueError if they do not fit."""
    members: dict[int, Weights] = {}
    for name, value in arrays.items():
        number, _, rest = name.partition(".")
        members.setdefault(int(number), {})[rest] = value
    if not members or sorted(members) != list(range(len(members))):
        raise ValueError("weights of the pretrained network are missing")
    for weights in members.values():
        check_shapes(weights)
    return tuple(weights for _, weights in sorted(members.items()))
