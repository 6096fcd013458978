"""Metadata of fields: requirements, the default in words, whether an option is common or names columns.

They stand in the field's `Annotated[...]`, so that a new option is one field in one file.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, TypeVar, get_args

from rnncli.config.cells import CellTraits, names
from rnncli.messages import alternatives

T = TypeVar("T")


class Requires(NamedTuple):
    """A requirement of an option that differs from its default."""

    requirement: str  # completes "--option value requires ..."
    met: Callable[[Any, Any], bool]  # called with the Network and the Training section
    values: tuple[object, ...] = ()  # of the option to which the requirement applies; empty: to all


class DefaultText(NamedTuple):
    """The default in words, if it is computed or has a unit: shown in the help as `[default: ...]`."""

    text: str


class Common(NamedTuple):
    """Marks an option that the short help shows."""


class ShortFlag(NamedTuple):
    """The one-letter form of an option."""

    text: str


class Metavar(NamedTuple):
    """Name of an option's value in the help."""

    text: str


class NamesColumns(NamedTuple):
    """Marks a value that names columns of the table."""


class NetworkInput(NamedTuple):
    """Marks a value that only networks need: not time, series and target, which every table has."""


COMMON = Common()


def requires_cell(trait: Callable[[CellTraits], bool], reason: str = "", values: tuple[object, ...] = ()) -> Requires:
    """Return the requirement of a cell with a trait; the cells in the message are those that have it."""
    cells = alternatives(names(trait))
    return Requires(f"--cell {cells}{reason}", lambda network, _: trait(network.traits), values)


def declared(annotation: Any, kind: type[T]) -> Iterator[T]:
    """Yield what the type of a field declares of a kind, in its own metadata and in those of its parts."""
    yield from (entry for entry in getattr(annotation, "__metadata__", ()) if isinstance(entry, kind))
    for argument in get_args(annotation):
        yield from declared(argument, kind)


def is_declared(annotation: Any, kind: type) -> bool:
    """Return whether the type of a field declares something of a kind."""
    return next(declared(annotation, kind), None) is not None
