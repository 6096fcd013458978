"""Every choice about a model, once. Imports neither torch nor pandas nor numpy.

A field is at the same time a command-line option (the text under it is the option's help), a key of the TOML file given
with --config, and an entry of the card in the model file. `None` means: chosen from the data.
"""

import math
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from rnncli.config.base_forecasts import BaseName
from rnncli.config.cells import CELLS, CellName, CellTraits
from rnncli.config.types import (
    Bytes,
    Count,
    LookBack,
    Names,
    Pause,
    Percents,
    Seconds,
    Shares,
    Steps,
    ahead,
    clock_and_way,
    steps_or_duration,
)

Activation = Literal["tanh", "relu"]
Initialisation = Literal["orthogonal", "xavier", "identity"]
OptimiserName = Literal["adamw", "adam", "sgd", "rmsprop"]
ScheduleName = Literal["one-cycle", "constant", "step", "cosine", "plateau"]
Normalisation = Literal["none", "layer", "batch"]
DecoderName = Literal["parallel", "direct", "recursive", "encoder-decoder"]
ScaleName = Literal["spread", "log", "mean", "global"]
DeviceName = Literal["auto", "cpu", "cuda", "mps"]
MetricName = Literal["quantiles", "mase", "smape", "owa", "mae", "mse", "rmsse"]
PointName = Literal["median", "mean"]
PresetName = Literal["fast", "balanced", "best"]
BUDGETS: dict[PresetName, float] = {"fast": 25, "balanced": 270, "best": 900}  # seconds
Layout = Literal["auto", "long", "wide"]
Decimal = Literal[".", ","]
Duplicates = Literal["mean", "sum", "last"]
Gaps = Literal["mask", "zero", "previous"]
OnDrift = Literal["warn", "fail", "ignore"]
Role = Literal["known", "past", "static"]
LogFormat = Literal["text", "json"]


