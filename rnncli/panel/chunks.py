"""Iterate over the series of a panel in chunks of about a million rows, to bound the memory of passes over all rows."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

ROWS = 1_000_000  # rows per chunk, about; a series is never split


class Chunk(NamedTuple):
    """Consecutive series."""

    series: slice
    rows: slice  # their rows among those of all series
    begins: np.ndarray  # (s,) the first row of each series, counted from the chunk's first row
    lengths: np.ndarray  # (s,)

    @property
    def series_index(self) -> np.ndarray:
        """The series of each row, counted from the chunk's first series: (R,)."""
        return np.repeat(np.arange(len(self.lengths)), self.lengths)

    def before(self, ends: np.ndarray) -> np.ndarray:
        """Return (R,) bool: whether a row is among the first `ends` (S,) rows of its series."""
        limits = self.begins + ends[self.series]
        return np.arange(self.lengths.sum()) < np.repeat(limits, self.lengths)


def chunks(offsets: np.ndarray) -> Iterator[Chunk]:
    """Yield chunks of the series whose rows lie between offsets (S + 1,)."""
    first, count = 0, len(offsets) - 1
    while first < count:
        end = max(first + 1, int(np.searchsorted(offsets, offsets[first] + ROWS, side="right")) - 1)
        bounds = offsets[first : end + 1]
        rows = slice(int(bounds[0]), int(bounds[-1]))
        yield Chunk(slice(first, end), rows, bounds[:-1] - bounds[0], np.diff(bounds))
        first = end
