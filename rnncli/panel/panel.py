"""Sequences as columns of numbers. Knows nothing of how a table looked.

All series lie behind one another in flat arrays, so that a million of them cost what their numbers cost. Each stands on
an even clock; a missing row is NaN there, never joined up.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import pandas as pd

from rnncli.config.sections import Role
from rnncli.panel.chunks import Block, blocks
from rnncli.panel.covariates import Covariates
from rnncli.panel.time import calendar_features, formats, timestamps
from rnncli.panel.time.calendar_features import Calendar
from rnncli.panel.time.frequency import Frequency
from rnncli.panel.time.timestamps import Times


class Cutoffs(NamedTuple):
    """N places to forecast from: the first `rows` rows of `series` are the past there."""

    series: np.ndarray  # (N,) int64
    rows: np.ndarray  # (N,) int64


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
    """What a table turned out to hold, for those who ask how it was read."""

    roles: ColumnRoles
    rows: int  # rows given
    missing: int  # values that are empty in rows given
    absent: int  # steps between a series' first and last for which there is no row
    repeated: int  # rows with the series and time of another, left out
    empty: tuple[str, ...]  # series without any value, left out
    begun: tuple[str, ...] = ()  # series with rows in a further step, which was not over and is left out


@dataclass(frozen=True)
class Panel:
    """S series of K targets on one frequency."""

    values: np.ndarray  # (N, K) float64, series behind one another, NaN where missing
    offsets: np.ndarray  # (S + 1,) int64: series s is values[offsets[s] : offsets[s + 1]]
    ids: np.ndarray  # (S,) in the user's own type, sorted; a single series without id has the empty text
    firsts: np.ndarray  # (S,) int64: the clock's step at which each series begins
    phases: np.ndarray  # (S,) int64: where within a step its instants lie
    frequency: Frequency
    times: Times  # zone and form of the clock
    covariates: Covariates
    summary: ReadSummary

    @property
    def lengths(self) -> np.ndarray:
        """Steps in each series, missing ones included: (S,)."""
        return np.diff(self.offsets)

    @property
    def targets(self) -> int:
        """Targets forecast together: K."""
        return int(self.values.shape[1])

    @property
    def phase(self) -> int:
        """Where within a step most series' instants lie."""
        phases, counts = np.unique(self.phases, return_counts=True)
        return int(phases[counts.argmax()])

    @property
    def unbegun(self) -> np.ndarray:
        """Which series are but a first step without a value, with which they are to begin: (S,)."""
        return (self.lengths == 1) & np.isnan(self.values[self.offsets[:-1]]).all(axis=1)

    def series(self, number: int) -> np.ndarray:
        """The values (T, K) of one series."""
        return self.values[self.offsets[number] : self.offsets[number + 1]]

    def until(self, rows: np.ndarray) -> "Panel":
        """The first `rows` (S,) rows of each series, and nothing after them; series without any are left out.

        What is known in advance stays.
        """
        part = self.within(np.zeros_like(rows), rows, self.covariates.lengths)
        return replace(part, summary=self.summary._replace(rows=int(part.offsets[-1])))

    def within(self, first: np.ndarray, end: np.ndarray, told: np.ndarray) -> "Panel":
        """The rows from first (S,) to end (S,) of each series; series without any are left out.

        told: (S,) the row to which covariates are kept, wherever they are.
        """
        kept = np.flatnonzero(end > first)
        covariates = self.covariates
        if covariates.along or covariates.weights is not None:
            rows, offsets = _rows_within(covariates.offsets, first, told, kept)
            covariates = covariates.of(rows, offsets, kept)
        else:
            rows, offsets = np.empty(0, np.int64), np.zeros(len(kept) + 1, np.int64)
            covariates = covariates.of(rows, offsets, kept)
        rows, offsets = _rows_within(self.offsets, first, end, kept)
        return replace(
            self,
            values=self.values[rows],
            offsets=offsets,
            ids=self.ids[kept],
            firsts=(self.firsts + first)[kept],
            phases=self.phases[kept],
            covariates=covariates,
        )

    def stamps(self, series: np.ndarray, rows: np.ndarray) -> pd.Index:
        """The user's time of row `rows` of each of `series`; rows may lie beyond the end."""
        instants = self.frequency.join(self.firsts[series] + rows, self.phases[series])
        return timestamps.to_index(instants, self.times, wall=self.frequency.by_days)

    def calendar(self, ahead: int, back: int = 0) -> Calendar:
        """What the calendar says of every step, of so many beyond the last, and of so many before the first."""
        span = np.array([self.firsts.min() - back, (self.firsts + self.lengths).max() + ahead])
        zone = None if self.frequency.by_days else self.times.zone
        return calendar_features.calendar(self.frequency, self.phase, span, zone, self.covariates.holidays)

    def fingerprint(self) -> str:
        """What changes with any value, time or id."""
        digest = hashlib.blake2b(digest_size=16)
        beside = self.covariates
        for part in (self.values, self.offsets, self.firsts, self.phases, beside.values, beside.offsets, beside.static):
            digest.update(np.ascontiguousarray(part).data)
        for text in (*map(str, self.ids), self.frequency.name, str(self.times.zone), str(beside.along)):
            digest.update(text.encode() + b"\0")
        return digest.hexdigest()

    def span(self) -> list[str]:
        """The earliest and the latest time, as texts."""
        every = np.arange(len(self.ids))
        first, last = self.stamps(every, 0 * every).min(), self.stamps(every, self.lengths - 1).max()
        return formats.plain([first, last])

    def earliest(self, cutoffs: Cutoffs) -> str:
        """The earliest time that is forecast from these cutoffs, as a text."""
        return formats.plain([self.stamps(cutoffs.series, cutoffs.rows).min()])[0]

    def blocks(self) -> Iterator[Block]:
        """All series, some at a time."""
        return blocks(self.offsets)

    @property
    def observed(self) -> int:
        """Values that are there."""
        return sum(int((~np.isnan(self.values[block.rows])).sum()) for block in self.blocks())

    def known_since(self, steps: int) -> np.ndarray:
        """Whether every target of a series has a value in its last so many steps: (S,)."""
        known = [np.empty(0, bool)]
        for block in self.blocks():
            values, ends = self.values[block.rows], block.begins + block.lengths
            rows = np.where(np.isnan(values), -1, np.arange(len(values))[:, None])
            newest = np.maximum.reduceat(rows, block.begins)  # (s, K)
            known.append((newest >= (ends - np.minimum(steps, block.lengths))[:, None]).all(axis=1))
        return np.concatenate(known)

    def constant(self) -> list[str]:
        """Ids of the series that never change."""
        begins = self.offsets[:-1]
        same = np.fmax.reduceat(self.values, begins) == np.fmin.reduceat(self.values, begins)
        return [str(name) for name in self.ids[same.all(axis=1)]]

    def called(self, number: int) -> str:
        """A series by the name that messages give it."""
        return called(self.ids[number])


def _rows_within(
    offsets: np.ndarray, first: np.ndarray, end: np.ndarray, kept: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Which of the rows lie from first (S,) to end (S,) of the series kept, and the offsets of those that do."""
    counts = (np.minimum(end, np.diff(offsets)) - first)[kept].clip(min=0)
    within = np.concatenate([[0], counts.cumsum()]).astype(np.int64)
    begins = (offsets[:-1] + first)[kept]
    return np.repeat(begins - within[:-1], counts) + np.arange(within[-1]), within


def called(identifier: object) -> str:
    """The name that messages give a series."""
    return f'series "{identifier}"' if str(identifier) else "the series"
