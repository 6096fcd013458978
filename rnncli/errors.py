"""Errors that a user can resolve, with their exit codes. Does not know how they are shown.

RnncliError
├── RequestError     2  an option or the config file is wrong, or the output cannot be written
├── DataError        3  the table is wrong: a column, its times, too few rows
├── ModelFileError   4  the model file is missing, damaged or of another format
│   └── StateFileError  the file contains the state of a forecast
├── TrainingError    5  the training diverged or ran out of memory
├── GateError        6  a condition is not met: a score is too bad, or the data are too old
└── BusyError        7  another run holds the lock, or the time limit is over
"""

from collections.abc import Iterator
from contextlib import contextmanager

from rnncli.messages import source_name


class RnncliError(Exception):
    """A failure that the user can resolve."""

    exit_code = 1


class RequestError(RnncliError):
    """The options or the config file are wrong, or the output cannot be written."""

    exit_code = 2


class DataError(RnncliError):
    """The table is unsuitable."""

    exit_code = 3


class ModelFileError(RnncliError):
    """The model file is unusable."""

    exit_code = 4


class StateFileError(ModelFileError):
    """The file contains the state of a forecast, not a model."""


class TrainingError(RnncliError):
    """The training failed."""

    exit_code = 5


class GateError(RnncliError):
    """A required condition is not met."""

    exit_code = 6


class BusyError(RnncliError):
    """Another run holds the lock, or this one exceeded its time limit."""

    exit_code = 7


@contextmanager
def about(source: str) -> Iterator[None]:
    """Prefix each DataError raised inside with the name of the file."""
    try:
        yield
    except DataError as error:
        raise DataError(f"{source_name(source)}: {error}") from error
