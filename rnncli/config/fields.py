"""Every option, once: type, default, help text, requirements. Imports neither pydantic nor anything heavy.

A field is a command-line option (the string below it is the help text), a key of the TOML file given with --config and,
unless it concerns a single run, an entry of the card in the model file. `None` means: chosen from the data. Help needs
these declarations alone; `sections.py` makes pydantic models of them, which check values.
"""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from rnncli.config.base_forecasts import BaseName
from rnncli.config.cells import DENSITY, INPUT_SCALE, LEAK, RADIUS, CellName, names
from rnncli.config.constraints import Check, Limits, Parse
from rnncli.config.metadata import COMMON, DefaultText, Metavar, Requires, ShortFlag, requires_cell
from rnncli.config.metrics import TRAINING_METRICS, MetricName, PointName
from rnncli.config.types import (
    Bytes,
    ColumnName,
    ColumnNames,
    ContextSteps,
    Count,
    Countries,
    CovariateName,
    CovariateNames,
    FilePath,
    NotNegative,
    Pause,
    Percents,
    Positive,
    Probability,
    Seconds,
    Shares,
    Steps,
    Time,
    at_least_one_step,
    frequency_and_aggregation,
    steps_or_duration,
)
from rnncli.messages import alternatives

Activation = Literal["tanh", "relu"]
Initialisation = Literal["orthogonal", "xavier", "identity"]
OptimiserName = Literal["adamw", "adam", "sgd", "rmsprop"]
ScheduleName = Literal["one-cycle", "constant", "step", "cosine", "plateau"]
Normalisation = Literal["none", "layer", "batch"]
DecoderName = Literal["parallel", "direct", "recursive", "encoder-decoder"]
ScaleName = Literal["spread", "log", "mean", "global"]
DeviceName = Literal["auto", "cpu", "cuda", "mps"]
EngineName = Literal["auto", "numpy", "torch"]
PresetName = Literal["fast", "balanced", "best"]
PRESET_SECONDS: dict[PresetName, float] = {"fast": 25, "balanced": 270, "best": 900}  # on two idle cores, about
Layout = Literal["auto", "long", "wide"]
Decimal = Literal[".", ","]
Duplicates = Literal["mean", "sum", "last"]
Gaps = Literal["mask", "zero", "previous"]
OnDrift = Literal["warn", "fail", "ignore"]
Role = Literal["known", "past", "static"]
LogFormat = Literal["text", "json"]

EXPERTS = 8  # linear maps in a bypass: 16 and 32 forecast no better
SYNTHETIC_SERIES = 200
MOMENTUM = 0.9  # of sgd
WARM_UP = 0.25  # of a one-cycle schedule: share of the steps in which the learning rate rises

RECURRENT_CELL = requires_cell(lambda traits: traits.recurrent)
CLOSED_FORM_CELL = requires_cell(lambda traits: traits.closed_form)
TRAINED_CELL = requires_cell(lambda traits: not traits.closed_form)
GRADIENT_STEPS = requires_cell(
    lambda traits: not traits.closed_form, " (a readout fitted in closed form takes no steps)"
)


@dataclass(init=False, repr=False, eq=False, kw_only=True)
class Fields:
    """The options of a section. An instance of a subclass holds the defaults.

    Subclasses are dataclasses without generated methods: `dataclasses.fields` lists their fields, and generating the
    methods would take 8 ms of the start.
    """

    topics: ClassVar[dict[str, str]]  # first field of each topic -> its title in the help


