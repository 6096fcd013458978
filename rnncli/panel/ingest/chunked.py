"""A panel from a table that comes in parts, as a folder of files does: no more than a part is in memory as a table."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from rnncli.config.architecture import Covariate
from rnncli.config.sections import Columns
from rnncli.errors import DataError
from rnncli.panel.covariates import Covariates
from rnncli.panel.ingest.build import Expected, from_frame
from rnncli.panel.memmap import Store
from rnncli.panel.panel import Panel
from rnncli.tables.assumptions import Assume, quietly
from rnncli.tables.memory import give_back


def from_parts(
    parts: Iterator[pd.DataFrame],
    whole: Callable[[], pd.DataFrame],
    asked: Columns,
    expected: Expected | None = None,
    assume: Assume = quietly,
    store: Store | None = None,
) -> Panel:
    """The panel in a table; `whole` is asked for all of it where parts alone do not tell it, as of a series in two.

    Raises DataError as from_frame does, and RequestError where the store has no room for it.
    """
    store = store or Store()
    panels: list[Panel] = []
    seen: set[str] = set()
    for frame in parts:
        try:
            panel = from_frame(frame, asked, expected, assume=assume)
        except DataError:
            if not panels and next(parts, None) is None:
                raise
            break  # what a part lacks, or says otherwise, another may tell; if not, all of it says what is wrong
        names = {*map(str, panel.ids), *panel.summary.empty}
        if not (seen.isdisjoint(names) and (not panels or _alike(panel, panels[0]))):
            break
        seen |= names
        panels.append(store.kept(panel))
        del frame, panel
        give_back()
    else:
        every = panels[0] if len(panels) == 1 else store.only(joined(panels, store))
        panels.clear()
        give_back()
        return every
    panels.clear()
    store.emptied()
    return store.kept(from_frame(whole(), asked, expected, assume=assume))


def _alike(one: Panel, other: Panel) -> bool:
    """Whether two parts were read in the same way."""
    return one.frequency == other.frequency and one.summary.roles == other.summary.roles


def joined(panels: Sequence[Panel], store: Store) -> Panel:
    """Panels of different series as one, its series in order."""
    first = panels[0]
    ids = np.concatenate([panel.ids for panel in panels])
    order = np.argsort(ids, kind="stable")
    forms = {panel.times.form for panel in panels}
    found = first.summary._replace(
        rows=sum(panel.summary.rows for panel in panels),
        missing=sum(panel.summary.missing for panel in panels),
        absent=sum(panel.summary.absent for panel in panels),
        repeated=sum(panel.summary.repeated for panel in panels),
        empty=tuple(name for panel in panels for name in panel.summary.empty),
        begun=tuple(name for panel in panels for name in panel.summary.begun),
    )
    places = _Places([panel.lengths for panel in panels], order)
    return replace(
        first,
        values=store.joined((panel.values for panel in panels), places.rows(), (places.count, first.targets)),
        offsets=places.offsets,
        ids=ids[order],
        firsts=np.concatenate([panel.firsts for panel in panels])[order],
        phases=np.concatenate([panel.phases for panel in panels])[order],
        times=first.times if len(forms) == 1 else first.times._replace(form=None),
        covariates=_covariates(panels, order, store),
        summary=found,
    )


class _Places:
    """Where the rows of each part go when its series lie in order among those of all parts."""

    def __init__(self, lengths: Sequence[np.ndarray], order: np.ndarray) -> None:
        """lengths: of each part's series."""
        self.lengths, every = lengths, np.concatenate(lengths)
        self.offsets = np.concatenate([[0], every[order].cumsum()]).astype(np.int64)  # (S + 1,)
        self.begins = np.empty(len(every), np.int64)
        self.begins[order] = self.offsets[:-1]
        self.count = int(self.offsets[-1])

    def rows(self) -> Iterator[np.ndarray]:
        """The places of each part's rows."""
        number = 0
        for own in self.lengths:
            begins, number = self.begins[number : number + len(own)], number + len(own)
            yield np.repeat(begins - own.cumsum() + own, own) + np.arange(own.sum())


def _covariates(panels: Sequence[Panel], order: np.ndarray, store: Store) -> Covariates:
    """Those of all panels, with one list of kinds for all of them."""
    parts = [panel.covariates for panel in panels]
    first = parts[0]
    along = [_one_list([part.along[place] for part in parts]) for place in range(len(first.along))]
    fixed = [_one_list([part.fixed[place] for part in parts]) for place in range(len(first.fixed))]
    static = np.concatenate([_renumbered(part.static, part.fixed, fixed) for part in parts])[order]
    places, weights, unit = _Places([part.lengths for part in parts], order), None, first.unit
    values = (_renumbered(part.values, part.along, along) for part in parts)
    if first.weights is not None:
        unit = float(np.average([part.unit for part in parts], weights=[panel.summary.rows for panel in panels]))
        raw = (part.weights * part.unit / unit for part in parts if part.weights is not None)
        weights = store.joined(raw, places.rows(), (places.count,))
    return replace(
        first,
        along=tuple(along),
        fixed=tuple(fixed),
        values=store.joined(values, places.rows(), (places.count, first.values.shape[1])),
        offsets=places.offsets,
        static=static,
        weights=weights,
        unit=unit,
    )


def _one_list(columns: Sequence[Covariate]) -> Covariate:
    """A column with the kinds of all its parts."""
    if columns[0].categories is None:
        return columns[0]
    kinds = sorted({kind for column in columns for kind in column.categories or ()})
    return columns[0].model_copy(update={"categories": tuple(kinds)})


def _renumbered(values: np.ndarray, own: Sequence[Covariate], every: Sequence[Covariate]) -> np.ndarray:
    """Values (R, C) with kinds by their numbers among all of them."""
    values = values.copy()
    for place, (column, known) in enumerate(zip(own, every, strict=True)):
        if column.categories is None or known.categories is None or column.categories == known.categories:
            continue
        numbers = np.array([0, *(known.categories.index(kind) + 1 for kind in column.categories)], dtype=np.float64)
        told = ~np.isnan(values[:, place])
        values[told, place] = numbers[values[told, place].astype(np.int64)]
    return values