class Section(BaseModel):
    """Choices that belong together."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        use_attribute_docstrings=True,
        allow_inf_nan=False,
        defer_build=True,  # `--help` needs the fields, not their validators
    )


class Columns(Section):
    """Which column of the table is what."""

    time: str | None = None
    """The time column."""
    id: str | None = None
    """The column that names the series."""
    target: Names = ()
    """The column to forecast; several, separated by commas, are forecast together."""
    known: Names = ()
    """Columns known in advance: a price, a promotion, a weather forecast."""
    past: Names = ()
    """Columns that are known only up to now."""
    static: Names = ()
    """Columns with one value for each series."""
    categorical: Names = ()
    """Which of these tell kinds by numbers, not amounts; texts always tell kinds."""
    weight: str | None = None
    """The column that says how much a row counts in the loss."""
    holidays: Names = ()
    """Countries whose public holidays the network is told, such as DE,US-CA."""
    layout: Layout = "auto"
    """long: a row for each series and time; wide: a row for each time, a column for each series."""
    freq: str | None = None
    """Frequency, such as h, 15min, D, B, W, MS, ME, QS, YS (the old M, H, Q, A too), or the step of a number clock."""
    dayfirst: bool | None = None
    """Whether 03/04/2024 is the third of April."""
    decimal: Decimal | None = None
    """What stands before the fraction of a number: a point or a comma."""
    timezone: str | None = None
    """The zone of times that are written without one, such as Europe/Berlin, and that times are given back in."""
    duplicates: Duplicates | None = None
    """What to make of rows with one series and time that differ."""
    fill_gaps: Gaps | None = None
    """What a step without a row means: that nothing is known (mask), that it is zero, or that it is as before."""
    resample: Annotated[str, AfterValidator(clock_and_way)] | None = None
    """Bring rows onto a clock, such as 1h=sum, 1D=mean, 15min=last or h=count; a last step not over is left out."""
    strict: bool = False
    """Take nothing for granted: what would be assumed of a table is an error."""


class Network(Section):
    """The network, as asked for."""

    horizon: Annotated[int | str, BeforeValidator(steps_or_duration), AfterValidator(ahead)] | None = None
    """How far to forecast: a number of steps, or a duration such as 7d."""
    context: LookBack | None = None
    """How many past steps the network sees; 0: none, only --static and --known columns and the calendar."""
    segment: Steps | None = None
    """Steps taken together in one recurrent step (1: the classic step by step)."""
    season: Steps | None = None
    """Steps in a season (1: none); a longer cycle of such that shows is tried, too, as a base."""
    base: BaseName | None = None
    """The simple forecast that the network corrects."""
    scale: ScaleName | None = None
    """Of a window to unit size: its deviation, that of its logarithm, or its mean size; global: one of all rows."""
    since: bool | None = None
    """Tell the network how long ago the last value above zero was: for what is sold now and then."""
    calendar: bool | None = None
    """Tell the network the time of day, the weekday, the time of the month and of the year, and Easter."""
    covariates: bool | None = None
    """Tell the network the columns named as known, past and static, whether validation finds them of use or not."""
    mix: bool | None = None
    """Show each series of a wide table the others' past."""
    cell: CellName = "gru"
    """rnn, lstm, gru: recurrent; esn: a fixed reservoir; tcn: temporal convolutions; transformer: causal attention."""
    activation: Activation = "tanh"
    """Of the cell rnn."""
    layers: Annotated[int, Field(ge=1, le=64)] | None = None
    """Layers on top of one another: 1 recurrent, else 2 or as many as see the whole context."""
    hidden: Annotated[int, Field(ge=1, le=65_536)] | None = None
    """Units in a layer."""
    bidirectional: bool = False
    """Read the past both ways."""
    residual: bool = False
    """Add what a recurrent layer reads to what it says."""
    convolution: Annotated[int, Field(ge=0, le=64)] = 0
    """Width, in recurrent steps, of a convolution in front of the recurrent layers (0: none)."""
    normalise: Normalisation = "none"
    """layer: inside the recurrent cell; batch: what the encoder reads."""
    initialisation: Initialisation | None = None
    """How recurrent weights start: orthogonal, or for relu as the identity."""
    remember: Steps | None = None
    """Over how many steps, at most, units of an lstm or gru hold on to what they read as training begins."""
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.1
    """Share of units left out at random in training, between layers and before the head."""
    input_dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Share of what the encoder reads that is left out at random in training."""
    variational: bool = False
    """Leave out the same units at every step of a sequence, in front of layers."""
    zoneout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Share of the state's units that stay as they were at a step in training."""
    radius: Annotated[float, Field(gt=0)] | None = None
    """Spectral radius of the cell esn [0.9]."""
    leak: Annotated[float, Field(gt=0, le=1)] | None = None
    """How much of a state of the cell esn is new at each step [0.5]."""
    density: Annotated[float, Field(gt=0, le=1)] | None = None
    """Share of the connections in the reservoir of the cell esn [0.1]."""
    input_scale: Annotated[float, Field(gt=0)] | None = None
    """Size of what the cell esn reads [1]."""
    decoder: DecoderName | None = None
    """parallel: a step a segment; direct: none; recursive: segments fed back; encoder-decoder: a second network's."""
    decoder_segment: Steps | None = None
    """Steps of the horizon in one step of the encoder-decoder's second network: those of the segment."""
    attention: bool = False
    """Let each step of the decoder look back at all states of the encoder."""
    bptt: Steps | None = None
    """Carry the state over from the beginning of each series; cut the gradient after so many steps."""
    bypass: bool = True
    """Add linear maps from context to horizon."""
    experts: Annotated[int, Field(ge=1, le=64)] | None = None
    """How many of them, each window with its own mixture, and as many of known amounts [8, fewer of large ones]."""

    @property
    def traits(self) -> CellTraits:
        """The traits of its cell."""
        return CELLS[self.cell]


