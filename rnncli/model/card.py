"""Schema of the card: the JSON part of a model file that describes the model, its training data and its scores.

No torch, so that commands can read it quickly.
"""

from typing import Literal, Self

from pydantic import Field, model_validator

from rnncli.config.architecture import Architecture, Covariate
from rnncli.config.sections import Config, Section
from rnncli.config.types import ItemTuple

FORMAT: Literal[8] = 8
OLDEST_FORMAT = 6  # that this version reads: no pretrained network before 7, no graphs before 8
MODEL_METHOD = "rnncli"  # name of the model among the methods in `scores`


class ColumnRange(Section):
    """Range of a numeric column in the training data."""

    name: str
    """Name of the column; empty for all columns of a wide table."""
    low: float
    """Smallest value."""
    high: float
    """Largest value."""
    typical: float
    """Mean absolute value."""
    missing: float
    """Share of the steps without a value."""


class TrainingData(Section):
    """Statistics of the training table."""

    series: int
    """Number of series."""
    rows: int
    """Number of rows."""
    missing: int
    """Missing values in those rows."""
    absent: int
    """Steps without a row between the first and the last row of a series."""
    first: str
    """Earliest time."""
    last: str
    """Latest time."""
    nonnegative: bool
    """Whether no value is negative; forecasts are then clipped at zero."""
    counts: bool = False
    """Whether all values are also whole numbers; quantiles are then rounded."""
    phase: int = 0
    """Offset of the times within a time step."""
    sizes: dict[str, float] = Field(default_factory=dict)
    """Mean absolute value of each series; empty if there are too many."""
    together: ItemTuple[str] = ()
    """Series that the networks mix, in the order of their weights."""
    columns: ItemTuple[ColumnRange] = ()
    """Ranges of the targets and numeric covariates."""


class Validation(Section):
    """Validation windows on which the model was scored."""

    windows: int
    """Number of windows."""
    held_out: int
    """Steps at the end of each series that the scored networks were not trained on."""
    refitted: bool
    """Whether the selected networks were then trained on those steps, too."""
    origins: int = 0
    """Number of different cutoffs, counted from the end of their series."""
    variation: dict[str, float] = Field(default_factory=dict)
    """Standard deviation of each score of the model between those cutoffs."""


class LearningCurve(Section):
    """Learning curve of a network."""

    updates: int
    """Number of updates; the selected weights may be those of an earlier one."""
    losses: ItemTuple[float]
    """Mean training loss since the previous point, at equidistant points."""
    gradients: ItemTuple[float | None]
    """Largest gradient norm, before clipping, since the previous point; null if it was not finite."""
    checks: ItemTuple[int] = ()
    """Updates after which the validation loss was computed."""
    validations: ItemTuple[float] = ()
    """Validation losses."""

    @property
    def points(self) -> list[int]:
        """Number of updates at each point."""
        count = len(self.losses)
        return [round(number * self.updates / count) for number in range(1, count + 1)]


class Member(Section):
    """One network of the ensemble."""

    architecture: Architecture
    """Its architecture."""
    seed: int
    """Seed of its random numbers."""
    steps: int
    """Number of updates in its last training up to the selected weights."""
    course: LearningCurve | None = None
    """Learning curve of its last training."""
    trial: LearningCurve | None = None
    """Learning curve of its trial with rows held out, if it was then trained again on all rows."""


class PretrainedPart(Section):
    """The pretrained network in a model."""

    name: str
    """Name of its weights."""
    horizon: int
    """Forecast steps."""
    context: int
    """Newest rows of a series that its forecasts depend on."""
    seasons: ItemTuple[tuple[int, int]] = Field(min_length=1)
    """Short and long season, in steps, of each view of a series; 1 for none."""
    weights: ItemTuple[float] = Field(min_length=1)
    """Weight of the forecasts with each view."""
    share: float = 1.0
    """Share of its forecasts in those of the model."""
    updates: int = 0
    """Updates of fine-tuning on the table; 0 if it is used as it is."""


class Card(Section):
    """Description of a model."""

    format: Literal[6, 7, 8] = FORMAT
    rnncli: str
    """Version that wrote it."""
    libraries: dict[str, str]
    """Versions of the libraries that it was trained with."""
    config: Config
    """Settings of the training, with the names of the columns that were found."""
    inputs: ItemTuple[Covariate] = ()
    """Covariates of the networks."""
    members: ItemTuple[Member] = ()
    """Networks of the ensemble."""
    pretrained: PretrainedPart | None = None
    """The pretrained network, if it forecasts alone or beside them."""
    season: int
    """Steps in a season, for MASE and seasonal naive."""
    reasons: dict[str, str]
    """Reason of each automatic choice."""
    frequency: str
    """Frequency of the series."""
    integer_clock: bool
    """Whether times are numbers."""
    zone: str | None
    """Time zone of the training table."""
    seen: TrainingData
    parameters: int
    """Number of weights in all networks."""
    validation: Validation
    scores: dict[str, dict[str, float | None]] = Field(default_factory=dict)
    """Scores on the validation windows by method and column."""

    @model_validator(mode="after")
    def _one_horizon(self) -> Self:
        horizons = {member.architecture.horizon for member in self.members}
        if self.pretrained is not None:
            horizons.add(self.pretrained.horizon)
            if len(self.pretrained.seasons) != len(self.pretrained.weights):
                raise ValueError("its pretrained network has views without a weight")
        if not horizons:
            raise ValueError("it has no network")
        if len(horizons) > 1:
            raise ValueError("its networks forecast different horizons")
        return self

    @property
    def architectures(self) -> list[Architecture]:
        """Architectures of the networks, in their order."""
        return [member.architecture for member in self.members]

    @property
    def horizon(self) -> int:
        """Forecast steps."""
        return self.members[0].architecture.horizon if self.members else self._pretrained.horizon

    @property
    def context(self) -> int:
        """Longest context of the networks."""
        own = [member.architecture.context for member in self.members]
        return max([*own, *([self.pretrained.context] if self.pretrained else [])])

    @property
    def seed(self) -> int:
        """Seed of the first network, or of the training."""
        return self.members[0].seed if self.members else self.config.training.seed

    @property
    def _pretrained(self) -> PretrainedPart:
        assert self.pretrained is not None  # without other networks
        return self.pretrained

    @property
    def model_scores(self) -> dict[str, float | None]:
        """Validation scores of the model itself by column; empty without validation."""
        return self.scores.get(MODEL_METHOD, {})

    @property
    def uses_covariates(self) -> bool:
        """Return whether any network receives covariates; training may have dropped them."""
        return bool(self.inputs) and any(member.architecture.covariates for member in self.members)

    @property
    def targets(self) -> int:
        """Number of targets: K. The columns of a wide table are series of one target."""
        return 1 if self.config.columns.layout == "wide" else len(self.config.columns.target)
