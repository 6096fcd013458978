"""What may be written for the value of a choice: texts of a command line or a file to numbers, names and times."""

import re
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field

Item = TypeVar("Item")
Several = Annotated[tuple[Item, ...], Field(fail_fast=True)]  # of a million wrong ones the first alone is told
WAYS = ("sum", "mean", "median", "min", "max", "first", "last", "count")


def _split(value: Any) -> Any:
    """`80,95` as it is typed on a command line; a list from a file stays as it is."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return (value,) if isinstance(value, int | float) else value


def _once(names: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(names)) < len(names):
        raise ValueError("names a column twice")
    return names


def steps_or_duration(value: Any) -> Any:
    """`24` is a number of steps; `7d` stays text until the clock of the data is known."""
    if isinstance(value, str):
        text = value.strip()
        if text.isdecimal():
            return int(text)
        if not re.fullmatch(r"\d+\s*[A-Za-z]+", text):
            raise ValueError('should be a number of steps, such as 24, or a duration, such as "7d"')
        return text
    return value


def ahead(horizon: int | str) -> int | str:
    """A horizon of a step or more."""
    if isinstance(horizon, int) and horizon < 1:
        raise ValueError("should be at least 1")
    return horizon


def clock_and_way(asked: str) -> str:
    """`1h=sum`: a frequency, and what the rows of one of its steps come to."""
    if not re.fullmatch(rf"\s*\d*\s*[A-Za-z]*=({'|'.join(WAYS)})", asked):
        raise ValueError(f'should be a frequency and one of {", ".join(WAYS)}, such as "1h=sum"')
    return asked.strip()


def _seconds(value: Any) -> Any:
    """`90`, `90s`, `5m`, `1h` or `1d` in seconds."""
    if not isinstance(value, str):
        return value
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(s|m|min|h|d)?", value.strip())
    if found is None:
        raise ValueError("should be a time such as 60s, 5m or 1h")
    return float(found[1]) * {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400}[found[2] or "s"]


def _bytes(value: Any) -> Any:
    """`500MB`, `2GB` or `2GiB` in bytes."""
    if not isinstance(value, str):
        return value
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMGT])(i?)B", value.strip(), re.IGNORECASE)
    if found is None:
        raise ValueError("should be a size such as 500MB, 2GB or 2GiB")
    return int(float(found[1]) * (1024 if found[3] else 1000) ** ("KMGT".index(found[2].upper()) + 1))


Names = Annotated[Several[str], BeforeValidator(_split), AfterValidator(_once)]
Percents = Annotated[Several[Annotated[float, Field(gt=0, le=99.99)]], BeforeValidator(_split)]
Shares = Annotated[Several[Annotated[float, Field(ge=1e-4, le=1 - 1e-4)]], BeforeValidator(_split)]
Count = Annotated[int, Field(ge=1)]
MOST_STEPS = 1_000_000  # of a window: more, and a card does not tell the truth
Steps = Annotated[int, Field(ge=1, le=MOST_STEPS)]
LookBack = Annotated[int, Field(ge=0, le=MOST_STEPS)]
Seconds = Annotated[float, BeforeValidator(_seconds), Field(ge=1)]
Pause = Annotated[float, BeforeValidator(_seconds), Field(ge=0)]
Bytes = Annotated[int, BeforeValidator(_bytes), Field(ge=1)]
