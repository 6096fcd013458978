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

NAME = "pretrained"  # on the command line, in place of a model file
PATH = Path(__file__).with_name("weights.safetensors")
KEY = "rnncli-pretrained"


class PretrainedCard(Section):
    """How the weights were trained, and how accurate they are."""

    name: str
    """Name of these weights."""
    data: str
    """What they were trained on."""
    generator: int
    """Version of the generator of the simulated series."""
    families: ItemTuple[str]
    """Families of processes that the series follow."""
    seed: int
    """Seed of the weights and the series."""
    updates: int
    """Updates of the weights."""
    series: int
    """Simulated series that they were trained on."""
    minutes: float
    """Time of the updates, on one core, beside one that simulates."""
    parameters: int
    """Number of weights."""
    losses: dict[str, float]
    """Mean quantile loss by season on simulated series that no training saw, in seasonal changes."""
    scores: dict[str, dict[str, float]] = Field(default_factory=dict)
    """Scores on public data at the release: set to score to value."""


class Pretrained(NamedTuple):
    """The weights in the package and their card."""

    weights: Weights
    card: PretrainedCard


@cache
def load() -> Pretrained:
    """Return the weights in the package."""
    with safe_open(PATH, "numpy") as file:
        weights = {name: file.get_tensor(name).astype(np.float32) for name in file.keys()}  # noqa: SIM118 - no mapping
        card = PretrainedCard.model_validate_json(file.metadata()[KEY])
    check_shapes(weights)
    return Pretrained(weights, card)


def encode(weights: Weights, card: PretrainedCard) -> bytes:
    """Return the content of the file, with the weights as 16-bit numbers."""
    halved = {name: np.ascontiguousarray(value.astype(np.float16)) for name, value in weights.items()}
    return save(halved, {KEY: card.model_dump_json()})
