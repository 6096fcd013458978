"""Calendar features of time steps: time of day, weekday, time of month and year, Easter, public holidays.

Cyclic features are sines and cosines, so that midnight is close to 23:59 and December to January.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from rnncli.errors import RequestError
from rnncli.messages import did_you_mean
from rnncli.panel.time import zones
from rnncli.panel.time.frequency import DAY, Frequency

HOUR = DAY // 24
SLOTS = 1440  # most times of day that are distinguished
YEAR = 365.2425
EASTERS = 1583, 4099  # years for which the date of Easter is known
NEVER = 10**9  # days
NEAR = 3  # days after which a proximity falls to 1/e
AROUND = (-1, 0, 1)  # features of a holiday: its eve, the day, the day after


class Calendar(NamedTuple):
    """Features of time steps: those of the period of a step, and those of its time of day.

    A period is a day, or a step if a step is a day or longer.
    """

    first: int  # the number of the first period
    every: int  # microseconds of a step shorter than a day; 0 for others
    phase: int  # position of an instant within its step
    slot: int  # microseconds that share features of the time of day
    first_hour: int
    shifts: np.ndarray  # (U,) int64: local time minus UTC in microseconds, for each hour from first_hour on
    of_period: np.ndarray  # (P, D) float32
    of_slot: np.ndarray  # (T, E) float32

    @property
    def size(self) -> int:
        """Features of a step: D + E."""
        return int(self.of_period.shape[1] + self.of_slot.shape[1])


def size(frequency: Frequency, countries: Sequence[str]) -> int:
    """Return the number of features of a step at this frequency."""
    return calendar(frequency, 0, np.array([0, 1]), None, countries).size


def calendar(
    frequency: Frequency, phase: int, span: np.ndarray, zone: str | None, countries: Sequence[str]
) -> Calendar:
    """Return the features of steps span[0] (included) to span[1] (excluded).

    Integer frequencies have no features. Raises RequestError for an unknown country.
    """
    none = np.zeros((1, 0), np.float32)
    if frequency.unit == "integer":
        return Calendar(0, 0, 0, DAY, 0, np.empty(0, np.int64), none, none)
    if frequency.unit == "fixed" and frequency.every < DAY:
        return _intraday(frequency.every, phase, span * frequency.every, zone, countries)
    steps = np.arange(span[0], span[1])
    days = frequency.join(steps, np.full(len(steps), phase)) // DAY
    months = frequency.every if frequency.unit == "month" else 0
    daily = frequency.unit == "business" or frequency == Frequency("fixed", DAY)
    before, after = (frequency.join(steps + shift, np.full(len(steps), phase)) // DAY for shift in (-1, 1))
    if months:
        features = [_one_hot(_month(days) // months, 12 // months)] if months < 12 and 12 % months == 0 else []
    elif frequency.every >= 7 * DAY:
        features = [_waves(days % YEAR / YEAR, 6), _time_of_month(days)]
    else:
        features = [_weekdays(days), _time_of_month(days), _time_of_year(days)]
    if features:
        features.append(_easter(days) if daily else _sums(_easter, days, before, after))
    features += [np.zeros((len(steps), 0)), *_holidays(countries, days, before, after, daily)]
    return Calendar(int(span[0]), 0, phase, DAY, 0, np.empty(0, np.int64), _concatenated(features), none)


def _intraday(every: int, phase: int, ends: np.ndarray, zone: str | None, countries: Sequence[str]) -> Calendar:
    """Return the features of steps shorter than a day, between two instants."""
    hours = np.arange(ends[0] // HOUR, ends[1] // HOUR + 2)
    shifts = np.empty(0, np.int64) if zone is None else zones.to_wall(hours * HOUR, zone) - hours * HOUR
    days = np.arange(ends[0] // DAY - 1, ends[1] // DAY + 2)
    holidays = _holidays(countries, days, days - 1, days + 1, daily=True)
    features = [_weekdays(days), _time_of_year(days), _easter(days), *holidays]
    slot = max(every, DAY // SLOTS)
    of_slot = _waves(np.arange(-(-DAY // slot)) * slot / DAY, 3).astype(np.float32)
    return Calendar(int(days[0]), every, phase, slot, int(hours[0]), shifts, _concatenated(features), of_slot)


def _concatenated(features: list[np.ndarray]) -> np.ndarray:
    return np.concatenate(features, axis=1).astype(np.float32)


def _waves(share: np.ndarray, count: int) -> np.ndarray:
    """Return the first `count` harmonics of shares of a cycle (N,) as sines and cosines: (N, 2 * count)."""
    angles = 2 * np.pi * share[:, None] * np.arange(1, count + 1)
    return np.concatenate([np.sin(angles), np.cos(angles)], axis=1)


def _one_hot(number: np.ndarray, count: int) -> np.ndarray:
    return np.eye(count)[number % count]


def _weekdays(days: np.ndarray) -> np.ndarray:
    return _one_hot(days + 3, 7)  # 1 January 1970 was a Thursday; Monday comes first


def _time_of_year(days: np.ndarray) -> np.ndarray:
    return _waves(days % YEAR / YEAR, 2)


def _time_of_month(days: np.ndarray) -> np.ndarray:
    """Return waves of the time of the month, and the proximity of its beginning and end: (N, 6)."""
    dates = days.astype("datetime64[D]")
    months = dates.astype("datetime64[M]")
    since = (dates - months.astype("datetime64[D]")).astype(np.int64)
    until = ((months + 1).astype("datetime64[D]") - dates).astype(np.int64) - 1
    return np.concatenate([_waves(since / (since + until + 1), 2), _proximity(since, until)], axis=1)


def _month(days: np.ndarray) -> np.ndarray:
    """Return the month, 0 for January."""
    return days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) % 12


def _easter(days: np.ndarray) -> np.ndarray:
    """Return the proximity of the next Easter Sunday (or today's), and of the last one: (N, 2).

    Easter moves most of a year's trade and travel; X-13ARIMA-SEATS has it as a regressor too (Findley et al. 1998).
    """
    from dateutil.easter import easter

    years = (np.array([days[0] - 366, days[-1] + 366]) // YEAR).astype(np.int64) + 1970
    known = range(max(years[0], EASTERS[0]), min(years[1], EASTERS[1]) + 1)
    sundays = np.array([easter(year) for year in known], dtype="datetime64[D]").astype(np.int64)
    index = np.searchsorted(sundays, days)
    return _proximity(np.append(sundays, NEVER)[index] - days, days - np.append(-NEVER, sundays)[index])


def _proximity(*days: np.ndarray) -> np.ndarray:
    """Return the proximity of events that are so many days (N,) away, from 1 (today) to 0 (never): (N, F)."""
    return np.exp(-np.stack(days, axis=1) / NEAR)


def _sums(
    of_day: Callable[[np.ndarray], np.ndarray], days: np.ndarray, before: np.ndarray, after: np.ndarray
) -> np.ndarray:
    """Return sums of daily features (N, F) from each step to the next, and from the step before: (N, 2 F).

    before, after: the days of the steps before and after. Both sums are needed as a week may be named by its last day.
    """
    every_day = np.arange(before[0], after[-1] + 2)
    features = of_day(every_day)
    totals = np.concatenate([np.zeros((1, features.shape[1])), features.cumsum(axis=0)])  # before each day
    following = totals[after - every_day[0]] - totals[days - every_day[0]]
    preceding = totals[days + 1 - every_day[0]] - totals[before + 1 - every_day[0]]
    return np.concatenate([following, preceding], axis=1)


def _holidays(
    countries: Sequence[str], days: np.ndarray, before: np.ndarray, after: np.ndarray, daily: bool
) -> list[np.ndarray]:
    """Return the holiday features of steps that begin on these days, for each country.

    Daily steps: whether the day, the day before and the day after are holidays. Longer steps: the holidays in them, as
    `_sums` counts.
    """
    features = []
    for country in countries:
        holiday = _holiday_function(country, before[0] - 2, after[-1] + 2)
        if daily:
            features.append(np.concatenate([holiday(days - shift) for shift in AROUND], axis=1))
        else:
            features.append(_sums(holiday, days, before, after))
    return features


def _holiday_function(country: str, first: int, last: int) -> Callable[[np.ndarray], np.ndarray]:
    """Return a function from days (N,) to whether they are public holidays (N, 1).

    The country may have a subdivision, as in US-CA. Raises RequestError if it is unknown.
    """
    import holidays

    code, _, part = country.partition("-")
    years = np.array([first, last]).astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64) + 1970
    try:
        known = holidays.country_holidays(code, subdiv=part or None, years=range(years[0], years[1] + 1))
    except NotImplementedError as error:
        supported = holidays.list_supported_countries()
        if code in supported:
            parts = f". {code} has {', '.join(supported[code])}" if supported[code] else f". {code} has none"
            raise RequestError(f'--holidays "{country}": unknown subdivision{parts}') from error
        hint = did_you_mean(code, list(supported))
        raise RequestError(f'--holidays "{country}": unknown country. Give a code such as DE.{hint}') from error
    dates = np.array(sorted(known), dtype="datetime64[D]").astype(np.int64)

    def holiday(days: np.ndarray) -> np.ndarray:
        return np.isin(days, dates).astype(np.float64)[:, None]

    return holiday
