"""Compressed content: gzip and zstd, recognised by their first bytes."""

from typing import BinaryIO

import pyarrow as pa

FIRST_BYTES = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}


def decompressed(stream: BinaryIO) -> bytes:
    """Return the content of a stream, decompressed if it is compressed."""
    data = stream.read()
    codec = next((name for start, name in FIRST_BYTES.items() if data.startswith(start)), None)
    return bytes(pa.CompressedInputStream(pa.BufferReader(data), codec).read()) if codec else data
