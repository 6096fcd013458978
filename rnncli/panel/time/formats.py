"""Text formats of times: write times in a format, and compare times in messages.

Formats are strftime's, with `%:z` for an offset with a colon, `%3f` for milliseconds, `%q` for the quarter.
"""

import re
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from rnncli.panel.time.frequency import DAY, SECOND
from rnncli.panel.time.times import Times
from rnncli.tables import arrays

OWN = re.compile(r"(%\d?f|%:?z|%q)")  # directives that Arrow does not have


def to_arrow(times: Times, as_text: bool) -> pa.Array:
    """Return times in the type and the zone of their column; as_text: as texts in the format of their file."""
    if times.integer:
        return arrays.to_arrow(times.values)
    return render(times) if as_text else arrays.timestamps_to_arrow(times.values, times.zone)


def render(times: Times) -> pa.Array:
    """Return timestamps as texts of their format; without one as short as possible: dates if all times are midnight."""
    local = times.local
    form = times.form or _plainest(local, times.zone is not None)
    seconds = arrays.timestamps_to_arrow(local, None).cast(pa.timestamp("s"), safe=False)
    parts = [
        _own_part(part, times, local) if number % 2 else pc.strftime(seconds, format=part)
        for number, part in enumerate(OWN.split(form))
        if part
    ]
    return parts[0] if len(parts) == 1 else pc.binary_join_element_wise(*parts, arrays.text_scalar(""))


def as_texts(times: Times) -> list[str]:
    """Return timestamps or integers as texts for messages."""
    return list(map(str, times.values)) if times.integer else render(times._replace(form=None)).to_pylist()


def as_text(times: Times) -> str:
    """Return the first of some times as a text to the second, for messages."""
    if times.integer:
        return str(times.values[0])
    form = "%Y-%m-%d %H:%M:%S" + ("%:z" if times.zone is not None else "")
    return str(render(times.select(np.array([0]))._replace(form=form))[0])


def is_later(time: str, other: str) -> bool:
    """Return whether a time is later than another, both written by `as_texts`; False if they cannot be compared."""
    try:
        if other.lstrip("-").isdecimal():
            return int(time) > int(other)
        later, earlier = (datetime.fromisoformat(text).replace(tzinfo=None) for text in (time, other))
        return later > earlier
    except ValueError:  # an integer against a timestamp, or a modified card
        return False


def _own_part(directive: str, times: Times, local: np.ndarray) -> pa.Array:
    """Return what a directive that Arrow lacks stands for, of each time."""
    match directive[-1]:
        case "f":
            digits = int(directive[1:-1] or 6)
            fraction = arrays.to_arrow(local % SECOND // 10 ** (6 - digits)).cast(pa.string())
            return pc.utf8_lpad(fraction, width=digits, padding="0")
        case "q":
            months = local.astype("datetime64[us]").astype("datetime64[M]").astype(np.int64)
            return arrays.to_arrow(months % 12 // 3 + 1).cast(pa.string())
        case _:
            offsets, index = np.unique((local - times.values) // (60 * SECOND), return_inverse=True)
            colon = ":" if ":" in directive else ""
            texts = [f"{'-' if each < 0 else '+'}{abs(each) // 60:02d}{colon}{abs(each) % 60:02d}" for each in offsets]
            return arrays.coded_to_arrow(index, texts).cast(pa.string())


def _plainest(local: np.ndarray, has_zone: bool) -> str:
    if not has_zone and not (local % DAY).any():
        return "%Y-%m-%d"
    seconds = ":%S" if (local % (60 * SECOND) >= SECOND).any() else ""
    return f"%Y-%m-%d %H:%M{seconds}" + ("%:z" if has_zone else "")