class Training(Section):
    """How the networks are trained, and for how long."""

    metric: MetricName = "quantiles"
    """What the forecast will be judged by: shapes the loss, the choice of members and the point forecast."""
    preset: PresetName = "balanced"
    """How much time to take at most: fast 25s, balanced 4.5m, best 15m."""
    budget: Seconds | None = None
    """How much time to take, such as 60s, 5m or 1h, in place of a preset."""
    members: Annotated[int, Field(ge=1, le=100)] | None = None
    """Train so many networks, whatever the time: the same bits again from the same seed."""
    refit: bool = True
    """Train the networks kept again on all rows, so that the newest count."""
    steps: Count | None = None
    """Updates of the weights, at most."""
    batch: Annotated[int, Field(ge=1, le=65_536)] = 128
    """Windows in one update."""
    optimiser: OptimiserName = "adamw"
    """What moves the weights along the gradient."""
    momentum: Annotated[float, Field(ge=0, lt=1)] | None = None
    """Of sgd and rmsprop: share of its last move that a weight goes on with [sgd: 0.9]."""
    learning_rate: Annotated[float, Field(gt=0)] = 5e-3
    """Peak of the schedule."""
    find_rate: bool = False
    """Find the learning rate by a short test that tries them all."""
    schedule: ScheduleName = "one-cycle"
    """one-cycle: up and down; step: a tenth each third; cosine: down to 0; plateau: a third where checks stall."""
    warm_up: Annotated[float, Field(ge=0, lt=1)] | None = None
    """Share of the steps in which the learning rate rises [one-cycle: 0.25, else 0]."""
    weight_decay: Annotated[float, Field(ge=0)] = 1e-2
    """Pull of the weights towards zero, decoupled from the gradient."""
    clip: Annotated[float, Field(gt=0)] = 1.0
    """Largest norm of the gradient."""
    clip_value: Annotated[float, Field(gt=0)] | None = None
    """Largest size of each part of the gradient, before its norm is looked at."""
    l1: Annotated[float, Field(ge=0)] = 0.0
    """Price of the sum of the weights' sizes."""
    l2: Annotated[float, Field(ge=0)] = 0.0
    """Price of the sum of the weights' squares."""
    activation_penalty: Annotated[float, Field(ge=0)] = 0.0
    """Price of the mean square of what the encoder says last."""
    teacher_forcing: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Share of segments at first, and none at last, after which --decoder recursive is fed what really came."""
    forks: Annotated[int, Field(ge=0, le=64)] = 0
    """Further segments in each training window, with a forecast and a loss behind each of them."""
    history: Count | None = None
    """How many of the newest steps of each series training windows may end in."""
    synthetic: Annotated[int, Field(ge=0, le=10_000)] | None = None
    """Learn beside the table's series from so many made up to be like them [200 beside few short ones, else 0]."""
    patience: Count = 10
    """Stop after so many checks without a better validation loss."""
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    """Start of the random numbers: the same seed gives the same model on a CPU."""

    @property
    def seconds(self) -> float:
        """How much time to take: as much as is needed where the number of networks is said."""
        return math.inf if self.members else self.budget or BUDGETS[self.preset]


class Resumption(Section):
    """Trainings that did not come to their end."""

    resume: bool = False
    """Go on with a training of the same that was cut off."""
    checkpoint: Pause = 60.0
    """How often an unfinished training is brought to the disk beside the model, such as 1m; 0: never."""


class Compute(Section):
    """The machine."""

    device: DeviceName = "auto"
    """Where to compute: auto takes a GPU where the work is large enough for it."""
    memory: Bytes | None = None
    """How much memory the numbers of the table may take, such as 500MB or 2GB: more are kept in temporary files."""


class Forecasting(Section):
    """What a forecast holds."""

    level: Percents = (80.0, 95.0)
    """Prediction intervals, in percent."""
    quantiles: Shares = ()
    """Quantiles, such as 0.1,0.5,0.9."""
    on_drift: OnDrift = "warn"
    """What to do where a table is not like that of the training: other units, silent columns, stale series."""
    conformal: bool = True
    """Correct the quantiles by what validation windows showed."""
    point: PointName | None = None
    """median or mean; else what the model's metric asks for."""
    samples: Annotated[int, Field(ge=0, le=10_000)] = 0
    """Draw so many whole futures, for sums over the horizon."""


class Freshness(Section):
    """How new the rows have to be."""

    max_age: Seconds | None = None
    """Every series needs a row no older than this, such as 2h or 1d: else exit with 6."""
    expect_last: str | None = None
    """Every series needs a row of this time or later, such as 2026-11-20: else exit with 6."""
    as_of: str | None = None
    """Take it to be this time: rows that came later are left out."""


class Run(Section):
    """How a command behaves, whatever it does: for those who run it unwatched."""

    lock: str | None = None
    """A file that one run at a time holds: with another at it, exit with 7."""
    lock_wait: Seconds | None = None
    """How long to wait for the lock, such as 30s or 10m."""
    timeout: Seconds | None = None
    """Give up after so long, such as 30m, and exit with 7."""
    report: str | None = None
    """Write what the run did to this file, as JSON, whether it went well or not."""
    metrics_file: str | None = None
    """Write figures of the run to this file, for the textfile collector of Prometheus' node exporter."""
    log_format: LogFormat = "text"
    """What stderr holds: lines of text, or of JSON."""
    quiet: bool = False
    """Say nothing but warnings and errors."""
    verbose: bool = False
    """Say how long each part takes, too."""


class Config(Section):
    """All of it, as the TOML file has it."""

    columns: Columns = Field(default_factory=Columns)
    network: Network = Field(default_factory=Network)
    training: Training = Field(default_factory=Training)
    forecast: Forecasting = Field(default_factory=Forecasting)
    compute: Compute = Field(default_factory=Compute)
    resumption: Resumption = Field(default_factory=Resumption, exclude=True)
    freshness: Freshness = Field(default_factory=Freshness, exclude=True)
    run: Run = Field(default_factory=Run, exclude=True)  # these three are no part of a model, and not on its card
