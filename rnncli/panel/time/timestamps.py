"""Parse a time column of any common format to instants."""

import re
from typing import NamedTuple

import numpy as np
import pandas as pd

from rnncli.errors import DataError
from rnncli.panel.row_numbers import row
from rnncli.panel.time import formats, zones
from rnncli.tables.assumptions import Assume, accept_assumption

ISO = re.compile(r"[12]\d{3}(?:[-/.]\d{1,2}|\d{4}(?:T|$))")
OFFSET = re.compile(r"\d{2}:\d{2}(?:[.,]\d+)?\s*(Z|[+-]\d{2}:?\d{2})$")
QUARTER = re.compile(r"[12]\d{3}[- ]?Q[1-4]$")
DATES = (
    *("%m/%d/%Y", "%d/%m/%Y", "%m-%d-%Y", "%d-%m-%Y", "%d.%m.%Y", "%m/%d/%y", "%d/%m/%y", "%d.%m.%y", "%m/%Y"),
    *("%d %b %Y", "%d %B %Y", "%d-%b-%Y", "%d-%b-%y", "%b %d, %Y", "%B %d, %Y", "%b %d %Y", "%b %Y", "%B %Y", "%b-%Y"),
)
NUMBER_DATES = {"%Y%m%d": 8, "%Y%m": 6, "%Y%m%d%H": 10, "%Y%m%d%H%M": 12}
SHEET_DAYS = (20_000, 80_000)  # from 1954 to 2119
TIMES = ("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", " %I:%M %p", " %I:%M:%S %p")


class Times(NamedTuple):
    """A time column as numbers."""

    values: np.ndarray  # (R,) int64: microseconds since 1970 in UTC (local time without a zone), or integers
    integer: bool  # whether the column holds integers
    zone: str | None  # the time zone of the column
    form: str | None  # the text format of the file (see formats.py); None if it has no texts


class ZonedTimes(NamedTuple):
    """Times in a time zone."""

    times: Times
    skipped: np.ndarray  # (R,) bool: local times that do not exist because clocks are set forward


def parse(column: pd.Series, dayfirst: bool | None, assume: Assume = accept_assumption) -> Times:
    """Return the instants of a column of timestamps, texts in a common format, or integers.

    Raises DataError, naming the first row that cannot be read.
    """
    if column.isna().any():
        raise DataError(f'{row(column, _first(column.isna()))}: "{column.name}" is empty. Fill in the time')
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        return Times(
            zones.microseconds(column.dt.tz_convert("UTC").dt.tz_localize(None)), False, str(column.dt.tz), None
        )
    if pd.api.types.is_datetime64_dtype(column.dtype):
        return Times(zones.microseconds(column), False, None, None)
    if pd.api.types.is_numeric_dtype(column.dtype):
        return _parse_numbers(column)
    texts = column.astype("category")
    distinct, form = _parse_distinct(texts, dayfirst)
    codes = texts.cat.codes.to_numpy()
    zone = None if distinct.tz is None else _zone_name(texts.cat.categories, str(column.name), assume)
    naive = distinct.tz_localize(None) if distinct.tz is None else distinct.tz_convert("UTC").tz_localize(None)
    instants = zones.microseconds(naive)
    times = Times(instants[codes], False, zone, form)
    return times if _as_written(texts.cat.categories[:1000], instants[:1000], times) else times._replace(form=None)


def _as_written(distinct: pd.Index, instants: np.ndarray, times: Times) -> bool:
    """Return whether the format restores the texts: midnight, for example, may be written as a date."""
    if times.form is None:
        return True
    return bool((formats.render(to_index(instants, times, wall=False), times.form) == distinct.to_numpy(object)).all())


def looks_like_time(column: pd.Series) -> bool:
    """Return whether a column has timestamps, or texts of which the first can be read as a time."""
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        return True
    if pd.api.types.is_numeric_dtype(column.dtype):
        return False
    known = column.dropna()
    return len(known) > 0 and bool(_possible_forms(str(known.iloc[0]), None))


def in_zone(times: Times, zone: str, series: np.ndarray, assume: Assume) -> ZonedTimes:
    """Return times in a time zone; times without a zone are local times there.

    If a local time occurs twice because clocks are set back, the first row of a series (R,) with it is the earlier one.
    Raises RequestError if there is no such zone, DataError if the times are integers.
    """
    zones.check(zone)
    if times.integer:
        raise DataError("an integer time column cannot have a time zone. Omit --timezone")
    if times.zone is not None:
        return ZonedTimes(times._replace(zone=zone, form=None), np.zeros(len(times.values), bool))
    instants, skipped = zones.localise(times.values, zone, series, assume)
    return ZonedTimes(times._replace(values=instants, zone=zone), skipped)


def to_index(instants: np.ndarray, times: Times, wall: bool) -> pd.Index:
    """Return instants (local times if `wall`) in the type and the zone of the time column."""
    if times.integer:
        return pd.Index(instants)
    naive = pd.DatetimeIndex(instants.astype("datetime64[us]"))
    if times.zone is None:
        return naive
    return zones.wall_index(instants, times.zone) if wall else naive.tz_localize("UTC").tz_convert(times.zone)


