"""What may be assumed about a table whose columns leave something open."""

from collections.abc import Callable

from rnncli.errors import DataError

Assume = Callable[[str], None]  # is told what is taken for granted of a table


def accept_assumption(_assumed: str) -> None:
    """Let it be assumed."""


def reject_assumption(assumed: str) -> None:
    """Raise DataError: nothing is to be assumed."""
    raise DataError(f"{assumed}. That is not to be assumed (--strict): say or mend it")
