"""Panel data as flat arrays: the series of a table, concatenated, on a regular time grid.

The cost of a million series is the cost of their numbers. A missing row is NaN: gaps are never closed.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from rnncli.config.fields import Role
from rnncli.panel.chunks import Chunk, chunks
from rnncli.panel.covariates import Covariates
from rnncli.panel.time import calendar_features, formats, zones
from rnncli.panel.time.calendar_features import Calendar
from rnncli.panel.time.frequency import Frequency
from rnncli.panel.time.times import Times
from rnncli.tables import arrays


class Cutoffs(NamedTuple):
    """N forecast origins: the first `rows` rows of `series` are the past."""

    series: np.ndarray  # (N,) int64
    rows: np.ndarray  # (N,) int64


class Forecast(NamedTuple):
    """The forecasts of N cutoffs in the data's units; NaN if a window's past has no value."""

    point: np.ndarray  # (N, H, K)
    quantiles: np.ndarray  # (N, H, K, P)


class ColumnRoles(NamedTuple):
    """The role of each column of a table."""

    time: str
    id: str | None  # None: a single series, or a wide table
    targets: tuple[str, ...]
    wide: bool  # whether each target column is a series
    guessed: bool  # whether any role was inferred from more than column names
    covariates: tuple[tuple[str, Role], ...] = ()
    weight: str | None = None


class ReadSummary(NamedTuple):
    """Summary of how a table was read."""

    roles: ColumnRoles
    rows: int  # rows of the table
    missing: int  # empty target values in rows
    absent: int  # steps without a row between a series' first and last row
    repeated: int  # rows left out because another row has their series and time
    empty: tuple[str, ...]  # series left out because they have no value
    begun: tuple[str, ...] = ()  # series with rows in an incomplete last step, which is left out


@dataclass(frozen=True)
class Panel:
    """S series of K targets on one frequency."""

    values: np.ndarray  # (N, K) float64, series concatenated, NaN where missing
    offsets: np.ndarray  # (S + 1,) int64: series s is values[offsets[s] : offsets[s + 1]]
    ids: np.ndarray  # (S,) in the user's type, sorted; "" for a single series without an id
    firsts: np.ndarray  # (S,) int64: the number of each series' first time step
    phases: np.ndarray  # (S,) int64: the position of its instants within a time step
    frequency: Frequency
    times: Times  # zone and text format of the time column
    covariates: Covariates
    summary: ReadSummary

    @property
    def lengths(self) -> np.ndarray:
        """Steps of each series, missing ones included: (S,)."""
        return np.diff(self.offsets)

    @property
    def targets(self) -> int:
        """The number of targets K."""
        return int(self.values.shape[1])

    @property
    def phase(self) -> int:
        """The most frequent phase."""
        phases, counts = np.unique(self.phases, return_counts=True)
        return int(phases[counts.argmax()])

    @property
    def without_history(self) -> np.ndarray:
        """Return whether a series is a single first step without a value, from which it is to be forecast: (S,)."""
        return (self.lengths == 1) & np.isnan(self.values[self.offsets[:-1]]).all(axis=1)

    @cached_property
    def id_texts(self) -> pa.Array:
        """The ids as Arrow texts (S,), encoded once for all batches of a forecast."""
        return arrays.texts_to_arrow([str(name) for name in self.ids])

    def series(self, index: int) -> np.ndarray:
        """Return the values (T, K) of one series."""
        return self.values[self.offsets[index] : self.offsets[index + 1]]

    def head(self, rows: np.ndarray) -> "Panel":
        """Return the first `rows` (S,) rows of each series, and all known covariates; drop series without any row."""
        part = self.slice_rows(np.zeros_like(rows), rows, self.covariates.lengths)
        return replace(part, summary=self.summary._replace(rows=int(part.offsets[-1])))

    def slice_rows(self, first: np.ndarray, end: np.ndarray, covariate_end: np.ndarray) -> "Panel":
        """Return rows first (S,) to end (S,) of each series, covariates up to covariate_end (S,).

        Drops series without any row.
        """
        series = np.flatnonzero(end > first)
        covariates = self.covariates
        if covariates.varying or covariates.weights is not None:
            rows, offsets = _sliced(covariates.offsets, first, covariate_end, series)
        else:
            rows, offsets = np.empty(0, np.int64), np.zeros(len(series) + 1, np.int64)
        covariates = covariates.select(rows, offsets, series)
        rows, offsets = _sliced(self.offsets, first, end, series)
        return replace(
            self,
            values=self.values[rows],
            offsets=offsets,
            ids=self.ids[series],
            firsts=(self.firsts + first)[series],
            phases=self.phases[series],
            covariates=covariates,
        )

    def times_at(self, series: np.ndarray, rows: np.ndarray) -> Times:
        """Return the time of row `rows` of each of `series`, as the table writes it; rows may lie beyond the end."""
        instants = self.frequency.join(self.firsts[series] + rows, self.phases[series])
        if self.times.zone is not None and self.frequency.by_days:
            instants = zones.from_wall(instants, self.times.zone)
        return self.times._replace(values=instants)

    def calendar(self, ahead: int, back: int = 0) -> Calendar:
        """Return calendar features of all steps, `ahead` steps after the last and `back` before the first."""
        span = np.array([self.firsts.min() - back, (self.firsts + self.lengths).max() + ahead])
        zone = None if self.frequency.by_days else self.times.zone
        return calendar_features.calendar(self.frequency, self.phase, span, zone, self.covariates.holidays)

    def fingerprint(self) -> str:
        """Return a digest of all values, times and ids."""
        digest = hashlib.blake2b(digest_size=16)
        covariates = self.covariates
        panel_arrays = self.values, self.offsets, self.firsts, self.phases
        for array in (*panel_arrays, covariates.values, covariates.offsets, covariates.static):
            digest.update(np.ascontiguousarray(array).data)
        for text in (*map(str, self.ids), self.frequency.name, str(self.times.zone), str(covariates.varying)):
            digest.update(text.encode() + b"\0")
        return digest.hexdigest()

    def span(self) -> list[str]:
        """Return the earliest and the latest time as texts."""
        series = np.arange(len(self.ids))
        first, last = (self.times_at(series, rows).values for rows in (0 * series, self.lengths - 1))
        return formats.as_texts(self.times._replace(values=np.array([first.min(), last.max()])))

    def earliest_time(self, cutoffs: Cutoffs) -> str:
        """Return the earliest time that is forecast from these cutoffs as a text."""
        times = self.times_at(cutoffs.series, cutoffs.rows).values
        return formats.as_texts(self.times._replace(values=times.min(keepdims=True)))[0]

    def chunks(self) -> Iterator[Chunk]:
        """Yield all series in chunks of limited size."""
        return chunks(self.offsets)

    @property
    def value_count(self) -> int:
        """The number of values that are not missing."""
        return sum(int((~np.isnan(self.values[chunk.rows])).sum()) for chunk in self.chunks())

    def has_recent_values(self, steps: int) -> np.ndarray:
        """Return (S,) bool: series whose targets all have a value in their last `steps` steps."""
        recent = [np.empty(0, bool)]
        for chunk in self.chunks():
            values, ends = self.values[chunk.rows], chunk.begins + chunk.lengths
            rows = np.where(np.isnan(values), -1, np.arange(len(values))[:, None])
            newest = np.maximum.reduceat(rows, chunk.begins)  # (s, K)
            recent.append((newest >= (ends - np.minimum(steps, chunk.lengths))[:, None]).all(axis=1))
        return np.concatenate(recent)

    def constant_ids(self) -> list[str]:
        """Return the ids of series that never change."""
        begins = self.offsets[:-1]
        equal = np.fmax.reduceat(self.values, begins) == np.fmin.reduceat(self.values, begins)
        return [str(name) for name in self.ids[equal.all(axis=1)]]

    def series_name(self, index: int) -> str:
        """Return how messages name a series."""
        return series_name(self.ids[index])


def _sliced(
    offsets: np.ndarray, first: np.ndarray, end: np.ndarray, series: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the indices of rows first (S,) to end (S,) of the selected series, and their new offsets."""
    counts = (np.minimum(end, np.diff(offsets)) - first)[series].clip(min=0)
    bounds = np.concatenate([[0], counts.cumsum()]).astype(np.int64)
    begins = (offsets[:-1] + first)[series]
    return np.repeat(begins - bounds[:-1], counts) + np.arange(bounds[-1]), bounds


def series_name(identifier: object) -> str:
    """Return how messages name the series with this id."""
    return f'series "{identifier}"' if str(identifier) else "the series"
