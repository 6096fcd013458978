"""The sections of the config: pydantic models of the fields in `fields.py`, frozen and without unknown keys."""

import dataclasses
import math
from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from rnncli.config.cells import CELLS, CellTraits
from rnncli.config.fields import (
    PRESET_SECONDS,
    ColumnFields,
    ComputeFields,
    ForecastFields,
    FreshnessFields,
    NetworkFields,
    PresetName,
    ResumptionFields,
    RunFields,
    TrainingFields,
)
from rnncli.config.metadata import NetworkInput, is_declared


class Section(BaseModel):
    """A group of values: a section of the config, or a part of a card."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        allow_inf_nan=False,
        defer_build=True,  # most commands validate a few of the models that they import
    )


class Columns(Section, ColumnFields):
    """The table's columns and how to read them."""

    @classmethod
    def network_inputs(cls) -> tuple[str, ...]:
        """Return the fields that only networks need."""
        return tuple(field.name for field in dataclasses.fields(cls) if is_declared(field.type, NetworkInput))

    def without_inputs(self) -> Self:
        """Return these columns without the fields that only networks need."""
        return self.model_copy(update={name: getattr(ColumnFields, name) for name in self.network_inputs()})


class NetworkOptions(Section, NetworkFields):
    """Options of the network."""

    @property
    def traits(self) -> CellTraits:
        """Traits of the cell."""
        return CELLS[self.cell]


class Training(Section, TrainingFields):
    """Options of the training."""

    @property
    def effort(self) -> PresetName:
        """The preset; without one, a time limit has the most networks of all presets."""
        return self.preset or ("best" if self.budget else "balanced")

    @property
    def seconds(self) -> float:
        """Time of the training on two idle cores, about; infinite if the number of networks is set."""
        if self.members:
            return math.inf
        preset = math.inf if self.budget and not self.preset else PRESET_SECONDS[self.effort]
        return min(self.budget or math.inf, preset)


class Resumption(Section, ResumptionFields):
    """Interrupted trainings."""


class Compute(Section, ComputeFields):
    """Device and memory."""


class Forecasting(Section, ForecastFields):
    """Content of a forecast."""


class Freshness(Section, FreshnessFields):
    """Required age of the rows."""


class Run(Section, RunFields):
    """Unattended runs of any command."""


class Config(Section):
    """All options, in the sections of the TOML file."""

    columns: Columns = Field(default_factory=Columns)
    network: NetworkOptions = Field(default_factory=NetworkOptions)
    training: Training = Field(default_factory=Training)
    forecast: Forecasting = Field(default_factory=Forecasting)
    compute: Compute = Field(default_factory=Compute)
    # These three do not describe a model, and are not on its card.
    resumption: Resumption = Field(default_factory=Resumption, exclude=True)
    freshness: Freshness = Field(default_factory=Freshness, exclude=True)
    run: Run = Field(default_factory=Run, exclude=True)
