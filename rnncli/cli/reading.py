"""A table from wherever it is, with a line on stderr for whatever was taken for granted."""

from typing import TYPE_CHECKING

from rnncli.cli import screen
from rnncli.errors import Assume, RequestError, strictly

if TYPE_CHECKING:
    import pandas as pd

    from rnncli.card import Card
    from rnncli.config import Columns
    from rnncli.panel import Expected, Panel


def assumed(columns: "Columns") -> Assume:
    """What is told of assumptions: the person at the terminal, or that they are not allowed."""
    return strictly if columns.strict else lambda what: screen.note(f"assumed: {what}")


def for_model(card: "Card", columns: "Columns", weighed: bool = False) -> "Columns":
    """How to read a table for a model: what only training asks for is left out, unless it is to be weighed again.

    Raises RequestError where the columns are asked for as the model cannot have them.
    """
    own = card.config.columns
    if columns.holidays != own.holidays:
        known = ",".join(own.holidays) or "none"
        raise RequestError(
            f"--holidays {','.join(columns.holidays)}: the model was trained with {known}. Train another"
        )
    # Which columns are kinds, and which kinds, the model knows.
    return columns.model_copy(update={"categorical": (), "weight": columns.weight if weighed else None})


def table(source: str, columns: "Columns", kind: str | None = None) -> "pd.DataFrame":
    """The table in a file or a pipe. Raises DataError and RequestError."""
    from rnncli import tables

    return tables.read(source, kind, columns.decimal, assumed(columns))


def whole_panel(
    source: str, columns: "Columns", expected: "Expected | None" = None, kind: str | None = None
) -> "Panel":
    """The sequences in a file, a pipe, or a folder, of which some files are read at a time."""
    from rnncli import tables
    from rnncli.panel.parts import from_parts

    assume = assumed(columns)
    parts = tables.read_parts(source, kind, columns.decimal, assume)
    return from_parts(parts, lambda: tables.read(source, kind, columns.decimal), columns, expected, assume)


def panel(
    frame: "pd.DataFrame", columns: "Columns", expected: "Expected | None" = None, keep_first: bool = False
) -> "Panel":
    """The sequences in a table. Raises DataError and RequestError."""
    from rnncli.panel import from_frame

    return from_frame(frame, columns, expected, keep_first, assumed(columns))
