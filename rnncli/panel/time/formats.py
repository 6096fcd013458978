"""Text formats of times: infer the format of a text, and write times in a format.

Formats are strftime's, with `%:z` for an offset with a colon, `%3f` for milliseconds, `%q` for the quarter.
"""

import re
from typing import Any

import numpy as np
import pandas as pd
from pandas.tseries.api import guess_datetime_format

DIGITS = re.compile(r"%(\d)f")


def iso_format(sample: str) -> str | None:
    """Return the format of an ISO 8601 text, None if unknown."""
    form = guess_datetime_format(sample)
    if form is None:
        return None
    if sample.endswith("Z"):
        form = form.replace("%z", "Z")
    elif re.search(r"\d:\d\d$", sample):
        form = form.replace("%z", "%:z")
    fraction = re.search(r"[.,](\d+)", sample)
    return form.replace("%f", f"%{len(fraction[1])}f") if fraction and len(fraction[1]) < 6 else form


def quarter_format(sample: str) -> str:
    """Return the format of a quarter, such as 2024Q1 or 2024-Q1."""
    return f"%Y{sample[4:-1]}%q"


def render(times: pd.Index, form: str | None) -> np.ndarray:
    """Return timestamps as texts of a format; without one as short as possible: dates if all times are midnight."""
    times = pd.DatetimeIndex(times)
    form = _plainest(times) if form is None else form
    if "%q" in form:
        return np.array([stamp.strftime(form.replace("%q", str(stamp.quarter))) for stamp in times], dtype=object)
    digits = DIGITS.search(form)
    texts = pd.Series(times.strftime(DIGITS.sub("%f", form).replace("%:z", "%z")), dtype=object)
    if form.endswith("%:z"):
        texts = texts.str[:-2] + ":" + texts.str[-2:]
    if digits:
        texts = texts.str.replace(rf"(\.\d{{{digits[1]}}})\d+", r"\1", regex=True)
    return texts.to_numpy(dtype=object)


def as_texts(times: list[Any]) -> list[str]:
    """Return timestamps or integers as texts for messages."""
    if isinstance(times[0], pd.Timestamp):
        return [str(text) for text in render(pd.DatetimeIndex(times), None)]
    return [str(number) for number in times]


def is_later(time: str, other: str) -> bool:
    """Return whether a time is later than another, both written by `as_texts`; False if they cannot be compared."""
    try:
        if other.lstrip("-").isdecimal():
            return int(time) > int(other)
        return bool(pd.Timestamp(time).tz_localize(None) > pd.Timestamp(other).tz_localize(None))
    except ValueError:  # an integer against a timestamp, or a modified card
        return False


def _plainest(times: pd.DatetimeIndex) -> str:
    if times.tz is None and (times == times.normalize()).all():
        return "%Y-%m-%d"
    seconds = ":%S" if (times.second != 0).any() else ""
    return f"%Y-%m-%d %H:%M{seconds}" + ("%:z" if times.tz is not None else "")