@dataclass(init=False, repr=False, eq=False, kw_only=True)
class ColumnFields(Fields):
    """The table's columns and how to read them."""

    topics: ClassVar = {"time": "Columns of the table", "layout": "Reading the table"}

    time: Annotated[ColumnName | None, COMMON] = None
    """Time column."""
    id: Annotated[ColumnName | None, COMMON] = None
    """Column with the names of the series."""
    target: Annotated[ColumnNames, COMMON] = ()
    """Column to forecast; several, separated by commas, are forecast jointly."""
    known: Annotated[CovariateNames, COMMON] = ()
    """Columns known in advance, such as prices, promotions or weather forecasts."""
    past: CovariateNames = ()
    """Columns known only up to the present."""
    static: CovariateNames = ()
    """Columns with one value per series."""
    categorical: CovariateNames = ()
    """Covariates to treat as categorical although they are numeric; text columns always are."""
    weight: CovariateName | None = None
    """Column with the weight of each row in the loss."""
    holidays: Countries = ()
    """Countries or regions whose public holidays are an input, such as DE,US-CA."""
    layout: Layout = "auto"
    """long (a row per series and time), wide (a row per time, a column per series)."""
    freq: Annotated[str | None, COMMON, Metavar("FREQUENCY")] = None
    """Frequency, such as h, 15min, D, B, W, MS, ME, QS or YS (the old M, H, Q, A too), or a step between integers."""
    dayfirst: bool | None = None
    """Read 03/04/2024 as 3 April."""
    decimal: Decimal | None = None
    """Decimal separator of numbers: a point or a comma."""
    timezone: Annotated[str | None, Metavar("ZONE")] = None
    """Time zone of times without one, such as Europe/Berlin; forecasts use it, too."""
    duplicates: Duplicates | None = None
    """How to combine conflicting rows of one series and time."""
    fill_gaps: Gaps | None = None
    """Value of a time step without a row: mask (missing), zero, previous (the last value)."""
    resample: Annotated[str, Check(frequency_and_aggregation), Metavar("FREQUENCY=METHOD")] | None = None
    """Aggregate rows into time steps: 1h=sum, 1D=mean, 15min=last, h=count; an incomplete last step is dropped."""
    strict: bool = False
    """Treat each assumption about the table as an error."""


