"""ISO 8601 texts to instants, all texts of one layout at a time.

A layout is the positions of the digits and the characters between them: a column has one, or a few. What is accepted is
what pandas takes for ISO 8601, times to the microsecond.
"""

import re
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from rnncli.tables import arrays

INVALID = np.iinfo(np.int64).min  # the instant of a text that is no time
DATE = (
    r"(?P<year>\d{4})(?:(?P<separator>[-/.])(?P<month>\d\d?)(?:(?P=separator)(?P<day>\d\d?))?|(?P<m>\d\d)(?P<d>\d\d))"
)
CLOCK = r"(?P<hour>\d\d?)(?::(?P<minute>\d\d?)(?::(?P<second>\d\d?))?|(?P<n>\d\d)(?P<s>\d\d)?)?"
FRACTION = r"(?:(?P<point>\.)(?P<fraction>\d*))?"
OFFSET = r"(?P<blank> ?)(?:(?P<utc>Z)|(?P<sign>[+-])(?P<oh>\d\d?)(?:(?P<colon>:?)(?P<om>\d\d))?)"
TEXT = re.compile(rf"{DATE}(?:(?P<between>[T ]){CLOCK}{FRACTION}(?:{OFFSET})?)?")
# The same without a reference back, which Arrow's expressions do not have.
ANY_TEXT = re.sub(r"\(\?P(?:<\w+>|=separator\))", "(", TEXT.pattern.replace("(?P=separator)", "[-/.]"))
MAX_LAYOUTS = 50  # after which texts that match none are sorted out
CHUNK = 100_000  # texts parsed at a time, to limit memory
MAX_OFFSET = 24 * 60  # minutes


class Parsed(NamedTuple):
    """Texts as times."""

    instants: np.ndarray  # (N,) microseconds since 1970, in UTC if the text has an offset; INVALID if it is no time
    has_offset: np.ndarray  # (N,) bool
    offsets: frozenset[str]  # the distinct offsets as the texts have them: Z, +01:00


def parse(texts: pa.Array) -> Parsed:
    """Return texts (N,) as times."""
    texts = texts.cast(pa.large_string())
    offsets = np.frombuffer(texts.buffers()[1], np.int64, len(texts) + 1, 8 * texts.offset)
    content = np.frombuffer(texts.buffers()[2] or b"", np.uint8)
    instants, has_offset = np.full(len(texts), INVALID), np.zeros(len(texts), bool)
    zones: set[str] = set()
    for start in range(0, len(texts), CHUNK):
        bounds, part = offsets[start : start + CHUNK + 1], slice(start, start + CHUNK)
        lengths = np.diff(bounds)
        waiting = np.arange(len(lengths))
        for tried in range(len(lengths)):
            if not len(waiting):
                break
            first = waiting[0]
            length = lengths[first]
            alike = waiting[lengths[waiting] == length]
            windows = np.lib.stride_tricks.sliding_window_view(content, length) if length else content[:, None]
            characters = windows[bounds[alike]] if length else np.empty((len(alike), 0), np.uint8)  # (A, length)
            layout = _Layout(bytes(characters[0]))
            of_layout = layout.matches(characters)
            if layout.found is not None:
                rows = alike[of_layout]
                instants[part][rows], minutes = layout.instants(characters[of_layout])
                if minutes is not None:
                    has_offset[part][rows] = True
                    zones |= layout.zones(minutes[instants[part][rows] != INVALID])
            waiting = np.setdiff1d(waiting, alike[of_layout], assume_unique=True)
            if tried == MAX_LAYOUTS:
                possible = arrays.to_numpy(pc.match_substring_regex(texts[part], f"^(?:{ANY_TEXT})$"))
                waiting = waiting[possible[waiting]]
    return Parsed(instants, has_offset, frozenset(zones))


def to_instants(fields: dict[str, np.ndarray]) -> np.ndarray:
    """Return times of a year, month, day, hour, minute, second and microsecond (N,); INVALID if there is no such time.

    Other fields than the year may be absent.
    """
    year = fields["year"]
    month, day = fields.get("month", np.ones_like(year)), fields.get("day", np.ones_like(year))
    months = (year - 1970) * 12 + month - 1
    begins = months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    ends = (months + 1).astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    valid = (month >= 1) & (month <= 12) & (day >= 1) & (begins + day <= ends)
    clock = np.zeros_like(year)
    for name, size, limit in (("hour", 1, 24), ("minute", 60, 60), ("second", 60, 60), ("microsecond", 10**6, 10**6)):
        clock *= size
        if name in fields:
            clock += fields[name]
            valid &= fields[name] < limit
    return np.where(valid, (begins + day - 1) * 86_400_000_000 + clock, INVALID)


