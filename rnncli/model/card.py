"""Schema of the card: the JSON part of a model file that describes the model, its training data and its scores.

No torch, so that commands can read it quickly.
"""

from typing import Literal, Self

from pydantic import Field, model_validator

from rnncli.config.architecture import Architecture, Covariate
from rnncli.config.sections import Config, Section
from rnncli.config.types import ItemTuple

FORMAT: Literal[6] = 6


class ColumnRange(Section):
    """What a column of amounts held."""

    name: str
    """The column; empty for all columns of a wide table."""
    low: float
    """The smallest value."""
    high: float
    """The largest value."""
    typical: float
    """The mean absolute value."""
    missing: float
    """Share of the steps without a value."""


class TrainingData(Section):
    """The table that the model was trained on."""

    series: int
    """Series in it."""
    rows: int
    """Rows in it."""
    missing: int
    """Values empty in those rows."""
    absent: int
    """Steps without a row between a series' first and last."""
    first: str
    """The earliest time."""
    last: str
    """The latest time."""
    nonnegative: bool
    """Whether no value was below zero: then no forecast is."""
    counts: bool = False
    """Whether all of them were whole numbers besides: then quantiles are."""
    phase: int = 0
    """Where within a step its times lie."""
    sizes: dict[str, float] = Field(default_factory=dict)
    """Series to mean absolute value, where there are not too many."""
    together: ItemTuple[str] = ()
    """The series that the networks see side by side, in the order of their weights."""
    columns: ItemTuple[ColumnRange] = ()
    """Targets and amounts beside them."""


class Validation(Section):
    """How the scores came about."""

    windows: int
    """Windows that the scores were taken on."""
    held_out: int
    """Steps at the end of each series that the networks scored on them never trained on."""
    refitted: bool
    """Whether the networks kept were then trained on those steps too."""
    origins: int = 0
    """Cutoffs that the windows have, counted from the end of their series."""
    variation: dict[str, float] = Field(default_factory=dict)
    """How much each score of the model varies from one of these to the next, as a standard deviation."""


class LearningCurve(Section):
    """How the training of a network went."""

    updates: int
    """Updates made, of which the best weights need not be the last."""
    losses: ItemTuple[float]
    """Mean training loss since the point before, at points that divide the updates evenly."""
    gradients: ItemTuple[float | None]
    """Largest norm of the gradient since the point before, as it was before clipping; none where it was no number."""
    checks: ItemTuple[int] = ()
    """Updates after which the validation windows were looked at."""
    validations: ItemTuple[float] = ()
    """Loss on them."""

    @property
    def points(self) -> list[int]:
        """Updates made by each point."""
        return [round(place * self.updates / len(self.losses)) for place in range(1, len(self.losses) + 1)]


class Member(Section):
    """One network of the ensemble."""

    architecture: Architecture
    """What was built."""
    seed: int
    """Start of its random numbers."""
    steps: int
    """Updates of its weights in its last training, to those taken."""
    course: LearningCurve | None = None
    """How its training went."""
    trial: LearningCurve | None = None
    """How that of the same design went with rows held out, where the network was then trained again on all of them."""


class Card(Section):
    """All that is known of a model but its weights."""

    format: Literal[6] = FORMAT
    rnncli: str
    """The version that wrote it."""
    libraries: dict[str, str]
    """Versions of what it was trained with."""
    config: Config
    """What was asked for, the columns by the names that were found."""
    inputs: ItemTuple[Covariate] = ()
    """What the networks are told beside the targets."""
    members: ItemTuple[Member] = Field(min_length=1)
    """The networks: the forecast is their consensus."""
    season: int
    """Steps in a season, as MASE and seasonal naive take it."""
    reasons: dict[str, str]
    """Why the open choices were made so."""
    frequency: str
    """The step of the clock."""
    integer_clock: bool
    """Whether times are plain numbers."""
    zone: str | None
    """The time zone of the training table."""
    seen: TrainingData
    parameters: int
    """Weights in all networks."""
    validation: Validation
    scores: dict[str, dict[str, float | None]] = Field(default_factory=dict)
    """Model or baseline, to metric, to score on the validation windows, of networks that never trained on them."""

    @model_validator(mode="after")
    def _one_horizon(self) -> Self:
        if len({member.architecture.horizon for member in self.members}) > 1:
            raise ValueError("its networks forecast different horizons")
        return self

    @property
    def architectures(self) -> list[Architecture]:
        """Of the networks, in their order."""
        return [member.architecture for member in self.members]

    @property
    def horizon(self) -> int:
        """Steps that a forecast covers."""
        return self.members[0].architecture.horizon

    @property
    def context(self) -> int:
        """Past steps that the network which sees furthest back sees."""
        return max(member.architecture.context for member in self.members)

    @property
    def uses_covariates(self) -> bool:
        """Whether any network is told the columns beside the targets: training may have found that none should be."""
        return bool(self.inputs) and any(member.architecture.covariates for member in self.members)

    @property
    def targets(self) -> int:
        """Columns forecast together: K. The columns of a wide table are series of one target."""
        return 1 if self.config.columns.layout == "wide" else len(self.config.columns.target)