@dataclass(init=False, repr=False, eq=False, kw_only=True)
class NetworkFields(Fields):
    """Options of the network."""

    topics: ClassVar = {
        "horizon": "Windows and inputs",
        "cell": "Encoder",
        "dropout": "Dropout",
        "radius": "Echo state network",
        "decoder": "Decoder",
    }

    horizon: (
        Annotated[int | str, Parse(steps_or_duration), Check(at_least_one_step), COMMON, ShortFlag("-H")] | None
    ) = None
    """Forecast horizon: a number of steps, or a duration such as 7d."""
    context: Annotated[
        ContextSteps | None,
        COMMON,
        *(
            Requires(requirement, met, values=(0,))
            for requirement, met in (
                (f"--cell {alternatives(names(lambda traits: traits.recurrent))}", lambda n, _: n.traits.recurrent),
                ("--scale global (there is no window to scale by)", lambda n, _: n.scale in (None, "global")),
                ("--base none (there is no history to repeat)", lambda n, _: n.base in (None, "none")),
                ("--no-since (there is no last value)", lambda n, _: not n.since),
                ("--no-mix (other series have no history either)", lambda n, _: not n.mix),
                ("no --experts (there is no context to map)", lambda n, _: n.experts is None),
                ("--no-attention (there are no states to attend to)", lambda n, _: not n.attention),
                ("no --bptt (there is no state to carry)", lambda n, _: n.bptt is None),
                ("--no-bidirectional (the encoder takes a single step)", lambda n, _: not n.bidirectional),
                ("--convolution 0 (the encoder takes a single step)", lambda n, _: not n.convolution),
                ("--forks 0 (the encoder takes a single step)", lambda _, t: t.forks == 0),
                (
                    "--metric quantiles, mae or mse (others scale errors by the history)",
                    lambda _, t: not TRAINING_METRICS[t.metric].needs_history,
                ),
            )
        ),
        Requires("a --segment that divides it", lambda n, _: not n.segment or n.context % n.segment == 0),
    ] = None
    """Past steps that the network receives; 0: none, only --static and --known columns and the calendar."""
    segment: Steps | None = None
    """Time steps per recurrent step (1: the classic step-by-step recurrence)."""
    season: Steps | None = None
    """Steps per season (1: none); an observed longer cycle made of whole seasons is tried as a base forecast, too."""
    base: BaseName | None = None
    """Simple forecast that the network corrects."""
    scale: ScaleName | None = None
    """spread (standard deviation), log (of logarithms) or mean (absolute value) of each window; global: of all rows."""
    since: bool | None = None
    """Add the time since the last positive value as an input, for intermittent demand."""
    calendar: Annotated[bool | None, TRAINED_CELL] = None
    """Add the time of day, weekday, day of the month and year, and Easter as inputs."""
    covariates: bool | None = None
    """Use the known, past and static columns whether or not they improve validation."""
    mix: Annotated[bool | None, TRAINED_CELL] = None
    """Give each series of a wide table learned mixtures of the history of all series."""
    cell: Annotated[CellName, COMMON] = "gru"
    """rnn, lstm, gru (recurrent), esn (fixed reservoir), tcn (convolutional), transformer (causal attention)."""
    activation: Annotated[Activation, requires_cell(lambda traits: traits.relu)] = "tanh"
    """Activation of the rnn cell."""
    layers: Annotated[
        Annotated[int, Limits(ge=1, le=64)] | None,
        TRAINED_CELL,
        DefaultText("1 if recurrent, 2 for transformer, enough to cover the context for tcn"),
    ] = None
    """Number of layers on top of each other."""
    hidden: Annotated[int, Limits(ge=1, le=65_536)] | None = None
    """Units per layer."""
    bidirectional: Annotated[
        bool,
        RECURRENT_CELL,
        Requires(
            "--decoder direct or encoder-decoder (no other decoder can continue a bidirectional encoder)",
            lambda n, _: n.decoder in (None, "direct", "encoder-decoder"),
        ),
        Requires("--forks 0 (each fork would encode the context again)", lambda _, t: t.forks == 0),
    ] = False
    """Encode the context in both directions."""
    residual: Annotated[bool, RECURRENT_CELL] = False
    """Add residual connections around recurrent layers."""
    convolution: Annotated[int, Limits(ge=0, le=64), RECURRENT_CELL] = 0
    """Width, in recurrent steps, of a convolution before the recurrent layers (0: none)."""
    normalise: Annotated[
        Normalisation, requires_cell(lambda traits: traits.recurrent, values=("layer",)), TRAINED_CELL
    ] = "none"
    """Normalisation: none, layer (inside the recurrent cell), batch (of the encoder's inputs)."""
    initialisation: Annotated[
        Initialisation | None, RECURRENT_CELL, requires_cell(lambda traits: traits.relu, values=("identity",))
    ] = None
    """Initialisation of recurrent weights: orthogonal, xavier, or identity (for relu)."""
    remember: Annotated[Steps | None, requires_cell(lambda traits: traits.gated, " (their gates hold the state)")] = (
        None
    )
    """Longest memory of lstm or gru units, in steps, when training begins."""
    dropout: Annotated[Probability, TRAINED_CELL] = 0.1
    """Dropout probability between layers and before the head."""
    input_dropout: Annotated[Probability, TRAINED_CELL] = 0.0
    """Dropout probability of the encoder's inputs."""
    variational: Annotated[
        bool,
        RECURRENT_CELL,
        Requires(
            "--input-dropout, or --dropout and --layers 2 or more",
            lambda n, _: n.input_dropout > 0 or (n.dropout > 0 and (n.layers or 1) > 1),
        ),
    ] = False
    """Use the same dropout mask at all steps of a sequence, before layers."""
    zoneout: Annotated[Probability, RECURRENT_CELL] = 0.0
    """Probability that a unit keeps its state at a step in training."""
    radius: Annotated[Positive | None, CLOSED_FORM_CELL, DefaultText(f"{RADIUS:g}")] = None
    """Spectral radius of the esn's reservoir."""
    leak: Annotated[Annotated[float, Limits(gt=0, le=1)] | None, CLOSED_FORM_CELL, DefaultText(f"{LEAK:g}")] = None
    """Leaking rate of the esn: share of its state that is new at each step."""
    density: Annotated[Annotated[float, Limits(gt=0, le=1)] | None, CLOSED_FORM_CELL, DefaultText(f"{DENSITY:g}")] = (
        None
    )
    """Share of nonzero weights in the esn's reservoir."""
    input_scale: Annotated[Positive | None, CLOSED_FORM_CELL, DefaultText(f"{INPUT_SCALE:g}")] = None
    """Factor on the esn's inputs."""
    decoder: Annotated[
        DecoderName | None,
        requires_cell(
            lambda traits: not traits.closed_form,
            " (use --decoder direct or recursive)",
            values=("parallel", "encoder-decoder"),
        ),
        Requires(
            f"--base none and --no-bypass with --cell {alternatives(names(lambda traits: traits.closed_form))} "
            "(its readout is fitted one segment ahead)",
            lambda n, _: not n.traits.closed_form or (n.base == "none" and not n.bypass),
            values=("recursive",),
        ),
    ] = None
    """parallel (all segments at once), direct (linear), recursive (feeds back), encoder-decoder (second network)."""
    decoder_segment: Annotated[
        Steps | None,
        TRAINED_CELL,
        Requires("--decoder encoder-decoder", lambda n, _: n.decoder in (None, "encoder-decoder")),
        DefaultText("the segment"),
    ] = None
    """Horizon steps per step of the encoder-decoder's second network."""
    attention: Annotated[bool, TRAINED_CELL] = False
    """Let each decoder step attend to all encoder states."""
    bptt: Annotated[
        Steps | None,
        TRAINED_CELL,
        Requires("--scale global (windows would have different scales)", lambda n, _: n.scale in (None, "global")),
        Requires("--no-bidirectional", lambda n, _: not n.bidirectional),
        Requires("--no-attention (attention is limited to a window)", lambda n, _: not n.attention),
        Requires("--no-since (it is measured within a window)", lambda n, _: not n.since),
        Requires("--forks 0 (each segment has a forecast already)", lambda _, t: t.forks == 0),
        Requires("no --history (series are read from their beginning)", lambda _, t: t.history is None),
        Requires("--no-mix (other series are limited to a window)", lambda n, _: not n.mix),
        Requires("--no-find-rate", lambda _, t: not t.find_rate),
        Requires("a --segment that divides it", lambda n, _: not n.segment or n.bptt % n.segment == 0),
    ] = None
    """Carry the state from the start of each series and truncate backpropagation after this many steps."""
    bypass: bool = True
    """Add linear maps from the context to the horizon."""
    experts: Annotated[
        Annotated[int, Limits(ge=1, le=64)] | None,
        TRAINED_CELL,
        Requires("--bypass (it consists of them)", lambda n, _: n.bypass),
        DefaultText(f"{EXPERTS}, fewer if large"),
    ] = None
    """Number of linear maps in the bypass, mixed for each window, and of those for known numeric covariates."""


