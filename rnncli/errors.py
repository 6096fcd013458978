"""What can go wrong, and the exit code that says so. Knows nothing of how it is shown.

RnncliError
├── RequestError     2  an option or the config file is wrong, or the output cannot be written
├── DataError        3  the table is wrong: a column, the clock, too few rows
├── ModelFileError   4  the model file is missing, damaged or of another format
│   └── StateFileError  the file is the state of a forecast
├── TrainingError    5  the training diverged or ran out of memory
├── GateError        6  a gate said no: a score is worse than was asked for, or the data too old
└── BusyError        7  another run holds the lock, or the time is up
"""

from collections.abc import Iterator
from contextlib import contextmanager

from rnncli.messages import source_words


class RnncliError(Exception):
    """A failure that the person at the terminal can do something about."""

    exit_code = 1


class RequestError(RnncliError):
    """What was asked for cannot be done as it was asked."""

    exit_code = 2


class DataError(RnncliError):
    """The table is not what a forecast needs."""

    exit_code = 3


class ModelFileError(RnncliError):
    """The model file cannot be used."""

    exit_code = 4


class StateFileError(ModelFileError):
    """The file is the state of a forecast, not a model."""


class TrainingError(RnncliError):
    """The training came to nothing."""

    exit_code = 5


class GateError(RnncliError):
    """What was asked to hold does not."""

    exit_code = 6


class BusyError(RnncliError):
    """It is not the time for it: another run is at it, or it took too long."""

    exit_code = 7


@contextmanager
def about(source: str) -> Iterator[None]:
    """Put the name of the file in front of every complaint about its data."""
    try:
        yield
    except DataError as error:
        raise DataError(f"{source_words(source)}: {error}") from error
