"""The readable half of a model file: what the model is, was trained on, and scored. No torch, so it is read at once.

A model file is one safetensors file with the card as JSON in its metadata. Nothing in it can run.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, NamedTuple, Self

from pydantic import Field, ValidationError, model_validator
from pydantic_core import from_json

from rnncli import __version__
from rnncli.config.architecture import Architecture, Covariate
from rnncli.config.sections import Config, Section
from rnncli.config.types import Several
from rnncli.errors import ModelFileError, RequestError, StateFileError
from rnncli.files import checksummed
from rnncli.files.atomic import address, is_url

FORMAT: Literal[6] = 6
KEY = "rnncli"
STATE_KEY = "rnncli-state"  # of a state file, which is of the same format
LARGEST = 10_000_000  # characters of a card, most of them of the kinds that text columns tell
MOST_KEYS = 20_000  # of an object on a card: it keeps the sizes of no more than 10,000 series


class Range(Section):
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


class Seen(Section):
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
    together: Several[str] = ()
    """The series that the networks see side by side, in the order of their weights."""
    columns: Several[Range] = ()
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


class Course(Section):
    """How the training of a network went."""

    updates: int
    """Updates made, of which the best weights need not be the last."""
    losses: Several[float]
    """Mean training loss since the point before, at points that divide the updates evenly."""
    gradients: Several[float | None]
    """Largest norm of the gradient since the point before, as it was before clipping; none where it was no number."""
    checks: Several[int] = ()
    """Updates after which the validation windows were looked at."""
    validations: Several[float] = ()
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
    course: Course | None = None
    """How its training went."""
    trial: Course | None = None
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
    inputs: Several[Covariate] = ()
    """What the networks are told beside the targets."""
    members: Several[Member] = Field(min_length=1)
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
    seen: Seen
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
    def told_columns(self) -> bool:
        """Whether any network is told the columns beside the targets: training may have found that none should be."""
        return bool(self.inputs) and any(member.architecture.covariates for member in self.members)

    @property
    def targets(self) -> int:
        """Columns forecast together: K. The columns of a wide table are series of one target."""
        return 1 if self.config.columns.layout == "wide" else len(self.config.columns.target)


class Whole(NamedTuple):
    """A model file, all of it read at once: whatever takes its place meanwhile, a run uses this version."""

    path: Path
    card: Card
    content: bytes


def read(path: Path) -> Card:
    """The card of a model file. Raises ModelFileError where there is none, or none that this version can read."""
    return read_whole(path).card


def read_whole(path: Path) -> Whole:
    """The card with the content that it is of. Raises ModelFileError, as `read` does."""
    if is_url(str(path)):
        raise ModelFileError(f"{address(path)}: only tables are read from a URL. Copy the model to this machine first")
    try:
        found = checksummed.read(path, KEY, 2 * LARGEST)  # in its header a card has more characters
    except FileNotFoundError as error:
        raise ModelFileError(f"there is no model file {path}. Check the path, or make one with rnncli train") from error
    except (OSError, KeyError, ValueError) as error:
        if is_state(path):  # whose header may be larger than that of a model
            raise StateFileError(
                f"{path} is a state, which forecast keeps with --state. Name the model it belongs to"
            ) from error
        if isinstance(error, KeyError):
            raise ModelFileError(f"{path} is a safetensors file, but not one that rnncli wrote") from error
        raise ModelFileError(f"{path} is no model file, or a damaged one{_what_it_is(path)}") from error
    try:
        return Whole(path, _parse(found, path), found.content)
    except (ValueError, RecursionError) as error:
        problem = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
        raise ModelFileError(f"{path} has a damaged card ({problem}). Train it again") from error


def sealed(card: Card, save: Callable[[dict[str, str]], bytes]) -> bytes:
    """What a model file with this card holds. save: the content with this metadata.

    Raises RequestError where the card would be too large to be read.
    """
    text = card.model_dump_json()
    if len(text) > LARGEST:
        raise RequestError("the text columns tell too many kinds for a model file. Leave out those that name each row")
    return checksummed.sealed(save({KEY: checksummed.unsealed(text)}))


def is_state(path: Path) -> bool:
    """Whether a file says that it is the state of a forecast."""
    try:
        checksummed.read(path, STATE_KEY)
    except (OSError, KeyError, ValueError):
        return False
    return True


def _what_it_is(path: Path) -> str:
    """What a file that is no model looks like."""
    try:
        with path.open("rb") as stream:
            head = stream.read(4)
    except OSError as error:
        return f" ({error.strerror})"
    if path.suffix in (".csv", ".tsv", ".parquet"):
        return ": it is named like a table. MODEL comes before DATA"
    if head.startswith((b"\x80", b"PK")):
        return ": it looks like a pickle, which rnncli neither writes nor loads. Train a model with rnncli train"
    return ". Train it again"


def _parse(found: checksummed.Sealed, path: Path) -> Card:
    """Raises ValueError where it is no card, or the file another than was written."""
    content = from_json(found.text)  # which refuses halves of characters
    if not isinstance(content, dict):
        raise ValueError("no JSON object")
    _forbid_crowds(content)
    if isinstance(content.get("format"), int) and content["format"] > FORMAT:
        raise ModelFileError(
            f"{path} has format {content['format']}; this rnncli {__version__} reads up to {FORMAT}. "
            "Install a newer rnncli"
        )
    if isinstance(content.get("format"), int) and content["format"] < FORMAT:
        raise ModelFileError(f"{path} has format {content['format']} of an older rnncli. Train it again")
    if not found.intact:
        raise ModelFileError(f"{path} is damaged: it is not what was written. Train it again, or copy it once more")
    return Card.model_validate(content)


def _forbid_crowds(content: dict[str, Any]) -> None:
    """Raise ValueError where an object has more keys than any of a card: for each that is wrong a message is made."""
    waiting: list[Any] = [content]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict) and len(one) > MOST_KEYS:
            raise ValueError(f"an object of {len(one)} keys")
        parts = one.values() if isinstance(one, dict) else one
        waiting += [part for part in parts if isinstance(part, dict | list)]