@dataclass(init=False, repr=False, eq=False, kw_only=True)
class TrainingFields(Fields):
    """Options of the training."""

    topics: ClassVar = {
        "metric": "Training",
        "optimiser": "Optimiser",
        "weight_decay": "Regularisation",
        "teacher_forcing": "Training",
    }

    metric: Annotated[MetricName, COMMON] = "quantiles"
    """Metric to optimise: sets the loss, the selection of members and the point forecast."""
    preset: Annotated[PresetName | None, COMMON, DefaultText("balanced, or by --budget")] = None
    """Amount of work: fast, balanced or best (25 s, 4.5 min or 15 min on two idle cores)."""
    budget: Annotated[Seconds | None, COMMON] = None
    """Time limit such as 60s, 5m or 1h; the model then depends on the speed of the machine."""
    members: Annotated[Annotated[int, Limits(ge=1, le=100)] | None, COMMON] = None
    """Number of networks to train, instead of an amount of work."""
    refit: bool = True
    """Retrain the selected networks on all rows, including the newest."""
    steps: Annotated[Count | None, GRADIENT_STEPS] = None
    """Maximum number of weight updates."""
    batch: Annotated[int, Limits(ge=1, le=65_536), GRADIENT_STEPS] = 128
    """Windows per update."""
    optimiser: Annotated[OptimiserName, GRADIENT_STEPS] = "adamw"
    """Optimiser of the weights."""
    momentum: Annotated[
        Probability | None,
        GRADIENT_STEPS,
        Requires("--optimiser sgd or rmsprop", lambda _, t: t.optimiser in ("sgd", "rmsprop")),
        DefaultText(f"{MOMENTUM:g} for sgd, 0 for rmsprop"),
    ] = None
    """Momentum of sgd and rmsprop."""
    learning_rate: Annotated[
        Positive, GRADIENT_STEPS, Requires("--no-find-rate (only one can set it)", lambda _, t: not t.find_rate)
    ] = 5e-3
    """Peak learning rate."""
    find_rate: Annotated[bool, GRADIENT_STEPS] = False
    """Find the learning rate by a short range test."""
    schedule: Annotated[ScheduleName, GRADIENT_STEPS] = "one-cycle"
    """one-cycle (up, then down), constant, step (/10 after each third), cosine (to 0), plateau (/3 if stalled)."""
    warm_up: Annotated[Probability | None, GRADIENT_STEPS, DefaultText(f"{WARM_UP:g} for one-cycle, else 0")] = None
    """Share of the steps in which the learning rate rises."""
    weight_decay: Annotated[
        NotNegative, GRADIENT_STEPS, Requires("--optimiser adamw, or use --l2", lambda _, t: t.optimiser == "adamw")
    ] = 1e-2
    """Weight decay of adamw, decoupled from the gradient."""
    clip: Annotated[Positive, GRADIENT_STEPS] = 1.0
    """Maximum norm of the gradient."""
    clip_value: Annotated[Positive | None, GRADIENT_STEPS] = None
    """Maximum absolute value of each gradient component, applied before --clip."""
    l1: Annotated[NotNegative, GRADIENT_STEPS] = 0.0
    """L1 penalty: factor on the sum of the weights' absolute values."""
    l2: Annotated[NotNegative, GRADIENT_STEPS] = 0.0
    """L2 penalty: factor on the sum of the weights' squares."""
    activation_penalty: Annotated[NotNegative, GRADIENT_STEPS] = 0.0
    """Penalty factor on the mean square of the encoder's last output."""
    teacher_forcing: Annotated[
        float,
        Limits(ge=0, le=1),
        GRADIENT_STEPS,
        Requires("--decoder recursive (no other feeds forecasts back)", lambda n, _: n.decoder == "recursive"),
    ] = 0.0
    """Initial teacher-forcing ratio of the recursive decoder; decays linearly to 0."""
    forks: Annotated[int, Limits(ge=0, le=64)] = 0
    """Number of further segments in each training window, with a forecast and its loss after each."""
    history: Count | None = None
    """Train only on windows that end in the newest N steps of each series."""
    pretrained: Annotated[bool, COMMON] = True
    """Use the pretrained network: alone on few rows, beside the trained networks on more."""
    synthetic: Annotated[
        Annotated[int, Limits(ge=0, le=10_000)] | None,
        DefaultText(f"{SYNTHETIC_SERIES} for few short series without the pretrained network, else 0"),
    ] = None
    """Number of synthetic series, similar to the table's, to add to the training data."""
    patience: Annotated[Count, GRADIENT_STEPS] = 10
    """Stop after this many checks without a lower validation loss."""
    seed: Annotated[int, Limits(ge=0, lt=2**63), COMMON] = 0
    """Random seed; without --budget, the same seed gives identical weights on the same kind of CPU."""


