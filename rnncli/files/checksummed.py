"""A safetensors container with a checksum in its metadata, which detects changed bytes.

Without it, a flipped bit in the weights would change the forecasts without an error. The checksum covers the whole
file, with zeros in its own place. It is no signature: it does not protect against changes on purpose.
"""

import hashlib
import json
import re
from pathlib import Path
from typing import NamedTuple

CHECKSUM_LENGTH = 32  # characters
PLACEHOLDER = "0" * CHECKSUM_LENGTH
MAX_HEADER = 100_000_000  # bytes, as in safetensors


class ChecksummedFile(NamedTuple):
    """The content of a file, and whether its checksum is right."""

    text: str  # the metadata entry
    content: bytes  # the whole file
    intact: bool


def with_placeholder(text: str) -> str:
    """Return the text to write as the only metadata entry, with room for the checksum in front."""
    return PLACEHOLDER + text


def with_checksum(content: bytes) -> bytes:
    """Return the content of a file with its checksum in place of the placeholder."""
    return content.replace(PLACEHOLDER.encode(), _digest(content), 1)


def read(path: Path, key: str, largest: int = MAX_HEADER) -> ChecksummedFile:
    """Read the file whose metadata has this key, in one go: a replacement meanwhile has no effect.

    largest: the maximum size of its header, in bytes. Raises OSError if the file cannot be read, KeyError if its
    metadata lacks the key, ValueError if it is no safetensors file.
    """
    with path.open("rb") as stream:
        start = stream.read(8)
        length = int.from_bytes(start, "little")
        if length > largest:
            raise ValueError("no safetensors file")
        header = stream.read(length)
        entry = _metadata(header)[key]
        content = start + header + stream.read()
    if not (match := re.match(f"[0-9a-f]{{{CHECKSUM_LENGTH}}}", entry)):
        return ChecksummedFile(entry, content, intact=False)
    checksum = match[0].encode()
    intact = _digest(content.replace(checksum, PLACEHOLDER.encode(), 1)) == checksum
    return ChecksummedFile(entry[CHECKSUM_LENGTH:], content, intact)


def _metadata(header: bytes) -> dict[str, str]:
    """Return the metadata of a header. Raises ValueError if it is no header of a safetensors file."""
    try:
        parsed = json.loads(header)
    except RecursionError as error:
        raise ValueError("too deeply nested JSON") from error
    metadata = parsed.get("__metadata__", {}) if isinstance(parsed, dict) else None
    if not isinstance(metadata, dict) or not all(isinstance(text, str) for text in metadata.values()):
        raise ValueError("no header of a safetensors file")
    return metadata


def _digest(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=CHECKSUM_LENGTH // 2).hexdigest().encode()
