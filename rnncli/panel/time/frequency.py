"""Frequencies: convert between instants and numbers of time steps, and infer the frequency of instants.

Instants are int64: microseconds since 1970, or the values of an integer time column. An instant has a step number and a
phase, its position within the step, which all steps of a series share: the minute of the hour, the day of the month.
"""

import re
from dataclasses import dataclass
from typing import Literal, NamedTuple, assert_never, cast

import numpy as np

from rnncli.errors import DataError, RequestError
from rnncli.messages import did_you_mean

SECOND = 1_000_000
DAY = 86_400 * SECOND
MONDAY = 4 * DAY  # 1 January 1970 was a Thursday
MONTH_ROOM = 100 * DAY  # longer than any month: a phase holds the month of the quarter and the day of the month

# Unit and length of each alias: microseconds for fixed steps, months for calendar ones.
ALIASES: dict[str, tuple[Literal["fixed", "month", "business"], int]] = {
    "us": ("fixed", 1),
    "ms": ("fixed", 1000),
    "s": ("fixed", SECOND),
    "min": ("fixed", 60 * SECOND),
    "h": ("fixed", 3600 * SECOND),
    "D": ("fixed", DAY),
    "W": ("fixed", 7 * DAY),
    "B": ("business", 1),
    **dict.fromkeys(("MS", "ME", "M", "BMS", "BME", "BM", "mo"), ("month", 1)),
    **dict.fromkeys(("QS", "QE", "Q", "BQS", "BQE", "BQ"), ("month", 3)),
    **dict.fromkeys(("YS", "YE", "Y", "A", "AS", "BYS", "BYE", "BA", "BAS"), ("month", 12)),
    **{alias: ("fixed", length) for alias, length in {"L": 1000, "S": SECOND, "T": 60 * SECOND}.items()},
    **{alias: ("fixed", length) for alias, length in {"H": 3600 * SECOND, "d": DAY, "w": 7 * DAY}.items()},
    "y": ("month", 12),
}
NAMES = {
    "fixed": (("W", 7 * DAY), ("D", DAY), ("h", 3600 * SECOND), ("min", 60 * SECOND), ("s", SECOND), ("ms", 1000)),
    "month": (("Y", 12), ("Q", 3), ("M", 1)),
}

Unit = Literal["integer", "fixed", "month", "business"]
Anchor = Literal["start", "end", "business start", "business end"]
ANCHORS: tuple[Anchor, ...] = ("end", "start", "business end", "business start")


