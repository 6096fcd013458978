"""The architecture of one network: the network section without open choices, and its inputs. Imports no torch."""

from typing import NamedTuple, Self

from pydantic import Field, model_validator

from rnncli.config.base_forecasts import BaseName
from rnncli.config.fields import DecoderName, Initialisation, Role, ScaleName
from rnncli.config.sections import NetworkOptions, Section
from rnncli.config.types import ContextSteps, Count, ItemTuple, Steps


class Covariate(Section):
    """A covariate and its statistics, which bring it to unit size."""

    name: str
    """Column of the table."""
    role: Role
    """known (in advance), past or static."""
    categories: ItemTuple[str] | None = None
    """Categories; None if it is numeric."""
    level: float = 0.0
    """Mean."""
    spread: float = 1.0
    """Standard deviation over all series."""
    within: float = 1.0
    """Typical standard deviation within a series."""
    gaps: bool = False
    """Whether it has missing values."""


class InputSpec(NamedTuple):
    """The inputs of a network besides the targets."""

    inputs: tuple[Covariate, ...] = ()
    calendar: int = 0  # number of calendar features
    series: int = 0  # number of series S whose history each can receive (--mix); 0: only its own


class Architecture(NetworkOptions):
    """The network section with each open choice made. `Field()`: required, instead of with the section's default."""

    horizon: Steps = Field()
    context: ContextSteps = Field()
    segment: Steps = Field()
    season: Steps = Field()
    base: BaseName = Field()
    scale: ScaleName = Field()
    since: bool = Field()
    calendar: bool = Field()
    covariates: bool = True
    layers: Count = Field()
    mix: bool = False
    experts: Count = 1
    hidden: Count = Field()
    initialisation: Initialisation = "orthogonal"
    decoder: DecoderName = Field()

    @property
    def decoder_stride(self) -> int:
        """Horizon steps per step of the decoder."""
        return self.decoder_segment or self.segment

    @model_validator(mode="after")
    def _whole_segments(self) -> Self:
        if self.context % self.segment:
            raise ValueError(f"context {self.context} must be a multiple of segment {self.segment}")
        if self.bptt is not None and self.bptt % self.segment:
            raise ValueError(f"bptt {self.bptt} must be a multiple of segment {self.segment}")
        uses_history = (
            self.bypass or self.base != "none" or self.scale != "global" or self.since or self.mix or self.attention
        )
        if not self.context and (uses_history or self.bptt is not None):
            raise ValueError("context 0 cannot be combined with parts that read the history")
        if self.base == "seasonal" and self.season > self.context:
            raise ValueError(f"season {self.season} must not exceed context {self.context}")
        return self
