"""A table from wherever it is, with a line on stderr for whatever was taken for granted."""

from typing import TYPE_CHECKING

from rnncli.cli import console, run_report
from rnncli.config.sections import Freshness
from rnncli.errors import GateError, RequestError
from rnncli.messages import listed
from rnncli.tables.assumptions import Assume, reject_assumption

if TYPE_CHECKING:
    import pandas as pd

    from rnncli.config.sections import Columns
    from rnncli.model.card import Card
    from rnncli.panel import Expected, Panel
    from rnncli.panel.memmap import Store


def assumption_policy(columns: "Columns") -> Assume:
    """What is told of assumptions: the person at the terminal, or that they are not allowed."""
    return reject_assumption if columns.strict else lambda what: console.note(f"assumed: {what}")


def columns_for_model(card: "Card", columns: "Columns", weighed: bool = False) -> "Columns":
    """How to read a table for a model: what only training asks for is left out, unless it is to be weighed again.

    Raises RequestError where the columns are asked for as the model cannot have them.
    """
    own = card.config.columns
    for name in ("holidays", "categorical"):
        asked, trained = getattr(columns, name), getattr(own, name)
        if asked != trained:
            known = ",".join(trained) or "none"
            raise RequestError(f"--{name} {','.join(asked)}: the model was trained with {known}. Train another")
    if columns.weight != own.weight and not weighed:
        raise RequestError(f"--weight {columns.weight}: a column weighs rows in training alone. Leave it out")
    # Which columns are kinds, and which kinds, the model knows.
    return columns.model_copy(update={"categorical": (), "weight": columns.weight if weighed else None})


def expected(card: "Card", unbegun: bool = False) -> "Expected":
    """Return what a table must hold for a model; unbegun: accept series without a value."""
    from rnncli.panel import Expected
    from rnncli.panel.time import frequency

    return Expected(frequency.parse(card.frequency), card.inputs, unbegun)


def read_table(source: str, columns: "Columns", kind: str | None = None) -> "pd.DataFrame":
    """The table in a file or a pipe. Raises DataError and RequestError."""
    from rnncli.tables import reading

    return reading.read(source, kind, columns.decimal, assumption_policy(columns))


def read_panel(
    source: str,
    columns: "Columns",
    expected: "Expected | None" = None,
    kind: str | None = None,
    store: "Store | None" = None,
) -> "Panel":
    """The sequences in a file, a pipe, or a folder, of which some files are read at a time."""
    from rnncli.panel.ingest.chunked import from_parts
    from rnncli.tables import reading

    assume = assumption_policy(columns)
    with console.timed("reading"):
        parts = reading.read_parts(source, kind, columns.decimal, assume)
        found = from_parts(parts, lambda: reading.read(source, kind, columns.decimal), columns, expected, assume, store)
    _tell(found)
    return found


def read_panel_for_model(card: "Card", source: str, columns: "Columns", format: str | None = None) -> "Panel":
    """Return the panel in a file or pipe, read as the model expects it."""
    return read_panel(source, columns_for_model(card, columns), expected(card), format)


def build_panel(
    frame: "pd.DataFrame", columns: "Columns", expected: "Expected | None" = None, keep_first: bool = False
) -> "Panel":
    """The sequences in a table. Raises DataError and RequestError."""
    from rnncli.panel import from_frame

    with console.timed("reading"):
        found = from_frame(frame, columns, expected, keep_first, assumption_policy(columns))
    _tell(found)
    return found


def _tell(panel: "Panel") -> None:
    """What the table holds, for the record: passes over all rows, where somebody is to read it."""
    if not run_report.is_wanted():
        return
    from rnncli.panel import freshness

    first, last = panel.span()
    newest = None if panel.times.integer else int(freshness.newest(panel)[1].max()) / freshness.SECOND
    seen = {"series": len(panel.ids), "rows": panel.summary.rows, "first": first, "last": last, "newest": newest}
    run_report.add_facts(**seen, data=panel.fingerprint())


def apply_freshness(panel: "Panel", asked: Freshness) -> "Panel":
    """The panel as it was known at the time asked for. Raises GateError where a series' newest row is too old."""
    from rnncli.panel import freshness

    now = None if asked.as_of is None else freshness.moment(asked.as_of, panel)
    if now is not None:
        known = freshness.known_by(panel, now)
        if not known.any():
            raise GateError(f"no row is as old as --as-of {asked.as_of}. Nothing was known then")
        panel = panel.until(known)
    if asked.max_age is not None:
        _forbid_old(panel, freshness.ago(asked.max_age, now, panel), f"older than --max-age {_age(asked.max_age)}")
    if asked.expect_last is not None:
        _forbid_old(panel, freshness.moment(asked.expect_last, panel), f"before --expect-last {asked.expect_last}")
    return panel


def _forbid_old(panel: "Panel", since: int, why: str) -> None:
    from rnncli.panel import freshness
    from rnncli.panel.time import formats

    shown, moments = freshness.newest(panel)
    old = moments < since
    if not old.any():
        return
    last = formats.plain(list(shown[old]))
    names = [f"{name} ({time})" if str(name) else time for name, time in zip(panel.ids[old], last, strict=True)]
    raise GateError(f"the newest row of {int(old.sum())} of {len(old)} series is {why}{listed(names)}")


def _age(seconds: float) -> str:
    for unit, size in (("d", 86_400), ("h", 3600), ("m", 60)):
        if seconds % size == 0:
            return f"{seconds / size:g}{unit}"
    return f"{seconds:g}s"
