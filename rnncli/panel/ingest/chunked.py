"""Build a panel from a table that is read in parts, with at most one part in memory as a table."""

from collections.abc import Callable, Iterator

import pyarrow as pa

from rnncli.config.sections import Columns
from rnncli.errors import DataError
from rnncli.panel.concat import concatenate
from rnncli.panel.ingest.build import Expected, from_table
from rnncli.panel.memmap import Store
from rnncli.panel.panel import Panel
from rnncli.panel.table import Table
from rnncli.tables.assumptions import Assume, accept_assumption


def from_parts(
    parts: Iterator[pa.Table],
    whole: Callable[[], pa.Table],
    columns: Columns,
    expected: Expected | None = None,
    assume: Assume = accept_assumption,
    store: Store | None = None,
) -> Panel:
    """Return the panel of a table; read the `whole` table if its parts cannot be read alone (a series in two parts).

    Raises DataError as `from_table` does, and RequestError if the store has no room.
    """
    store = store or Store()
    panels: list[Panel] = []
    names_before: set[str] = set()
    for part in parts:
        try:
            panel = from_table(Table(part), columns, expected, assume=assume)
        except DataError:
            if not panels and next(parts, None) is None:
                raise
            break  # the other parts may resolve it; if not, reading the whole table raises the right error
        names = {*map(str, panel.ids), *panel.summary.empty}
        if not (names_before.isdisjoint(names) and (not panels or _read_alike(panel, panels[0]))):
            break
        names_before |= names
        panels.append(store.add(panel))
        del part, panel
        _release_arrow_memory()
    else:
        result = panels[0] if len(panels) == 1 else store.keep_only(concatenate(panels, store))
        panels.clear()
        _release_arrow_memory()
        return result
    panels.clear()
    store.clear()
    return store.add(from_table(Table(whole()), columns, expected, assume=assume))


def _read_alike(panel: Panel, other: Panel) -> bool:
    """Return whether two parts have the same frequency and column roles."""
    return panel.frequency == other.frequency and panel.summary.roles == other.summary.roles


def _release_arrow_memory() -> None:
    """Return Arrow's free memory to the system: 24 million rows with --memory otherwise peak 10 % higher."""
    pa.default_memory_pool().release_unused()
