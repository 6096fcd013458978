"""Parse a time column of any common format to instants."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfoNotFoundError

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from rnncli.errors import DataError
from rnncli.panel.table import Column
from rnncli.panel.time import formats, iso, zones
from rnncli.panel.time.iso import INVALID
from rnncli.panel.time.times import Times
from rnncli.tables import arrays
from rnncli.tables.assumptions import Assume, accept_assumption

ISO = re.compile(r"[12]\d{3}(?:[-/.]\d{1,2}|\d{4}(?:T|$))")
QUARTER = re.compile(r"([12]\d{3})[- ]?Q([1-4])$")
DATES = (
    *("%m/%d/%Y", "%d/%m/%Y", "%m-%d-%Y", "%d-%m-%Y", "%d.%m.%Y", "%m/%d/%y", "%d/%m/%y", "%d.%m.%y", "%m/%Y"),
    *("%d %b %Y", "%d %B %Y", "%d-%b-%Y", "%d-%b-%y", "%b %d, %Y", "%B %d, %Y", "%b %d %Y", "%b %Y", "%B %Y", "%b-%Y"),
)
NUMBER_DATES = {"%Y%m%d": 8, "%Y%m": 6, "%Y%m%d%H": 10, "%Y%m%d%H%M": 12}
NUMBER_FIELDS = ("month", "day", "hour", "minute")  # of two digits each, after the year
SHEET_DAYS = (20_000, 80_000)  # from 1954 to 2119
TIMES = ("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", " %I:%M %p", " %I:%M:%S %p")


class ZonedTimes(NamedTuple):
    """Times in a time zone."""

    times: Times
    skipped: np.ndarray  # (R,) bool: local times that do not exist because clocks are set forward


class _Reading(NamedTuple):
    """Distinct texts as times, in one format."""

    form: str | None
    parsed: iso.Parsed


def parse(column: Column, dayfirst: bool | None, assume: Assume = accept_assumption) -> Times:
    """Return the instants of a column of timestamps, texts in a common format, or integers.

    Raises DataError, naming the first row that cannot be read.
    """
    if column.empty.any():
        raise DataError(f'{column.row(_first(column.empty))}: "{column.name}" is empty. Fill in the time')
    match column.kind:
        case "time":
            return _from_timestamps(column)
        case "number":
            return _parse_numbers(column)
    codes, _ = column.coded
    texts = column.distinct_texts
    form, parsed = _parse_distinct(column, texts, dayfirst)
    zone = _zone_name(parsed.offsets, column.name, assume) if parsed.has_offset.any() else None
    times = Times(parsed.instants.take(codes), False, zone, form)
    return times if _as_written(texts[:1000], parsed.instants[:1000], times) else times._replace(form=None)


def _from_timestamps(column: Column) -> Times:
    kind = column.values.type
    zone = kind.tz if pa.types.is_timestamp(kind) else None
    if zone is not None:
        try:
            zones.find(zone)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise DataError(f'"{column.name}" is in the unknown time zone "{zone}". Convert it to UTC') from error
    microseconds = column.values.cast(pa.timestamp("us", zone), safe=False)
    return Times(arrays.to_numpy(microseconds), False, zone, None)


def _as_written(texts: pa.Array, instants: np.ndarray, times: Times) -> bool:
    """Return whether the format restores the texts: midnight, for example, may be written as a date."""
    return times.form is None or bool(pc.all(pc.equal(formats.render(times._replace(values=instants)), texts)).as_py())


def looks_like_time(column: Column) -> bool:
    """Return whether a column has timestamps, or texts of which the first can be read as a time."""
    if column.kind in ("time", "number"):
        return column.kind == "time"
    known = np.flatnonzero(~column.empty)
    return len(known) > 0 and is_time(str(column.cell(int(known[0]))))


def is_time(text: str) -> bool:
    """Return whether a text can be read as a time."""
    return bool(_possible_forms(text, None))


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


def _parse_numbers(column: Column) -> Times:
    numbers = column.numbers
    values = numbers.astype(np.float64)
    _forbid_spreadsheet_days(values, column.name)
    broken = ~np.isfinite(values) | (values != np.floor(values))
    if broken.any():
        index = _first(broken)
        raise DataError(f'{column.row(index)}: "{column.name}" is {values[index]:g}, not an integer. Fix the row')
    whole = numbers.astype(np.int64)
    for form, digits in NUMBER_DATES.items():  # 20240131 is a date, not a step number
        if ((whole // 10 ** (digits - 4) >= 1900) & (whole // 10 ** (digits - 4) < 2200)).all():
            instants = _number_dates(whole, digits)
            if (instants != INVALID).all():
                return Times(instants, False, None, form)
    return Times(whole, True, None, None)


def _number_dates(numbers: np.ndarray, digits: int) -> np.ndarray:
    """Return numbers of so many digits as times: a year, and two digits for each part after it."""
    parts = {"year": numbers // 10 ** (digits - 4)}
    for index, name in enumerate(NUMBER_FIELDS[: (digits - 4) // 2]):
        parts[name] = numbers // 10 ** (digits - 6 - 2 * index) % 100
    return iso.to_instants(parts)


def _forbid_spreadsheet_days(values: np.ndarray, name: str) -> None:
    """Raise DataError for days since 1900, as spreadsheets store dates and times."""
    between = np.isfinite(values) & (values > SHEET_DAYS[0]) & (values < SHEET_DAYS[1])
    if between.all() and ((values != np.floor(values)).any() or "date" in name.lower()):
        raise DataError(
            f'"{name}" is {values[0]:.10g} in row 1: that looks like the day number of a spreadsheet. '
            "Save the column as dates, such as 2024-01-31 13:00"
        )


def _parse_distinct(column: Column, texts: pa.Array, dayfirst: bool | None) -> _Reading:
    """Return each distinct text as a time, and their common format."""
    sample = str(column.cell(0))
    forms = _possible_forms(sample, dayfirst)
    if not forms:
        raise DataError(f'row 1: "{column.name}" is "{sample}", not a time. Write it as 2024-01-31 13:00')
    readings = [_read(texts, form) for form in forms]
    whole = [reading for reading in readings if (reading.parsed.instants != INVALID).all()]
    if not whole:
        _, parsed = max(readings, key=lambda reading: np.count_nonzero(reading.parsed.instants != INVALID))
        index = _first((parsed.instants == INVALID)[column.coded.codes])
        raise DataError(
            f'{column.row(index)}: "{column.name}" is "{column.cell(index)}", not a time like "{sample}". Fix the row'
        )
    first, *others = whole
    _forbid_some_offsets(column, first.parsed.has_offset)
    if others and (first.parsed.instants != others[0].parsed.instants).any():
        index = _first(first.parsed.instants != others[0].parsed.instants)
        one, other = (
            np.datetime64(int(reading.parsed.instants[index]), "us").item().strftime("%d %B %Y")
            for reading in whole[:2]
        )
        raise DataError(
            f'"{column.name}" is ambiguous: "{texts[index]}" is {one} or {other}. Set --dayfirst or --no-dayfirst'
        )
    return first if first.form != "ISO8601" else first._replace(form=iso.text_format(sample))


def _possible_forms(sample: str, dayfirst: bool | None) -> list[str]:
    """Return the formats in which one text can be read."""
    if QUARTER.match(sample):
        return ["quarter"]
    if ISO.match(sample):
        return ["ISO8601"] if (iso.parse(arrays.texts_to_arrow([sample])).instants != INVALID).all() else []
    if not any(letter.isdigit() for letter in sample) or len(sample) > 40:
        return []
    forms = [date + time for date in DATES for time in TIMES if (":" in sample) == (":" in time)]
    if dayfirst is not None:
        other = ("%m/%d", "%m-%d") if dayfirst else ("%d/%m", "%d-%m")
        forms = [form for form in forms if not form.startswith(other)]
    return [form for form in forms if _has_form(sample, form)]


def _has_form(text: str, form: str) -> bool:
    if not set(re.sub("%.", "", form)) <= set(text):  # saves the slower test of most formats
        return False
    try:
        datetime.strptime(text, form)
    except ValueError:
        return False
    return True


def _read(texts: pa.Array, form: str) -> _Reading:
    """Return texts as times; INVALID if a text is not of the format."""
    if form == "ISO8601":
        return _Reading(form, iso.parse(texts))
    if form == "quarter":
        words = texts.to_pylist()
        return _Reading(_quarter_format(words[0]), _without_offsets(_quarters(words)))
    import pandas as pd

    times = pd.DatetimeIndex(pd.to_datetime(pd.Index(texts.to_pylist()), format=form, errors="coerce"))
    instants = np.asarray(times, dtype="datetime64[us]").astype(np.int64)
    return _Reading(form, _without_offsets(np.where(times.isna(), INVALID, instants)))


def _without_offsets(instants: np.ndarray) -> iso.Parsed:
    return iso.Parsed(instants, np.zeros(len(instants), bool), frozenset())


def _quarters(texts: Sequence[str]) -> np.ndarray:
    """Return the first instants of quarters such as 2024Q1; INVALID for other texts."""
    found = [QUARTER.match(text) for text in texts]
    numbers = np.array([(int(each[1]), 3 * int(each[2]) - 2) if each else (0, 0) for each in found])
    return iso.to_instants({"year": numbers[:, 0], "month": numbers[:, 1]})


def _quarter_format(sample: str) -> str:
    """Return the format of a quarter, such as 2024Q1 or 2024-Q1."""
    return f"%Y{sample[4:-1]}%q"


def _forbid_some_offsets(column: Column, has_offset: np.ndarray) -> None:
    """Raise DataError if only some distinct texts have an offset."""
    if has_offset.any() and not has_offset.all():
        of_row = has_offset[column.coded.codes]
        index = _first(of_row != of_row[0])
        raise DataError(
            f'"{column.name}" has a time zone in some rows only: {column.row(0)} is "{column.cell(0)}", '
            f'{column.row(index)} is "{column.cell(index)}". Write all times in one format'
        )


def _zone_name(offsets: frozenset[str], name: str, assume: Assume) -> str:
    """Return the offset that all texts share, or UTC."""
    if len(offsets) > 1:
        assume(f'the offsets in "{name}" change: times are written in UTC; set --timezone for local times')
    only = next(iter(offsets)) if len(offsets) == 1 else "Z"
    return "UTC" if only == "Z" else only


def _first(broken: np.ndarray) -> int:
    """Return the index of the first true value."""
    return int(np.argmax(broken))
