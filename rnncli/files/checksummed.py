"""A file that tells whether it is still what was written: safetensors, with a digest of all of it in its metadata.

A bit that flipped among weights would else be a forecast like any other. Its own place is all zeros as it is taken.
It is no signature: whoever changes a file on purpose can seal it anew.
"""

import hashlib
import json
import re
from pathlib import Path
from typing import NamedTuple

CHECKSUM_LENGTH = 32  # characters
PLACEHOLDER = "0" * CHECKSUM_LENGTH
MAX_HEADER = 100_000_000  # bytes, as safetensors has it


class ChecksummedFile(NamedTuple):
    """What a file holds."""

    text: str  # what it says of itself
    content: bytes  # all of it
    intact: bool


def with_placeholder(text: str) -> str:
    """What goes into the metadata, as its only entry: there the seal's place is the first of so many zeros."""
    return PLACEHOLDER + text


def with_checksum(content: bytes) -> bytes:
    """The content of a file with such metadata, with its seal."""
    return content.replace(PLACEHOLDER.encode(), _digest(content), 1)


def read(path: Path, key: str, largest: int = MAX_HEADER) -> ChecksummedFile:
    """The file whose metadata has this key, read once, so that no part is of another that takes its place meanwhile.

    largest: bytes of its header. Raises OSError where it cannot be read, KeyError where it has no such key,
    ValueError where it is of another kind.
    """
    with path.open("rb") as stream:
        start = stream.read(8)
        length = int.from_bytes(start, "little")
        if length > largest:
            raise ValueError("no safetensors file")
        header = stream.read(length)
        said = _metadata(header)[key]
        content = start + header + stream.read()
    if not (found := re.match(f"[0-9a-f]{{{CHECKSUM_LENGTH}}}", said)):
        return ChecksummedFile(said, content, intact=False)
    seal = found[0].encode()
    return ChecksummedFile(
        said[CHECKSUM_LENGTH:], content, _digest(content.replace(seal, PLACEHOLDER.encode(), 1)) == seal
    )


def _metadata(header: bytes) -> dict[str, str]:
    """Raises ValueError where it is none."""
    try:
        found = json.loads(header)
    except RecursionError as error:
        raise ValueError("JSON of too many levels") from error
    metadata = found.get("__metadata__", {}) if isinstance(found, dict) else None
    if not isinstance(metadata, dict) or not all(isinstance(text, str) for text in metadata.values()):
        raise ValueError("no header of a safetensors file")
    return metadata


def _digest(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=CHECKSUM_LENGTH // 2).hexdigest().encode()
