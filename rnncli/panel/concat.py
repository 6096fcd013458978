"""Concatenate panels of different series."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from rnncli.config.architecture import Covariate
from rnncli.panel.covariates import Covariates
from rnncli.panel.memmap import Store
from rnncli.panel.panel import Panel


def concatenate(panels: Sequence[Panel], store: Store) -> Panel:
    """Return panels of different series as one panel with its series sorted by id."""
    first = panels[0]
    ids = np.concatenate([panel.ids for panel in panels])
    order = np.argsort(ids, kind="stable")
    forms = {panel.times.form for panel in panels}
    summaries = [panel.summary for panel in panels]
    summary = first.summary._replace(
        rows=sum(part.rows for part in summaries),
        missing=sum(part.missing for part in summaries),
        absent=sum(part.absent for part in summaries),
        repeated=sum(part.repeated for part in summaries),
        empty=tuple(name for part in summaries for name in part.empty),
        begun=tuple(name for part in summaries for name in part.begun),
    )
    placement = _Placement([panel.lengths for panel in panels], order)
    shape = (placement.count, first.targets)
    return replace(
        first,
        values=store.concatenate((panel.values for panel in panels), placement.rows(), shape),
        offsets=placement.offsets,
        ids=ids[order],
        firsts=np.concatenate([panel.firsts for panel in panels])[order],
        phases=np.concatenate([panel.phases for panel in panels])[order],
        times=first.times if len(forms) == 1 else first.times._replace(form=None),
        covariates=_covariates(panels, order, store),
        summary=summary,
    )


class _Placement:
    """Destination of each part's rows when the series of all parts are sorted."""

    def __init__(self, lengths: Sequence[np.ndarray], order: np.ndarray) -> None:
        """Take the lengths of each part's series, and the order of all series (S,)."""
        self.lengths, concatenated = lengths, np.concatenate(lengths)
        self.offsets = np.concatenate([[0], concatenated[order].cumsum()]).astype(np.int64)  # (S + 1,)
        self.begins = np.empty(len(concatenated), np.int64)
        self.begins[order] = self.offsets[:-1]
        self.count = int(self.offsets[-1])

    def rows(self) -> Iterator[np.ndarray]:
        """Yield the destination of each part's rows."""
        start = 0
        for lengths in self.lengths:
            begins, start = self.begins[start : start + len(lengths)], start + len(lengths)
            yield np.repeat(begins - lengths.cumsum() + lengths, lengths) + np.arange(lengths.sum())


def _covariates(panels: Sequence[Panel], order: np.ndarray, store: Store) -> Covariates:
    """Return the covariates of all panels, with the union of their categories."""
    parts = [panel.covariates for panel in panels]
    first = parts[0]
    varying = [_with_all_categories([part.varying[index] for part in parts]) for index in range(len(first.varying))]
    static_columns = [
        _with_all_categories([part.static_columns[index] for part in parts])
        for index in range(len(first.static_columns))
    ]
    static = np.concatenate([_recoded(part.static, part.static_columns, static_columns) for part in parts])[order]
    placement, weights, mean_weight = _Placement([part.lengths for part in parts], order), None, first.mean_weight
    values = (_recoded(part.values, part.varying, varying) for part in parts)
    if first.weights is not None:
        mean_weight = float(
            np.average([part.mean_weight for part in parts], weights=[panel.summary.rows for panel in panels])
        )
        raw = (part.weights * part.mean_weight / mean_weight for part in parts if part.weights is not None)
        weights = store.concatenate(raw, placement.rows(), (placement.count,))
    return replace(
        first,
        varying=tuple(varying),
        static_columns=tuple(static_columns),
        values=store.concatenate(values, placement.rows(), (placement.count, first.values.shape[1])),
        offsets=placement.offsets,
        static=static,
        weights=weights,
        mean_weight=mean_weight,
    )


def _with_all_categories(columns: Sequence[Covariate]) -> Covariate:
    """Return a column with the categories of all its parts."""
    if columns[0].categories is None:
        return columns[0]
    categories = sorted({category for column in columns for category in column.categories or ()})
    return columns[0].model_copy(update={"categories": tuple(categories)})


def _recoded(values: np.ndarray, part: Sequence[Covariate], union: Sequence[Covariate]) -> np.ndarray:
    """Return values (R, C) of a part with the category codes of the union."""
    values = values.copy()
    for index, (column, merged) in enumerate(zip(part, union, strict=True)):
        if column.categories is None or merged.categories is None or column.categories == merged.categories:
            continue
        codes = np.array([0, *(merged.categories.index(category) + 1 for category in column.categories)], np.float64)
        present = ~np.isnan(values[:, index])
        values[present, index] = codes[values[present, index].astype(np.int64)]
    return values