@dataclass(frozen=True)
class Frequency:
    """A time step of `every` integers, microseconds, months or business days.

    `anchor` is the day of the month from which instants are counted: the first, the last, or a business day.
    """

    unit: Unit
    every: int
    anchor: Anchor = "start"

    def split(self, instants: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the step number of each instant, and its phase (negative on weekends of business days)."""
        match self.unit:
            case "integer" | "fixed":
                steps = np.floor_divide(instants, self.every)
                begins = steps * self.every
                return steps, np.subtract(instants, begins, out=begins)
            case "business":
                days, time = _days(instants)
                steps = np.busday_count(np.datetime64(0, "D"), days)
                return steps, np.where(np.is_busday(days), time, -1 - time)
            case "month":
                months = _months(instants)
                steps = np.floor_divide(months, self.every)
                return steps, (months - steps * self.every) * MONTH_ROOM + self.within_month(instants)
        assert_never(self.unit)

    def join(self, steps: np.ndarray, phase: np.ndarray) -> np.ndarray:
        """Return the instant of each step at a phase."""
        match self.unit:
            case "integer" | "fixed":
                return steps * self.every + phase
            case "business":
                days = np.busday_offset(np.datetime64(0, "D"), steps, roll="forward")
                return days.astype("datetime64[us]").astype(np.int64) + phase
            case "month":
                month = np.floor_divide(phase + MONTH_ROOM // 2, MONTH_ROOM)
                return self._anchors(steps * self.every + month) + phase - month * MONTH_ROOM
        assert_never(self.unit)

    def within_month(self, instants: np.ndarray) -> np.ndarray:
        """Return microseconds from the anchor day of its month to each instant."""
        return instants - self._anchors(_months(instants))

    def _anchors(self, months: np.ndarray) -> np.ndarray:
        """Return the instants at which the anchor days of months begin."""
        if self.anchor in ("start", "business start"):
            days = months.astype("datetime64[M]").astype("datetime64[D]")
        else:
            days = (months + 1).astype("datetime64[M]").astype("datetime64[D]") - 1
        if self.anchor == "business start":
            days = np.busday_offset(days, 0, roll="forward")
        if self.anchor == "business end":
            days = np.busday_offset(days, 0, roll="backward")
        return days.astype("datetime64[us]").astype(np.int64)

    @property
    def name(self) -> str:
        """A short name that `parse_frequency` reads: h, 15min, B, MS, QE."""
        if self.unit == "integer":
            return str(self.every)
        if self.unit == "business":
            return "B"
        letter, length = next(
            ((letter, length) for letter, length in NAMES[self.unit] if self.every % length == 0), ("us", 1)
        )
        count = self.every // length
        if self.unit == "month":
            letter = ("B" if "business" in self.anchor else "") + letter + ("E" if "end" in self.anchor else "S")
        return f"{count if count > 1 else ''}{letter}"

    @property
    def by_days(self) -> bool:
        """Return whether steps are whole days or longer, so that the time of day is constant."""
        return self.unit in ("month", "business") or (self.unit == "fixed" and self.every % DAY == 0)

    def same_step(self, other: "Frequency") -> bool:
        """Return whether steps are equal apart from their anchor."""
        return (self.unit, self.every) == (other.unit, other.every)


def parse_frequency(name: str) -> Frequency:
    """Return the frequency of a pandas alias, new or old, or of an integer.

    The anchor day is provisional until data is known (`with_data_anchor`). Raises RequestError for an unknown name.
    """
    text = name.strip()
    if text.isdecimal() and 0 < int(text) < 10**18:
        return Frequency("integer", int(text))
    found = re.fullmatch(r"(\d*)\s*([A-Za-z]+)(-[A-Za-z]{3})?", text)
    if not found or found[2] not in ALIASES or not 0 < int(found[1] or 1) < 1_000_000:
        known = "s, min, h, D, B, W, MS, ME, QS, QE, YS or YE, optionally after a number (15min)"
        hint = did_you_mean(found[2], list(ALIASES)) if found else ""
        raise RequestError(f'unknown frequency "{name}". Give {known}.{hint}')
    unit, length = ALIASES[found[2]]
    count = int(found[1] or 1)
    if unit == "business" and count > 1:
        raise RequestError(f'unknown frequency "{name}": business days cannot be multiplied. Give B')
    end = unit == "month" and (found[2].endswith("E") or found[2] in ("M", "Q", "A", "Y", "BM", "BQ", "BA"))
    business = unit == "month" and found[2].startswith("B")
    anchor = f"{'business ' if business else ''}{'end' if end else 'start'}"
    return Frequency(unit, length * count, cast(Anchor, anchor))


class Resampling(NamedTuple):
    """The parts of --resample."""

    frequency: str
    how: str  # the aggregation


def parse_resampling(text: str) -> Resampling:
    """Return the frequency and the aggregation of `1h=sum`."""
    name, _, how = text.partition("=")
    return Resampling(name, how)


def steps_in(duration: str, frequency: Frequency) -> int:
    """Return the number of steps in a duration such as 7d. Raises RequestError if it is not an integer."""
    if frequency.unit == "integer":
        raise RequestError(f'"{duration}" does not fit an integer time column. Give a number of steps, such as 24')
    length = parse_frequency(duration)
    if frequency.unit == "business" and length.unit == "fixed" and length.every % (7 * DAY) == 0:
        return length.every // (7 * DAY) * 5
    if length.unit != frequency.unit or length.every % frequency.every:
        raise RequestError(
            f'"{duration}" is not an integer number of steps of {frequency.name}. Give a number of steps'
        )
    return length.every // frequency.every


def infer_frequency(intervals: np.ndarray, instants: np.ndarray, integer: bool) -> Frequency:
    """Return the frequency of the commonest interval (n,) between neighbours in a series; instants: of all rows."""
    if not len(intervals):
        raise DataError("every series has a single row, from which the frequency cannot be inferred. Set --freq")
    lengths, counts = tally(intervals)
    step = int(lengths[counts.argmax()])
    if integer:
        return Frequency("integer", step)
    days, rest = divmod(step, DAY)
    if rest == 0 and days >= 28:
        months = inferred_anchor(max(1, round(days / 30.4375)), instants)
        if on_one_day_of_month(months, instants) or (lengths % step).any():
            return months
    if rest == 0 and days == 1 and _never_on_weekends(instants):
        return Frequency("business", 1)
    return Frequency("fixed", step)


def tally(intervals: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the distinct intervals, rising, and their counts; without sorting if all are equal."""
    if (intervals == intervals[0]).all():
        return intervals[:1], np.array([len(intervals)])
    return np.unique(intervals, return_counts=True)


def inferred_anchor(months: int, instants: np.ndarray) -> Frequency:
    """Return a frequency of so many months, with the anchor day on which all instants lie.

    The end of the month comes first (30 June and 30 September), then business days; the default is the start.
    """
    candidates = [Frequency("month", months, anchor) for anchor in ANCHORS]
    fitting = [each for each in candidates if on_one_day_of_month(each, instants) and on_anchor_day(each, instants)]
    return fitting[0] if fitting else Frequency("month", months, "start")


def with_data_anchor(frequency: Frequency, instants: np.ndarray) -> Frequency:
    """Return the frequency, with the anchor day of the data if the data does not lie on its own."""
    if frequency.unit != "month" or (on_one_day_of_month(frequency, instants) and on_anchor_day(frequency, instants)):
        return frequency
    return inferred_anchor(frequency.every, instants)


def on_one_day_of_month(frequency: Frequency, instants: np.ndarray) -> bool:
    """Return whether all instants have the same distance from the anchor day of their month."""
    within = frequency.within_month(instants)
    return bool((within == within[0]).all())


def on_anchor_day(frequency: Frequency, instants: np.ndarray) -> bool:
    """Return whether all instants lie on the anchor day of their month."""
    return bool((np.floor_divide(frequency.within_month(instants), DAY) == 0).all())


def _never_on_weekends(instants: np.ndarray) -> bool:
    few = _days(instants[:1000])[0]  # nearly always contain a weekend, which saves the full test
    if not np.is_busday(few).all() or instants.max() - instants.min() < 6 * DAY:
        return False
    return bool(np.is_busday(_days(instants)[0]).all())


def _days(instants: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the day of each instant, and its microseconds since midnight."""
    days = instants.astype("datetime64[us]").astype("datetime64[D]")
    return days, instants - days.astype("datetime64[us]").astype(np.int64)


def _months(instants: np.ndarray) -> np.ndarray:
    """Return months since January 1970."""
    return instants.astype("datetime64[us]").astype("datetime64[M]").astype(np.int64)
