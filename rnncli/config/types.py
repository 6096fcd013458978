"""Types of the options: parse and check what a command line or a file gives as numbers, names and durations."""

import re
from typing import Annotated, Any, TypeVar

from rnncli.config.constraints import Check, FirstErrorOnly, Limits, Parse
from rnncli.config.metadata import Metavar, NamesColumns, NetworkInput

Item = TypeVar("Item")
ItemTuple = Annotated[tuple[Item, ...], FirstErrorOnly()]
AGGREGATIONS = ("sum", "mean", "median", "min", "max", "first", "last", "count")


def _split(value: Any) -> Any:
    """Split `80,95`, as typed on a command line; return a list from a file unchanged."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return (value,) if isinstance(value, int | float) else value


def _without_duplicates(names: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(names)) < len(names):
        raise ValueError("must name each column once")
    return names


def steps_or_duration(value: Any) -> Any:
    """Return `24` as a number of steps and `7d` as text, until the frequency of the data is known."""
    if isinstance(value, str):
        text = value.strip()
        if text.isdecimal():
            return int(text)
        if not re.fullmatch(r"\d+\s*[A-Za-z]+", text):
            raise ValueError('must be a number of steps, such as 24, or a duration, such as "7d"')
        return text
    return value


def at_least_one_step(horizon: int | str) -> int | str:
    """Return a horizon of one step or more, or a duration. Raises ValueError for a shorter one."""
    if isinstance(horizon, int) and horizon < 1:
        raise ValueError("must be at least 1")
    return horizon


def frequency_and_aggregation(text: str) -> str:
    """Return `1h=sum`, a frequency and how to aggregate the rows of a time step. Raises ValueError for other texts."""
    if not re.fullmatch(rf"\s*\d*\s*[A-Za-z]*=({'|'.join(AGGREGATIONS)})", text):
        raise ValueError(f'must be a frequency and one of {", ".join(AGGREGATIONS)}, such as "1h=sum"')
    return text.strip()


def _seconds(value: Any) -> Any:
    """Return `90`, `90s`, `5m`, `1h` or `1d` in seconds."""
    if not isinstance(value, str):
        return value
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(s|m|min|h|d)?", value.strip())
    if match is None:
        raise ValueError("must be a time such as 60s, 5m or 1h")
    return float(match[1]) * {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400}[match[2] or "s"]


def _bytes(value: Any) -> Any:
    """Return `500MB`, `2GB` or `2GiB` in bytes."""
    if not isinstance(value, str):
        return value
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMGT])(i?)B", value.strip(), re.IGNORECASE)
    if match is None:
        raise ValueError("must be a size such as 500MB, 2GB or 2GiB")
    return int(float(match[1]) * (1024 if match[3] else 1000) ** ("KMGT".index(match[2].upper()) + 1))


_Names = Annotated[ItemTuple[str], Parse(_split), Check(_without_duplicates)]
Countries = Annotated[_Names, NetworkInput(), Metavar("COUNTRY,...")]
ColumnName = Annotated[str, NamesColumns(), Metavar("COLUMN")]
ColumnNames = Annotated[_Names, NamesColumns(), Metavar("COLUMN,...")]
FilePath = Annotated[str, Metavar("FILE")]
Time = Annotated[str, Metavar("TIME")]
CovariateName = Annotated[ColumnName, NetworkInput()]
CovariateNames = Annotated[ColumnNames, NetworkInput()]
Percents = Annotated[ItemTuple[Annotated[float, Limits(gt=0, le=99.99)]], Parse(_split)]
Shares = Annotated[ItemTuple[Annotated[float, Limits(ge=1e-4, le=1 - 1e-4)]], Parse(_split)]
Count = Annotated[int, Limits(ge=1)]
Positive = Annotated[float, Limits(gt=0)]
NotNegative = Annotated[float, Limits(ge=0)]
Probability = Annotated[float, Limits(ge=0, lt=1)]
MAX_STEPS = 1_000_000  # in a window: a limit that rejects card values no network was trained with
Steps = Annotated[int, Limits(ge=1, le=MAX_STEPS)]
ContextSteps = Annotated[int, Limits(ge=0, le=MAX_STEPS)]
Seconds = Annotated[float, Limits(ge=1), Parse(_seconds), Metavar("DURATION")]
Pause = Annotated[float, Limits(ge=0), Parse(_seconds), Metavar("DURATION")]
Bytes = Annotated[int, Limits(ge=1), Parse(_bytes), Metavar("SIZE")]
