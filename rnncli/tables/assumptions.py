"""What may be assumed about a table whose columns leave something open."""

from collections.abc import Callable

from rnncli.errors import DataError

Assume = Callable[[str], None]  # is told what is taken for granted of a table


def quietly(_assumed: str) -> None:
    """Let it be assumed."""


def strictly(assumed: str) -> None:
    """Raise DataError: nothing is to be assumed."""
    raise DataError(f"{assumed}. That is not to be assumed (--strict): say or mend it")
