"""What the calendar says of each step of a clock: time of day, weekday, time of the month and year, Easter, holidays.

Waves are given as sine and cosine, so that midnight lies beside 23:59 and December beside January. numpy only.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from rnncli.errors import RequestError
from rnncli.messages import did_you_mean
from rnncli.panel.time import zones
from rnncli.panel.time.frequency import DAY, Frequency

HOUR = DAY // 24
SLOTS = 1440  # times of day told apart, at most
YEAR = 365.2425
EASTERS = 1583, 4099  # years of which Easter is known
NEVER = 10**9  # days away
NEAR = 3  # days in which what is near fades to a third
AROUND = (-1, 0, 1)  # days from a holiday that are told: its eve, itself, the day after


class Calendar(NamedTuple):
    """Features of steps: those of the period that a step lies in, and those of its time of day.

    A period is a day; where a step is a day or more, a step. Arrays may be tensors just as well.
    """

    first: int  # the number of the first period
    every: int  # microseconds of a step shorter than a day; 0 for others
    phase: int  # where within a step its instant lies
    slot: int  # microseconds that have one time of day
    first_hour: int
    shifts: Any  # (U,) int64: for each hour from then on, how far a clock on the wall is ahead of the instant
    of_period: Any  # (P, D) float32
    of_slot: Any  # (T, E) float32

    @property
    def size(self) -> int:
        """Features of a step: D + E."""
        return int(self.of_period.shape[1] + self.of_slot.shape[1])

    def rows(self, steps: Any) -> tuple[Any, Any]:
        """The row of each step in of_period, and in of_slot; those of the first or the last for steps beyond."""
        if not self.every:
            return (steps - self.first).clip(0, len(self.of_period) - 1), 0 * steps
        instants = steps * self.every + self.phase
        if len(self.shifts):
            instants = instants + self.shifts[(instants // HOUR - self.first_hour).clip(0, len(self.shifts) - 1)]
        days = instants // DAY
        return (days - self.first).clip(0, len(self.of_period) - 1), (instants - days * DAY) // self.slot


def size(frequency: Frequency, countries: Sequence[str]) -> int:
    """Features of a step on that clock."""
    return calendar(frequency, 0, np.array([0, 1]), None, countries).size


def calendar(
    frequency: Frequency, phase: int, span: np.ndarray, zone: str | None, countries: Sequence[str]
) -> Calendar:
    """Of the steps from span[0] up to, not including, span[1], in a phase.

    A clock of plain numbers has no calendar: no feature. Raises RequestError for a country that is not known.
    """
    none = np.zeros((1, 0), np.float32)
    if frequency.unit == "integer":
        return Calendar(0, 0, 0, DAY, 0, np.empty(0, np.int64), none, none)
    if frequency.unit == "fixed" and frequency.every < DAY:
        return _of_hours(frequency.every, phase, span * frequency.every, zone, countries)
    steps = np.arange(span[0], span[1])
    days = frequency.join(steps, np.full(len(steps), phase)) // DAY
    months = frequency.every if frequency.unit == "month" else 0
    daily = frequency.unit == "business" or frequency == Frequency("fixed", DAY)
    before, after = (frequency.join(steps + near, np.full(len(steps), phase)) // DAY for near in (-1, 1))
    if months:
        features = [_one_of(_month(days) // months, 12 // months)] if months < 12 and 12 % months == 0 else []
    elif frequency.every >= 7 * DAY:
        features = [_waves(days % YEAR / YEAR, 6), _of_month(days)]
    else:
        features = [_weekdays(days), _of_month(days), _of_year(days)]
    if features:
        features.append(_easter(days) if daily else _over(_easter, days, before, after))
    features += [np.zeros((len(steps), 0)), *_holidays(countries, days, before, after, daily)]
    return Calendar(int(span[0]), 0, phase, DAY, 0, np.empty(0, np.int64), _stacked(features), none)


def _of_hours(every: int, phase: int, ends: np.ndarray, zone: str | None, countries: Sequence[str]) -> Calendar:
    """Of steps shorter than a day, between two instants."""
    hours = np.arange(ends[0] // HOUR, ends[1] // HOUR + 2)
    shifts = np.empty(0, np.int64) if zone is None else zones.to_wall(hours * HOUR, zone) - hours * HOUR
    days = np.arange(ends[0] // DAY - 1, ends[1] // DAY + 2)
    holidays = _holidays(countries, days, days - 1, days + 1, daily=True)
    features = [_weekdays(days), _of_year(days), _easter(days), *holidays]
    slot = max(every, DAY // SLOTS)
    of_slot = _waves(np.arange(-(-DAY // slot)) * slot / DAY, 3).astype(np.float32)
    return Calendar(int(days[0]), every, phase, slot, int(hours[0]), shifts, _stacked(features), of_slot)


def _stacked(features: list[np.ndarray]) -> np.ndarray:
    return np.concatenate(features, axis=1).astype(np.float32)


def _waves(share: np.ndarray, count: int) -> np.ndarray:
    """Sine and cosine of a share of a cycle (N,), and of its first overtones: (N, 2 * count)."""
    angles = 2 * np.pi * share[:, None] * np.arange(1, count + 1)
    return np.concatenate([np.sin(angles), np.cos(angles)], axis=1)


def _one_of(number: np.ndarray, count: int) -> np.ndarray:
    """(N, count): 1 at the number of each, 0 elsewhere."""
    return np.eye(count)[number % count]


def _weekdays(days: np.ndarray) -> np.ndarray:
    return _one_of(days + 3, 7)  # 1 January 1970 was a Thursday; Monday comes first


def _of_year(days: np.ndarray) -> np.ndarray:
    return _waves(days % YEAR / YEAR, 2)


def _of_month(days: np.ndarray) -> np.ndarray:
    """The time of the month, and how near its beginning and its end are: (N, 6)."""
    dates = days.astype("datetime64[D]")
    months = dates.astype("datetime64[M]")
    since = (dates - months.astype("datetime64[D]")).astype(np.int64)
    until = ((months + 1).astype("datetime64[D]") - dates).astype(np.int64) - 1
    return np.concatenate([_waves(since / (since + until + 1), 2), _near(since, until)], axis=1)


def _month(days: np.ndarray) -> np.ndarray:
    """0 for January."""
    return days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) % 12


def _easter(days: np.ndarray) -> np.ndarray:
    """How near Easter Sunday is that comes, or is, and the one that was: (N, 2).

    The feast that moves most of a year's trade and travel to and fro; X-13ARIMA-SEATS has it among its regressors, too
    (Findley et al. 1998).
    """
    from dateutil.easter import easter

    years = (np.array([days[0] - 366, days[-1] + 366]) // YEAR).astype(np.int64) + 1970
    told = range(max(years[0], EASTERS[0]), min(years[1], EASTERS[1]) + 1)
    sundays = np.array([easter(year) for year in told], dtype="datetime64[D]").astype(np.int64)
    place = np.searchsorted(sundays, days)
    return _near(np.append(sundays, NEVER)[place] - days, days - np.append(-NEVER, sundays)[place])


def _near(*days: np.ndarray) -> np.ndarray:
    """How near each of these many days (N,) is, from 1 for none of them down to 0: (N, F)."""
    return np.exp(-np.stack(days, axis=1) / NEAR)


def _over(of_day: Callable[[np.ndarray], np.ndarray], days: np.ndarray, before: np.ndarray, after: np.ndarray) -> Any:
    """Sums over the days of each step, and over those from the step before on: for features (N, F) of days, (N, 2 F).

    before, after: the days on which the steps before and after begin. A week may be named by its last day.
    """
    every = np.arange(before[0], after[-1] + 2)
    told = of_day(every)
    count = np.concatenate([np.zeros((1, told.shape[1])), told.cumsum(axis=0)])  # before each day
    within = count[after - every[0]] - count[days - every[0]]
    until = count[days + 1 - every[0]] - count[before + 1 - every[0]]
    return np.concatenate([within, until], axis=1)


def _holidays(
    countries: Sequence[str], days: np.ndarray, before: np.ndarray, after: np.ndarray, daily: bool
) -> list[np.ndarray]:
    """For each country, of steps that begin on these days: which are holidays.

    Of steps of a day also their eves and the days after; of longer ones how many holidays are in them, as `_over` sums.
    """
    found = []
    for country in countries:
        holiday = _holiday_of(country, before[0] - 2, after[-1] + 2)
        if daily:
            found.append(np.concatenate([holiday(days - near) for near in AROUND], axis=1))
        else:
            found.append(_over(holiday, days, before, after))
    return found


def _holiday_of(country: str, first: int, last: int) -> Callable[[np.ndarray], np.ndarray]:
    """What tells whether days are public holidays of a country or a part of it, such as DE or US-CA."""
    import holidays

    code, _, part = country.partition("-")
    years = np.array([first, last]).astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64) + 1970
    try:
        known = holidays.country_holidays(code, subdiv=part or None, years=range(years[0], years[1] + 1))
    except NotImplementedError as error:
        supported = holidays.list_supported_countries()
        if code in supported:
            hint = f"; the parts of {code} are {', '.join(supported[code])}" if supported[code] else ""
            raise RequestError(f'--holidays "{country}": that part of {code} is not known{hint}') from error
        hint = did_you_mean(code, list(supported))
        raise RequestError(
            f'--holidays "{country}": such a country is not known. Give a code such as DE.{hint}'
        ) from error
    dates = np.array(sorted(known), dtype="datetime64[D]").astype(np.int64)

    def holiday(days: np.ndarray) -> np.ndarray:
        return np.isin(days, dates).astype(np.float64)[:, None]

    return holiday
