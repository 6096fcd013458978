"""Reading of tables for the commands; each assumption is reported on stderr."""

from typing import TYPE_CHECKING

from rnncli.cli import console, run_report
from rnncli.errors import GateError, RequestError
from rnncli.messages import listed
from rnncli.tables.assumptions import Assume, reject_assumption

if TYPE_CHECKING:
    from rnncli.config.sections import Columns, Freshness
    from rnncli.model.card import Card
    from rnncli.panel import Expected, Panel, Table
    from rnncli.panel.memmap import Store


def assumption_policy(columns: "Columns") -> Assume:
    """Return what to do with an assumption: report it, or with --strict raise an error."""
    return reject_assumption if columns.strict else lambda what: console.note(f"assumed: {what}")


def columns_for_model(card: "Card", columns: "Columns", weighed: bool = False) -> "Columns":
    """Return the columns to read for a model, without those that only training uses; weighed: keep the weights.

    Raises RequestError if the requested columns are not those the model was trained with.
    """
    trained = card.config.columns
    for name in ("holidays", "categorical"):
        requested, known = getattr(columns, name), getattr(trained, name)
        if requested != known:
            words = ",".join(known) or "none"
            raise RequestError(f"--{name} {','.join(requested)}: the model was trained with {words}. Train a new model")
    if columns.weight != trained.weight and not weighed:
        raise RequestError(f"--weight {columns.weight}: rows are weighted in training only. Leave it out")
    # The card contains the categories of each column.
    return columns.model_copy(update={"categorical": (), "weight": columns.weight if weighed else None})


def expected(card: "Card", without_history: bool = False) -> "Expected":
    """Return what a table must contain for a model; without_history: accept series without any value."""
    from rnncli.panel import Expected
    from rnncli.panel.time.frequency import parse_frequency

    return Expected(parse_frequency(card.frequency), card.inputs, without_history)


def read_table(source: str, columns: "Columns", kind: str | None = None) -> "Table":
    """Return the table in a file or pipe. Raises DataError and RequestError."""
    from rnncli.panel import Table
    from rnncli.tables import reading

    return Table(reading.read(source, kind, columns.decimal, assumption_policy(columns)))


def read_panel(
    source: str,
    columns: "Columns",
    expected: "Expected | None" = None,
    kind: str | None = None,
    store: "Store | None" = None,
) -> "Panel":
    """Return the panel in a file, a pipe or a folder; the files of a folder are read in portions."""
    from rnncli.panel.ingest.chunked import from_parts
    from rnncli.tables import reading

    assume = assumption_policy(columns)
    with console.timed("reading"):
        parts = reading.read_parts(source, kind, columns.decimal, assume)
        found = from_parts(parts, lambda: reading.read(source, kind, columns.decimal), columns, expected, assume, store)
    _record_facts(found)
    return found


def read_panel_for_model(card: "Card", source: str, columns: "Columns", format: str | None = None) -> "Panel":
    """Return the panel in a file or pipe, read as the model expects it."""
    return read_panel(source, columns_for_model(card, columns), expected(card), format)


def build_panel(
    table: "Table", columns: "Columns", expected: "Expected | None" = None, keep_first: bool = False
) -> "Panel":
    """Return the panel in a table. Raises DataError and RequestError."""
    from rnncli.panel import from_table

    with console.timed("reading"):
        found = from_table(table, columns, expected, keep_first, assumption_policy(columns))
    _record_facts(found)
    return found


def _record_facts(panel: "Panel") -> None:
    """Add facts about the panel to the run report, if one is written: they need passes over all rows."""
    if not run_report.is_wanted():
        return
    from rnncli.panel import freshness

    first, last = panel.span()
    newest = None if panel.times.integer else int(freshness.newest_times(panel)[1].max()) / freshness.SECOND
    seen = {"series": len(panel.ids), "rows": panel.summary.rows, "first": first, "last": last, "newest": newest}
    run_report.add_facts(**seen, data=panel.fingerprint())


def apply_freshness(panel: "Panel", required: "Freshness") -> "Panel":
    """Return the panel as known at --as-of. Raises GateError if the newest row of a series is too old."""
    from rnncli.panel import freshness

    now = None if required.as_of is None else freshness.parse_moment(required.as_of, panel)
    if now is not None:
        known = freshness.rows_known_by(panel, now)
        if not known.any():
            raise GateError(f"no rows up to --as-of {required.as_of}. Use a later time")
        panel = panel.head(known)
    if required.max_age is not None:
        oldest = freshness.moment_ago(required.max_age, now, panel)
        _forbid_old(panel, oldest, f"older than --max-age {_age(required.max_age)}")
    if required.expect_last is not None:
        oldest = freshness.parse_moment(required.expect_last, panel)
        _forbid_old(panel, oldest, f"before --expect-last {required.expect_last}")
    return panel


def _forbid_old(panel: "Panel", oldest: int, why: str) -> None:
    """Raise GateError if the newest row of a series is before `oldest`; `why` describes the limit."""
    from rnncli.panel import freshness
    from rnncli.panel.time import formats

    shown, moments = freshness.newest_times(panel)
    old = moments < oldest
    if not old.any():
        return
    last = formats.as_texts(shown.select(old))
    names = [f"{name} ({time})" if str(name) else time for name, time in zip(panel.ids[old], last, strict=True)]
    raise GateError(f"the newest row of {int(old.sum())} of {len(old)} series is {why}{listed(names)}")


def _age(seconds: float) -> str:
    """Return a duration as written on the command line."""
    for unit, size in (("d", 86_400), ("h", 3600), ("m", 60)):
        if seconds % size == 0:
            return f"{seconds / size:g}{unit}"
    return f"{seconds:g}s"