def text_format(sample: str) -> str | None:
    """Return the format of a text (see `formats`), None if it is not ISO 8601."""
    found = _match(sample)
    if found is None:
        return None
    separator = found["separator"] or ""
    date = separator.join(("%Y", "%m", "%d") if found["day"] or found["d"] else ("%Y", "%m"))
    if found["hour"] is None:
        return date
    clock = "%H"
    if found["minute"]:
        clock += ":%M" + (":%S" if found["second"] else "")
    elif found["n"]:
        clock += "%M" + ("%S" if found["s"] else "")
    if found["fraction"]:
        clock += f".%{len(found['fraction'])}f" if len(found["fraction"]) < 6 else ".%f"
    offset = found["utc"] or ("" if found["sign"] is None else "%:z" if found["colon"] else "%z")
    return date + found["between"] + clock + (found["blank"] or "") + offset


def _match(text: str) -> re.Match[str] | None:
    """Return the parts of a text; None if it is not ISO 8601. A time of day needs a day, and a fraction seconds."""
    found = TEXT.fullmatch(text)
    if found is None or (found["hour"] and not (found["day"] or found["d"])):
        return None
    return None if found["point"] and not (found["second"] or found["s"]) else found


class _Layout:
    """The layout of one text, and the texts that share it."""

    def __init__(self, sample: bytes) -> None:
        self.sample = np.frombuffer(sample, np.uint8)
        self.digits = (self.sample >= ord("0")) & (self.sample <= ord("9"))
        self.found = _match(sample.decode("ascii", errors="replace"))

    def matches(self, characters: np.ndarray) -> np.ndarray:
        """Return which of these texts (A, length) have the layout."""
        other = ~self.digits
        same = (characters[:, other] == self.sample[other]).all(axis=1)
        digits = characters[:, self.digits]
        return same & ((digits >= ord("0")) & (digits <= ord("9"))).all(axis=1)

    def instants(self, characters: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """Return the times of texts (A, length), and the minutes of their offsets from UTC; None without offsets."""
        assert self.found is not None
        columns = np.ascontiguousarray(characters.T)
        names = {"year": ("year",), "month": ("month", "m"), "day": ("day", "d"), "hour": ("hour",)}
        names |= {"minute": ("minute", "n"), "second": ("second", "s")}
        fields = {}
        for name, groups in names.items():
            group = next((group for group in groups if self.found[group]), None)
            if group is not None:
                fields[name] = self._number(columns, *self.found.span(group))
        if self.found["fraction"]:
            start, end = self.found.span("fraction")
            count = min(end - start, 6)
            fields["microsecond"] = self._number(columns, start, start + count) * 10 ** (6 - count)
        instants = to_instants(fields)
        if self.found["utc"]:
            return instants, np.zeros(len(instants), np.int64)
        if not self.found["sign"]:
            return instants, None
        hours = self._number(columns, *self.found.span("oh"))
        rest = self._number(columns, *self.found.span("om")) if self.found["om"] else np.zeros_like(hours)
        minutes = (60 * hours + rest) * (-1 if self.found["sign"] == "-" else 1)
        valid = (instants != INVALID) & (np.abs(minutes) < MAX_OFFSET) & (rest < 60)
        return np.where(valid, instants - 60_000_000 * minutes, INVALID), minutes

    def zones(self, minutes: np.ndarray) -> set[str]:
        """Return the distinct offsets of texts with these minutes from UTC."""
        assert self.found is not None
        if self.found["utc"]:
            return {"Z"}
        sign = self.found["sign"]
        return {f"{sign}{abs(each) // 60:02d}:{abs(each) % 60:02d}" for each in np.unique(minutes).tolist()}

    def _number(self, columns: np.ndarray, start: int, end: int) -> np.ndarray:
        """Return the number that the digits at these positions are: (A,)."""
        number = np.zeros(columns.shape[1], np.int64)
        for position in range(start, end):
            number *= 10
            number += columns[position] - ord("0")
        return number
