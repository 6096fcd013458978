"""Calendar features of time steps as tensors."""

from typing import NamedTuple

import torch
from torch import Tensor

from rnncli.panel.time.calendar_features import HOUR, Calendar
from rnncli.panel.time.frequency import DAY


class CalendarTensors(NamedTuple):
    """A `Calendar` on a device; its fields are described there."""

    first: int
    every: int
    phase: int
    slot: int
    first_hour: int
    shifts: Tensor  # (U,) int64
    of_period: Tensor  # (P, D) float32
    of_slot: Tensor  # (T, E) float32

    @classmethod
    def of(cls, calendar: Calendar, device: torch.device) -> "CalendarTensors":
        """Return a calendar's tensors on a device."""
        arrays = calendar.shifts, calendar.of_period, calendar.of_slot
        shifts, of_period, of_slot = (torch.from_numpy(array).to(device) for array in arrays)
        return cls(
            calendar.first,
            calendar.every,
            calendar.phase,
            calendar.slot,
            calendar.first_hour,
            shifts,
            of_period,
            of_slot,
        )

    def features(self, steps: Tensor) -> Tensor:
        """Return the features of time steps (B, T): (B, T, D + E); steps outside get those of the first or last."""
        periods, slots = self._rows(steps)
        return torch.cat([select_rows(self.of_period, periods), select_rows(self.of_slot, slots)], dim=-1)

    def _rows(self, steps: Tensor) -> tuple[Tensor, Tensor]:
        """Return the row of each step in of_period and in of_slot."""
        if not self.every:
            return (steps - self.first).clip(0, len(self.of_period) - 1), 0 * steps
        instants = steps * self.every + self.phase
        if len(self.shifts):
            instants = instants + self.shifts[(instants // HOUR - self.first_hour).clip(0, len(self.shifts) - 1)]
        days = instants // DAY
        return (days - self.first).clip(0, len(self.of_period) - 1), (instants - days * DAY) // self.slot


def select_rows(table: Tensor, rows: Tensor) -> Tensor:
    """Return rows (B, T) of a table (N, C): (B, T, C). Four times as fast as indexing."""
    return table.index_select(0, rows.flatten()).reshape(*rows.shape, table.shape[1])
