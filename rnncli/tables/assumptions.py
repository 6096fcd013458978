"""Treatment of assumptions about a table that leaves something open."""

from collections.abc import Callable

from rnncli.errors import DataError

Assume = Callable[[str], None]  # called with a description of each assumption


def accept_assumption(_assumption: str) -> None:
    """Accept it silently."""


def reject_assumption(assumption: str) -> None:
    """Raise DataError."""
    raise DataError(f"{assumption}. --strict forbids assumptions: set the option or fix the table")
