"""Series behind one another, some at a time: for those who look at all rows, of which there may be more than memory."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

ROWS = 1_000_000  # of a block, about; a series is never cut


class Block(NamedTuple):
    """Some series that follow one another."""

    series: slice
    rows: slice  # theirs, among those of all series
    begins: np.ndarray  # (s,) the first row of each, counted from the block's
    lengths: np.ndarray  # (s,)

    @property
    def number(self) -> np.ndarray:
        """Which of the block's series each of its rows is of: (R,)."""
        return np.repeat(np.arange(len(self.lengths)), self.lengths)

    def before(self, ends: np.ndarray) -> np.ndarray:
        """Whether each of its rows is among the first `ends` (S,) of its series: (R,)."""
        until = self.begins + ends[self.series]
        return np.arange(self.lengths.sum()) < np.repeat(until, self.lengths)


def blocks(offsets: np.ndarray) -> Iterator[Block]:
    """All series, whose rows begin and end at offsets (S + 1,)."""
    first, count = 0, len(offsets) - 1
    while first < count:
        end = max(first + 1, int(np.searchsorted(offsets, offsets[first] + ROWS, side="right")) - 1)
        own = offsets[first : end + 1]
        yield Block(slice(first, end), slice(int(own[0]), int(own[-1])), own[:-1] - own[0], np.diff(own))
        first = end
