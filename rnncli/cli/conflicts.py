"""Refusal of options that cannot be combined with what the command was asked to do."""

from collections.abc import Mapping

from rnncli.errors import RequestError


def forbid(options: Mapping[str, object], reason: str) -> None:
    """Raise RequestError if one of these options has a value; `reason` says why it cannot be used."""
    for option, value in options.items():
        if value:
            raise RequestError(f"{option} cannot be used here: {reason}")
