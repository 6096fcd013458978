"""Read and write the card in a model file. No torch.

A model file is a safetensors file with the card as JSON in its metadata. It cannot run code when it is loaded.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError
from pydantic_core import from_json

from rnncli import __version__
from rnncli.errors import ModelFileError, RequestError, StateFileError
from rnncli.files import checksummed
from rnncli.files.paths import is_url, restore_url
from rnncli.model.card import FORMAT, OLDEST_FORMAT, Card

KEY = "rnncli"
STATE_KEY = "rnncli-state"  # of a state file, which has the same format
MAX_CHARACTERS = 10_000_000  # of a card; most of them are categories of text columns
MAX_KEYS = 20_000  # of an object on a card, which stores the sizes of at most 10,000 series


class ModelFile(NamedTuple):
    """Content of a model file, read at once, so that a run uses one version even if the file is replaced."""

    path: Path
    card: Card
    content: bytes


def read_card(path: Path) -> Card:
    """Return the card of a model file. Raises ModelFileError if this version cannot read it."""
    return read_model_file(path).card


def read_model_file(path: Path) -> ModelFile:
    """Return the content of a model file with its card. Raises ModelFileError if this version cannot read it."""
    if is_url(str(path)):
        raise ModelFileError(f"{restore_url(path)}: a model cannot be read from a URL. Copy it to this machine first")
    try:
        found = checksummed.read(path, KEY, 2 * MAX_CHARACTERS)  # escapes make the card longer in the header
    except FileNotFoundError as error:
        raise ModelFileError(f"{path}: no such model file. Check the path, or train a model") from error
    except (OSError, KeyError, ValueError) as error:
        if is_state(path):  # its header may be larger than that of a model
            raise StateFileError(
                f"{path}: a state file of forecast, not a model. Name the model that it belongs to"
            ) from error
        if isinstance(error, KeyError):
            raise ModelFileError(f"{path}: a safetensors file that rnncli did not write. Name a model") from error
        raise ModelFileError(f"{path}: not a model file, or damaged{_hint(path)}") from error
    try:
        return ModelFile(path, _parse(found, path), found.content)
    except (ValueError, RecursionError) as error:
        problem = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
        raise ModelFileError(f"{path}: the card is damaged ({problem}). Train the model again") from error


def encode(card: Card, save: Callable[[dict[str, str]], bytes]) -> bytes:
    """Return the content of a model file with this card; save: returns the content with given metadata.

    Raises RequestError if the card is too large to be read.
    """
    text = card.model_copy(update={"format": FORMAT}).model_dump_json()
    if len(text) > MAX_CHARACTERS:
        raise RequestError(
            "the text columns have too many categories for a model. Leave out columns that identify rows"
        )
    return checksummed.with_checksum(save({KEY: checksummed.with_placeholder(text)}))


def is_state(path: Path) -> bool:
    """Return whether a file is a state file of forecast."""
    try:
        checksummed.read(path, STATE_KEY)
    except (OSError, KeyError, ValueError):
        return False
    return True


def _hint(path: Path) -> str:
    """Return what a file that is not a model seems to be, and what to do."""
    try:
        with path.open("rb") as stream:
            head = stream.read(4)
    except OSError as error:
        return f" ({error.strerror})"
    if path.suffix in (".csv", ".tsv", ".parquet"):
        return " (the name is that of a table). MODEL must come before DATA"
    if head.startswith((b"\x80", b"PK")):
        return " (a pickle, which rnncli does not load). Train a model with rnncli train"
    return ". Train the model again"


def _parse(found: checksummed.ChecksummedFile, path: Path) -> Card:
    """Return the card in a file. Raises ValueError if there is none, ModelFileError if it is damaged or unsupported."""
    content = from_json(found.text)  # refuses unpaired surrogates
    if not isinstance(content, dict):
        raise ValueError("no JSON object")
    _check_key_counts(content)
    if isinstance(content.get("format"), int) and content["format"] > FORMAT:
        raise ModelFileError(
            f"{path}: the format is newer than rnncli {__version__} (found {content['format']}, expected {FORMAT}). "
            "Install a newer rnncli"
        )
    if isinstance(content.get("format"), int) and content["format"] < OLDEST_FORMAT:
        raise ModelFileError(
            f"{path}: the format is that of an older rnncli (found {content['format']}, expected {FORMAT}). "
            "Train the model again"
        )
    if not found.intact:
        raise ModelFileError(f"{path}: damaged, its checksum differs. Copy the file again, or train the model again")
    return Card.model_validate(content)


def _check_key_counts(content: dict[str, Any]) -> None:
    """Raise ValueError if an object has too many keys: validation would build a message for each wrong one."""
    waiting: list[Any] = [content]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict) and len(value) > MAX_KEYS:
            raise ValueError(f"an object of {len(value)} keys")
        parts = value.values() if isinstance(value, dict) else value
        waiting += [part for part in parts if isinstance(part, dict | list)]
