"""The architecture of one network: what the network section leaves open is decided here. Imports no torch."""

from typing import NamedTuple, Self

from pydantic import model_validator

from rnncli.config.base_forecasts import BaseName
from rnncli.config.sections import DecoderName, Initialisation, Network, Role, ScaleName, Section
from rnncli.config.types import Count, LookBack, Several, Steps


class Covariate(Section):
    """A covariate, and what brings it to unit size."""

    name: str
    """Its column."""
    role: Role
    """When it is known."""
    categories: Several[str] | None = None
    """The kinds that it tells; none where it is an amount."""
    level: float = 0.0
    """Its mean."""
    spread: float = 1.0
    """Its standard deviation over all series."""
    within: float = 1.0
    """Its standard deviation within a series, typically."""
    gaps: bool = False
    """Whether it is missing now and then."""


class InputSpec(NamedTuple):
    """What a network receives besides the targets."""

    inputs: tuple[Covariate, ...] = ()
    calendar: int = 0  # features of the calendar
    series: int = 0  # series whose history each may receive: S, or none


class Architecture(Network):
    """The network with every open choice made."""

    horizon: Steps
    context: LookBack
    segment: Steps
    season: Steps
    base: BaseName
    scale: ScaleName
    since: bool
    calendar: bool
    covariates: bool = True
    layers: Count
    mix: bool = False
    experts: Count = 1
    hidden: Count
    initialisation: Initialisation = "orthogonal"
    decoder: DecoderName

    @property
    def piece(self) -> int:
        """Steps of the horizon in one step of the decoder."""
        return self.decoder_segment or self.segment

    @property
    def read_at_once(self) -> int:
        """Steps of the horizon that are read from one state of the decoder."""
        return self.horizon if self.decoder == "direct" else self.piece

    @model_validator(mode="after")
    def _whole_segments(self) -> Self:
        if self.context % self.segment:
            raise ValueError(f"context {self.context} is no multiple of segment {self.segment}")
        if self.bptt is not None and self.bptt % self.segment:
            raise ValueError(f"bptt {self.bptt} is no multiple of segment {self.segment}")
        past = self.bypass or self.base != "none" or self.scale != "global" or self.since or self.mix or self.attention
        if not self.context and (past or self.bptt is not None):
            raise ValueError("context 0 leaves nothing of the past to be read")
        if self.base == "seasonal" and self.season > self.context:
            raise ValueError(f"season {self.season} does not fit into context {self.context}")
        return self
