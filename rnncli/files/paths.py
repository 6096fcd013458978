"""Names of files: URLs, and "-" for standard input or output."""

import re
from pathlib import Path

STANDARD_STREAM = "-"


def is_standard_stream(path: Path | str) -> bool:
    """Return whether a path stands for standard input or output."""
    return str(path) == STANDARD_STREAM


def is_url(source: str) -> bool:
    """Return whether a name is a URL, such as s3://bucket/table, also if a Path has merged its two slashes."""
    return re.match(r"[a-z][a-z0-9+.-]+:/", source) is not None


def restore_url(path: Path | str) -> str:
    """Return a path or URL as the user wrote it, with the slash that Path removes (file:/folder never had two)."""
    return re.sub(r"^(?!file:)([a-z][a-z0-9+.-]+:)/(?!/)", r"\1//", str(path))