@dataclass(init=False, repr=False, eq=False, kw_only=True)
class ResumptionFields(Fields):
    """Interrupted trainings."""

    topics: ClassVar = {"resume": "Interrupted training"}

    resume: Annotated[bool, COMMON] = False
    """Continue an interrupted training with the same options and table."""
    checkpoint: Annotated[Pause, DefaultText("1m")] = 60.0
    """Interval, such as 1m, between checkpoints of an unfinished training beside the model; 0: none."""


@dataclass(init=False, repr=False, eq=False, kw_only=True)
class ComputeFields(Fields):
    """Device and memory."""

    topics: ClassVar = {"device": "Device and memory"}

    device: DeviceName = "auto"
    """Device to compute on; auto uses a GPU if the work is large enough."""
    engine: EngineName = "auto"
    """Library that forecasts on a CPU; auto: numpy if the model has graphs, which train --engine torch leaves out."""
    memory: Bytes | None = None
    """Memory limit of the table's values, such as 500MB or 2GB; beyond it they go to temporary files."""


@dataclass(init=False, repr=False, eq=False, kw_only=True)
class ForecastFields(Fields):
    """Content of a forecast."""

    topics: ClassVar = {"level": "Forecast"}

    level: Annotated[Percents, COMMON] = (80.0, 95.0)
    """Coverage of the prediction intervals, in percent."""
    quantiles: Annotated[Shares, COMMON] = ()
    """Quantile levels, such as 0.1,0.5,0.9."""
    on_drift: OnDrift = "warn"
    """Response to a table unlike the training data, such as other units, empty columns or outdated series."""
    conformal: bool = True
    """Calibrate the quantiles on the validation windows."""
    point: Annotated[PointName | None, DefaultText("by the model's --metric")] = None
    """Point forecast: median or mean."""
    samples: Annotated[int, Limits(ge=0, le=10_000)] = 0
    """Number of sample paths to draw, for sums over the horizon."""


