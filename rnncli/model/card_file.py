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
from rnncli.model.card import FORMAT, Card

KEY = "rnncli"
STATE_KEY = "rnncli-state"  # of a state file, which is of the same format
MAX_CHARACTERS = 10_000_000  # characters of a card, most of them of the kinds that text columns tell
MAX_KEYS = 20_000  # of an object on a card: it keeps the sizes of no more than 10,000 series


class ModelFile(NamedTuple):
    """A model file, all of it read at once: whatever takes its place meanwhile, a run uses this version."""

    path: Path
    card: Card
    content: bytes


def read_card(path: Path) -> Card:
    """The card of a model file. Raises ModelFileError where there is none, or none that this version can read."""
    return read_model_file(path).card


def read_model_file(path: Path) -> ModelFile:
    """The card with the content that it is of. Raises ModelFileError, as `read` does."""
    if is_url(str(path)):
        raise ModelFileError(f"{restore_url(path)}: a model cannot be read from a URL. Copy it to this machine first")
    try:
        found = checksummed.read(path, KEY, 2 * MAX_CHARACTERS)  # in its header a card has more characters
    except FileNotFoundError as error:
        raise ModelFileError(f"there is no model file {path}. Check the path, or make one with rnncli train") from error
    except (OSError, KeyError, ValueError) as error:
        if is_state(path):  # whose header may be larger than that of a model
            raise StateFileError(
                f"{path} is a state, which forecast keeps with --state. Name the model it belongs to"
            ) from error
        if isinstance(error, KeyError):
            raise ModelFileError(f"{path} is a safetensors file, but not one that rnncli wrote") from error
        raise ModelFileError(f"{path} is no model file, or a damaged one{_what_it_is(path)}") from error
    try:
        return ModelFile(path, _parse(found, path), found.content)
    except (ValueError, RecursionError) as error:
        problem = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
        raise ModelFileError(f"{path} has a damaged card ({problem}). Train it again") from error


def encode(card: Card, save: Callable[[dict[str, str]], bytes]) -> bytes:
    """What a model file with this card holds. save: the content with this metadata.

    Raises RequestError where the card would be too large to be read.
    """
    text = card.model_dump_json()
    if len(text) > MAX_CHARACTERS:
        raise RequestError("the text columns tell too many kinds for a model file. Leave out those that name each row")
    return checksummed.with_checksum(save({KEY: checksummed.with_placeholder(text)}))


def is_state(path: Path) -> bool:
    """Whether a file says that it is the state of a forecast."""
    try:
        checksummed.read(path, STATE_KEY)
    except (OSError, KeyError, ValueError):
        return False
    return True


def _what_it_is(path: Path) -> str:
    """What a file that is no model looks like."""
    try:
        with path.open("rb") as stream:
            head = stream.read(4)
    except OSError as error:
        return f" ({error.strerror})"
    if path.suffix in (".csv", ".tsv", ".parquet"):
        return ": it is named like a table. MODEL comes before DATA"
    if head.startswith((b"\x80", b"PK")):
        return ": it looks like a pickle, which rnncli neither writes nor loads. Train a model with rnncli train"
    return ". Train it again"


def _parse(found: checksummed.ChecksummedFile, path: Path) -> Card:
    """Raises ValueError where it is no card, or the file another than was written."""
    content = from_json(found.text)  # which refuses halves of characters
    if not isinstance(content, dict):
        raise ValueError("no JSON object")
    _forbid_crowds(content)
    if isinstance(content.get("format"), int) and content["format"] > FORMAT:
        raise ModelFileError(
            f"{path} has format {content['format']}; this rnncli {__version__} reads up to {FORMAT}. "
            "Install a newer rnncli"
        )
    if isinstance(content.get("format"), int) and content["format"] < FORMAT:
        raise ModelFileError(f"{path} has format {content['format']} of an older rnncli. Train it again")
    if not found.intact:
        raise ModelFileError(f"{path} is damaged: it is not what was written. Train it again, or copy it once more")
    return Card.model_validate(content)


def _forbid_crowds(content: dict[str, Any]) -> None:
    """Raise ValueError where an object has more keys than any of a card: for each that is wrong a message is made."""
    waiting: list[Any] = [content]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict) and len(one) > MAX_KEYS:
            raise ValueError(f"an object of {len(one)} keys")
        parts = one.values() if isinstance(one, dict) else one
        waiting += [part for part in parts if isinstance(part, dict | list)]