def _parse_numbers(column: pd.Series) -> Times:
    values = column.to_numpy(dtype=np.float64)
    whole = column.to_numpy() if pd.api.types.is_integer_dtype(column.dtype) else values
    _forbid_spreadsheet_days(values, str(column.name))
    broken = ~np.isfinite(values) | (values != np.floor(values))
    if broken.any():
        index = _first(broken)
        raise DataError(f'{row(column, index)}: "{column.name}" is {values[index]:g}, not an integer. Fix the row')
    whole = whole.astype(np.int64)
    for form, digits in NUMBER_DATES.items():  # 20240131 is a date, not a step number
        if ((whole // 10 ** (digits - 4) >= 1900) & (whole // 10 ** (digits - 4) < 2200)).all():
            dates = pd.to_datetime(pd.Series(whole).astype(str), format=form, errors="coerce")
            if not dates.isna().any():
                return Times(zones.microseconds(dates), False, None, form)
    return Times(whole, True, None, None)


def _forbid_spreadsheet_days(values: np.ndarray, name: str) -> None:
    """Raise DataError for days since 1900, as spreadsheets store dates and times."""
    between = np.isfinite(values) & (values > SHEET_DAYS[0]) & (values < SHEET_DAYS[1])
    if between.all() and ((values != np.floor(values)).any() or "date" in name.lower()):
        raise DataError(
            f'"{name}" is {values[0]:.10g} in row 1: that looks like the day number of a spreadsheet. '
            "Save the column as dates, such as 2024-01-31 13:00"
        )


def _parse_distinct(texts: pd.Series, dayfirst: bool | None) -> tuple[pd.DatetimeIndex, str | None]:
    """Return each distinct text as a timestamp, and their common format."""
    distinct = pd.Index(texts.cat.categories.astype(str))
    _forbid_some_offsets(texts, distinct)
    sample = str(texts.iloc[0])
    forms = _possible_forms(sample, dayfirst)
    if not forms:
        raise DataError(f'row 1: "{texts.name}" is "{sample}", not a time. Write it as 2024-01-31 13:00')
    readings = [(form, _read(distinct, form)) for form in forms]
    whole = [(form, times) for form, times in readings if not times.isna().any()]
    if not whole:
        form, times = max(readings, key=lambda reading: np.count_nonzero(reading[1].notna()))
        broken = np.asarray(times.isna())[texts.cat.codes.to_numpy()]
        index = _first(broken)
        raise DataError(
            f'{row(texts, index)}: "{texts.name}" is "{texts.iloc[index]}", not a time like "{sample}". Fix the row'
        )
    if len(whole) > 1 and not whole[0][1].equals(whole[1][1]):
        index = int((whole[0][1] != whole[1][1]).argmax())
        first, second = (f"{times[index]:%d %B %Y}" for _, times in whole[:2])
        raise DataError(
            f'"{texts.name}" is ambiguous: "{distinct[index]}" is {first} or {second}. Set --dayfirst or --no-dayfirst'
        )
    form, times = whole[0]
    if form == "ISO8601":
        return times, formats.iso_format(sample)
    return times, formats.quarter_format(sample) if form == "quarter" else form


def _possible_forms(sample: str, dayfirst: bool | None) -> list[str]:
    """Return the formats in which one text can be read."""
    if QUARTER.match(sample):
        return ["quarter"]
    if ISO.match(sample):
        return ["ISO8601"] if not _read(pd.Index([sample]), "ISO8601").isna()[0] else []
    if not any(letter.isdigit() for letter in sample) or len(sample) > 40:
        return []
    forms = [date + time for date in DATES for time in TIMES if (":" in sample) == (":" in time)]
    if dayfirst is not None:
        other = ("%m/%d", "%m-%d") if dayfirst else ("%d/%m", "%d-%m")
        forms = [form for form in forms if not form.startswith(other)]
    return [form for form in forms if not _read(pd.Index([sample]), form).isna()[0]]


def _read(texts: pd.Index, form: str) -> pd.DatetimeIndex:
    """Return texts as timestamps; NaT if a text is not of the format."""
    if form == "quarter":
        starts = texts.str.replace(r"[- ]?Q(\d)$", lambda found: f"-{3 * int(found[1]) - 2:02d}", regex=True)
        return pd.DatetimeIndex(pd.to_datetime(starts, format="%Y-%m", errors="coerce"))
    aware = len(texts) > 0 and bool(OFFSET.search(texts[0]))
    try:
        return pd.DatetimeIndex(pd.to_datetime(texts, format=form, errors="coerce", utc=aware))
    except ValueError:  # different offsets, written in a way that OFFSET does not match
        return pd.DatetimeIndex(pd.to_datetime(texts, format=form, errors="coerce", utc=True))


def _forbid_some_offsets(texts: pd.Series, distinct: pd.Index) -> None:
    """Raise DataError if only some times have an offset."""
    offset = np.asarray(distinct.str.contains(OFFSET.pattern.replace("(Z", "(?:Z")), dtype=bool)
    if offset.any() and not offset.all():
        index = _first((offset != offset[texts.cat.codes.iloc[0]])[texts.cat.codes.to_numpy()])
        raise DataError(
            f'"{texts.name}" has a time zone in some rows only: {row(texts, 0)} is "{texts.iloc[0]}", '
            f'{row(texts, index)} is "{texts.iloc[index]}". Write all times in one format'
        )


def _zone_name(texts: pd.Index, name: str, assume: Assume) -> str:
    """Return the offset that all texts share, or UTC."""
    offsets = {found[1] for text in texts if (found := OFFSET.search(str(text)))}
    if len(offsets) > 1:
        assume(f'the offsets in "{name}" change: times are written in UTC; set --timezone for local times')
    only = offsets.pop() if len(offsets) == 1 else "Z"
    if only == "Z":
        return "UTC"
    return only if ":" in only else f"{only[:3]}:{only[3:]}"


def _first(broken: np.ndarray | pd.Series) -> int:
    """Return the index of the first true value."""
    return int(np.argmax(np.asarray(broken)))
