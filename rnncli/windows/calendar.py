"""Calendar features of time steps as tensors or NumPy arrays."""

from typing import TYPE_CHECKING, NamedTuple

from rnncli.panel.time.calendar_features import HOUR, Calendar
from rnncli.panel.time.frequency import DAY
from rnncli.windows.arrays import Array, library, place, select_rows

if TYPE_CHECKING:
    import torch


class CalendarTensors(NamedTuple):
    """A `Calendar` on a device, or in NumPy without one; its fields are described there."""

    first: int
    every: int
    phase: int
    slot: int
    first_hour: int
    shifts: Array  # (U,) int64
    of_period: Array  # (P, D) float32
    of_slot: Array  # (T, E) float32

    @classmethod
    def of(cls, calendar: Calendar, device: "torch.device | None") -> "CalendarTensors":
        """Return a calendar's tensors on a device, or its arrays without one."""
        arrays = calendar.shifts, calendar.of_period, calendar.of_slot
        shifts, of_period, of_slot = (place(array, device) for array in arrays)
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

    def features(self, steps: Array) -> Array:
        """Return the features of time steps (B, T): (B, T, D + E); steps outside get those of the first or last."""
        periods, slots = self._rows(steps)
        parts = [select_rows(self.of_period, periods), select_rows(self.of_slot, slots)]
        return library(steps).concatenate(parts, axis=-1)

    def _rows(self, steps: Array) -> tuple[Array, Array]:
        """Return the row of each step in of_period and in of_slot."""
        if not self.every:
            return (steps - self.first).clip(0, len(self.of_period) - 1), 0 * steps
        instants = steps * self.every + self.phase
        if len(self.shifts):
            instants = instants + self.shifts[(instants // HOUR - self.first_hour).clip(0, len(self.shifts) - 1)]
        days = instants // DAY
        return (days - self.first).clip(0, len(self.of_period) - 1), (instants - days * DAY) // self.slot
