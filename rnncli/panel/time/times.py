"""A time column as numbers."""

from typing import NamedTuple

import numpy as np

from rnncli.panel.time import zones


class Times(NamedTuple):
    """A time column as numbers."""

    values: np.ndarray  # (R,) int64: microseconds since 1970 in UTC (local time without a zone), or integers
    integer: bool  # whether the column holds integers
    zone: str | None  # the time zone of the column
    form: str | None  # the text format of the file; None if it has no texts

    @property
    def local(self) -> np.ndarray:
        """The times as clocks in their zone show them: (R,)."""
        return self.values if self.zone is None else zones.to_wall(self.values, self.zone)

    def select(self, rows: np.ndarray) -> "Times":
        """Return the times of these rows, a mask or indices."""
        return self._replace(values=self.values[rows])
