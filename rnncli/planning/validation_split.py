"""Which windows of a panel train and which validate: the end of every series is held out. numpy only."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from rnncli.errors import DataError
from rnncli.panel import Cutoffs, Panel

ENOUGH_WINDOWS = 200_000  # few series need long histories, many series only their newest windows
MIN_VALIDATION = 100  # windows, where the data has them
MIN_ORIGINS = 3  # validation windows of a series, at least: one season's end may favour what the next does not
MAX_VALIDATION = 6_000
MAX_VALIDATION_VALUES = 500_000  # validated on: what is judged again and again while designs are put together


NO_WINDOWS = Cutoffs(np.empty(0, np.int64), np.empty(0, np.int64))


class Split(NamedTuple):
    """Training windows, and after them validation windows."""

    first: np.ndarray  # (S,) int64, the earliest cutoff of a training window in each series
    last: np.ndarray  # (S,) int64, the latest; below `first` where the series is too short
    validation: Cutoffs
    held_out: int  # steps at the end of each series that no training window reaches into
    newest: int  # cutoffs of training windows that a series has at most
    least: int  # rows of past that a training window needs

    def over_all(self, panel: Panel, horizon: int) -> "Split":
        """The same over all rows, with nothing held out."""
        last = panel.lengths - horizon
        first = np.maximum(self.least, last - self.newest + 1)
        return Split(first, last, NO_WINDOWS, 0, self.newest, self.least)

    @property
    def windows(self) -> int:
        """Training windows in all."""
        return int((self.last - self.first + 1).clip(min=0).sum())

    @property
    def history(self) -> int:
        """Cutoffs of training windows in the longest series."""
        return int((self.last - self.first + 1).max())

    def apart(self, horizon: int) -> float:
        """How many validation windows there were, about, if none of a series overlapped."""
        return len(np.unique(self.validation.series)) * self.held_out / horizon

    def ends(self, horizon: int) -> np.ndarray:
        """(S,) rows of each series before what is held out."""
        return np.where(self.last >= self.first, self.last + horizon, 0)

    def training_values(self, panel: Panel, horizon: int) -> Iterator[np.ndarray]:
        """All values observed before what is held out, those of some series at a time."""
        ends = self.ends(horizon)
        for chunk in panel.chunks():
            values = panel.values[chunk.rows][chunk.before(ends)]
            yield values[~np.isnan(values)]


def split(panel: Panel, horizon: int, history: int | None, sees: bool = True) -> Split:
    """Training windows that end in the `history` newest cutoffs left, and validation windows that come after them.

    A series needs half a horizon of past for a window; none for one to train on where nothing is seen of it. Where none
    has rows for both kinds of windows, all train and none validates. Raises DataError where no series has even the rows
    to train on.
    """
    lengths, least = panel.lengths, _least(horizon) if sees else 0
    usable = np.flatnonzero(lengths >= least + 2 * horizon)
    if not len(usable):
        return _unvalidated(panel, horizon, history, least)
    newest = history or max(3 * horizon, -(-ENOUGH_WINDOWS // len(usable)))
    origins, stride = _origins(lengths[usable], horizon, least)
    held_out = horizon + (origins - 1) * stride
    last = lengths - held_out - horizon
    most = max(1, min(MAX_VALIDATION, MAX_VALIDATION_VALUES // horizon))
    checked = usable[:: -(-len(usable) * origins // most)]
    rows = (lengths[checked] - horizon)[:, None] - np.arange(origins)[::-1] * stride  # (checked, origins)
    fitting = (rows >= _least(horizon)).reshape(-1)
    validation = Cutoffs(np.repeat(checked, origins)[fitting], rows.reshape(-1)[fitting])
    return Split(np.maximum(least, last - newest + 1), last, validation, held_out, newest, least)


def _unvalidated(panel: Panel, horizon: int, history: int | None, least: int) -> Split:
    lengths, needed = panel.lengths, least + horizon
    if lengths.max() < needed:
        longest = int(lengths.argmax())
        name, many = panel.series_name(longest), len(lengths) > 1
        which = f"every series is too short: the longest, {name}," if many else f"{name} is too short: it"
        raise DataError(
            f"{which} has {lengths[longest]} rows; horizon {horizon} needs {needed} to learn. Use a smaller --horizon"
        )
    newest = history or max(3 * horizon, -(-ENOUGH_WINDOWS // int((lengths >= needed).sum())))
    return Split(lengths, lengths, NO_WINDOWS, 0, newest, least).over_all(panel, horizon)


def rows_needed(horizon: int, windows: int) -> int:
    """Rows that a series needs for so many windows with nothing in common but their past."""
    return _least(horizon) + windows * horizon


def _least(horizon: int) -> int:
    """Rows of past that a window needs."""
    return 1 + horizon // 2


def _origins(lengths: np.ndarray, horizon: int, least: int) -> tuple[int, int]:
    """How many validation windows each series has, and how far apart: a fifth of a series is held out at most."""
    wished = max(MIN_ORIGINS, -(-MIN_VALIDATION // len(lengths)))
    room = max(0, int(np.median(lengths)) // 5 - horizon)
    longest = int(lengths.max()) - 2 * horizon - least  # what must stay for a training window
    room = min(room, longest)
    stride = int(np.clip(room // max(1, wished - 1), 1, horizon))
    return min(wished, 1 + room // stride), stride


def whole_panel(panel: Panel) -> Split:
    """The whole of each series as training part, for who only looks."""
    return Split(np.zeros_like(panel.lengths), panel.lengths, NO_WINDOWS, 0, int(panel.lengths.max()), 0)
