"""Constraints on a value, which stand in the `Annotated[...]` of its type. pydantic applies them, and is not imported.

pydantic's own `Field` and validators would load pydantic wherever a type is declared: 0.1 s of `rnncli train --help`.
"""

from collections.abc import Callable
from typing import Any, NamedTuple


class Limits(NamedTuple):
    """Bounds of a number."""

    ge: float | None = None
    gt: float | None = None
    le: float | None = None
    lt: float | None = None

    def __get_pydantic_core_schema__(self, source: Any, handler: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
        """Return the schema of the number with its bounds."""
        return handler(source) | {name: bound for name, bound in self._asdict().items() if bound is not None}


class FirstErrorOnly(NamedTuple):
    """Mark of a tuple of which only the first wrong item is reported, were there a million."""

    def __get_pydantic_core_schema__(self, source: Any, handler: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
        """Return the schema of a tuple that stops at its first error."""
        return handler(source) | {"fail_fast": True}


class Parse(NamedTuple):
    """A function that turns what a command line or a file gives into a value, before its type is checked."""

    function: Callable[[Any], Any]

    def __get_pydantic_core_schema__(self, source: Any, handler: Callable[[Any], Any]) -> Any:
        """Return the schema of the value that the function returns."""
        from pydantic_core import core_schema

        return core_schema.no_info_before_validator_function(self.function, handler(source))


class Check(NamedTuple):
    """A function that returns the value if it is allowed, and else raises ValueError."""

    function: Callable[[Any], Any]

    def __get_pydantic_core_schema__(self, source: Any, handler: Callable[[Any], Any]) -> Any:
        """Return the schema of the value that the function returns."""
        from pydantic_core import core_schema

        return core_schema.no_info_after_validator_function(self.function, handler(source))
