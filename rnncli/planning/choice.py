"""Choices for settings that the user left open, each with its reason."""

from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")


class Choice(NamedTuple, Generic[T]):
    """A value and the reason for it."""

    value: T
    reason: str


class Choices:
    """Collects the reasons of the choices that are made."""

    def __init__(self) -> None:
        self.reasons: dict[str, str] = {}  # by the name of the setting

    def choose(self, name: str, setting: T | None, choice: Choice[T]) -> T:
        """Return the user's setting if there is one; otherwise return the choice and record its reason."""
        if setting is not None:
            return setting
        self.reasons[name] = choice.reason
        return choice.value