@dataclass(init=False, repr=False, eq=False, kw_only=True)
class FreshnessFields(Fields):
    """Required age of the rows."""

    topics: ClassVar = {"max_age": "Freshness of the data"}

    max_age: Seconds | None = None
    """Maximum age of each series' last row, such as 2h or 1d; otherwise exit with 6."""
    expect_last: Time | None = None
    """Earliest allowed time of each series' last row, such as 2026-11-20; otherwise exit with 6."""
    as_of: Time | None = None
    """Time to treat as the present: later rows are ignored."""


@dataclass(init=False, repr=False, eq=False, kw_only=True)
class RunFields(Fields):
    """Unattended runs of any command."""

    topics: ClassVar = {"lock": "Scheduled runs", "log_format": "Messages"}

    lock: FilePath | None = None
    """File that only one run at a time can lock; exit with 7 if another run holds it."""
    lock_wait: Seconds | None = None
    """Time to wait for the lock, such as 30s or 10m."""
    timeout: Seconds | None = None
    """Time limit of the run, such as 30m; exit with 7 when it is over."""
    report: FilePath | None = None
    """File for a JSON report of the run, written whether it succeeds or fails."""
    metrics_file: FilePath | None = None
    """File for metrics of the run, for the textfile collector of Prometheus' node exporter."""
    log_format: LogFormat = "text"
    """Format of stderr: lines of text, or of JSON."""
    quiet: Annotated[bool, ShortFlag("-q")] = False
    """Print only warnings and errors."""
    verbose: Annotated[bool, ShortFlag("-v")] = False
    """Print how long each part takes."""


SECTIONS: dict[str, type[Fields]] = {
    "columns": ColumnFields,
    "network": NetworkFields,
    "training": TrainingFields,
    "forecast": ForecastFields,
    "compute": ComputeFields,
    "resumption": ResumptionFields,
    "freshness": FreshnessFields,
    "run": RunFields,
}
