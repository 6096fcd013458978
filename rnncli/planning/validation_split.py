"""Split the windows of a panel into training windows and validation windows at the end of each series."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from rnncli.errors import DataError
from rnncli.panel import Cutoffs, Panel

ENOUGH_WINDOWS = 200_000  # to train on: a few series use long histories, many series only their newest windows
MIN_VALIDATION = 100  # windows, if the data has them
MIN_ORIGINS = 3  # validation windows of a series: a single one may be unlike those that follow
MAX_VALIDATION = 6_000
MAX_VALIDATION_VALUES = 500_000  # the selection of the ensemble scores all of them many times
MAX_HELD_OUT = 5  # a series is held out up to one part in so many


NO_WINDOWS = Cutoffs(np.empty(0, np.int64), np.empty(0, np.int64))


class Split(NamedTuple):
    """Training windows, and validation windows after them."""

    first: np.ndarray  # (S,) int64, the earliest cutoff of a training window in each series
    last: np.ndarray  # (S,) int64, the latest; below `first` if the series is too short
    validation: Cutoffs
    held_out: int  # steps at the end of each series that no training window overlaps
    max_cutoffs: int  # most training windows of a series
    min_past: int  # rows before the cutoff of a training window, at least

    def without_validation(self, panel: Panel, horizon: int) -> "Split":
        """Return the split that trains on all rows."""
        last = panel.lengths - horizon
        first = np.maximum(self.min_past, last - self.max_cutoffs + 1)
        return Split(first, last, NO_WINDOWS, 0, self.max_cutoffs, self.min_past)

    @property
    def training_windows(self) -> int:
        """Training windows of all series."""
        return int((self.last - self.first + 1).clip(min=0).sum())

    @property
    def history(self) -> int:
        """Cutoffs of training windows in the longest series."""
        return int((self.last - self.first + 1).max())

    def independent_windows(self, horizon: int) -> float:
        """Return about how many validation windows there would be if none of a series overlapped."""
        return len(np.unique(self.validation.series)) * self.held_out / horizon

    def training_ends(self, horizon: int) -> np.ndarray:
        """(S,) rows of each series before the held-out steps."""
        return np.where(self.last >= self.first, self.last + horizon, 0)

    def training_values(self, panel: Panel, horizon: int) -> Iterator[np.ndarray]:
        """Yield the observed values before the held-out steps, those of some series at a time."""
        ends = self.training_ends(horizon)
        for chunk in panel.chunks():
            values = panel.values[chunk.rows][chunk.before(ends)]
            yield values[~np.isnan(values)]


def split(panel: Panel, horizon: int, history: int | None, reads_past: bool = True) -> Split:
    """Return training windows with the `history` newest cutoffs, and validation windows after them.

    The past of a window has at least half a horizon; that of a training window none if reads_past is false. If no
    series is long enough for both kinds of windows, all are training windows. Raise DataError if no series is long
    enough for a training window.
    """
    lengths, min_past = panel.lengths, _min_past(horizon) if reads_past else 0
    usable = np.flatnonzero(lengths >= min_past + 2 * horizon)
    if not len(usable):
        return _unvalidated(panel, horizon, history, min_past)
    max_cutoffs = history or max(3 * horizon, -(-ENOUGH_WINDOWS // len(usable)))
    origins, stride = _origins(lengths[usable], horizon, min_past)
    held_out = horizon + (origins - 1) * stride
    last = lengths - held_out - horizon
    most = max(1, min(MAX_VALIDATION, MAX_VALIDATION_VALUES // horizon))
    sampled = usable[:: -(-len(usable) * origins // most)]
    rows = (lengths[sampled] - horizon)[:, None] - np.arange(origins)[::-1] * stride  # (sampled, origins)
    fitting = (rows >= _min_past(horizon)).reshape(-1)
    validation = Cutoffs(np.repeat(sampled, origins)[fitting], rows.reshape(-1)[fitting])
    return Split(np.maximum(min_past, last - max_cutoffs + 1), last, validation, held_out, max_cutoffs, min_past)


def _unvalidated(panel: Panel, horizon: int, history: int | None, min_past: int) -> Split:
    lengths, needed = panel.lengths, min_past + horizon
    if lengths.max() < needed:
        longest = int(lengths.argmax())
        name, several = panel.series_name(longest), len(lengths) > 1
        subject = f"every series is too short: the longest, {name}," if several else f"{name} is too short: it"
        raise DataError(
            f"{subject} has {lengths[longest]} rows (horizon {horizon} requires {needed}). Use a smaller --horizon"
        )
    max_cutoffs = history or max(3 * horizon, -(-ENOUGH_WINDOWS // int((lengths >= needed).sum())))
    return Split(lengths, lengths, NO_WINDOWS, 0, max_cutoffs, min_past).without_validation(panel, horizon)


def rows_needed(horizon: int, windows: int) -> int:
    """Return the rows of a series with so many windows whose horizons do not overlap."""
    return _min_past(horizon) + windows * horizon


def _min_past(horizon: int) -> int:
    return 1 + horizon // 2


class _Origins(NamedTuple):
    windows: int  # validation windows of each series
    stride: int  # steps from one to the next


def _origins(lengths: np.ndarray, horizon: int, min_past: int) -> _Origins:
    """lengths: of the series that are long enough to validate on."""
    wanted = max(MIN_ORIGINS, -(-MIN_VALIDATION // len(lengths)))
    room = max(0, int(np.median(lengths)) // MAX_HELD_OUT - horizon)
    longest = int(lengths.max()) - 2 * horizon - min_past  # leaves a training window
    room = min(room, longest)
    stride = int(np.clip(room // max(1, wanted - 1), 1, horizon))
    return _Origins(min(wanted, 1 + room // stride), stride)


def whole_panel(panel: Panel) -> Split:
    """Return the split in which all rows belong to the training part, to describe the data."""
    return Split(np.zeros_like(panel.lengths), panel.lengths, NO_WINDOWS, 0, int(panel.lengths.max()), 0)
