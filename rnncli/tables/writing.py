"""Arrow tables to files, URLs and standard output."""

import io
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from rnncli.errors import RequestError
from rnncli.files.atomic import atomic_writer
from rnncli.files.paths import is_standard_stream, is_url
from rnncli.tables.formats import COMPRESSIONS, Format, find_format


def write(table: pa.Table | Iterator[pa.Table], target: str, format: str) -> None:
    """Write a table, or its parts as they come, to a file, a URL or standard output ("-").

    A file appears complete or not at all. Raises RequestError if it cannot be written.
    """
    parts = iter([table]) if isinstance(table, pa.Table) else table
    chosen = find_format(format)
    if is_standard_stream(target):
        _write_stdout(parts, chosen)
    elif is_url(target):
        _upload(parts, target, chosen)
    else:
        _write_file(parts, Path(target), chosen)


def _write_stdout(parts: Iterator[pa.Table], format: Format) -> None:
    try:
        format.write(parts, sys.stdout.buffer)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise RequestError(f"cannot write to standard output: {error.strerror or error}") from error


def _write_file(parts: Iterator[pa.Table], path: Path, format: Format) -> None:
    codec = COMPRESSIONS.get(path.suffix.lower())
    with atomic_writer(path) as stream:
        if codec is None:
            format.write(parts, stream)
        else:
            duplicate = os.fdopen(os.dup(stream.fileno()), "wb")  # Arrow closes the stream that it compresses into
            with pa.CompressedOutputStream(duplicate, codec) as compressed:
                format.write(parts, compressed)


def _upload(parts: Iterator[pa.Table], url: str, format: Format) -> None:
    """Send a table to a URL once it is complete."""
    from rnncli.tables import filesystems

    content = io.BytesIO()
    format.write(parts, content)
    location = filesystems.locate(url)
    try:
        with location.system.open_output_stream(location.path, compression=None) as stream:
            stream.write(content.getbuffer())
    except OSError as error:
        raise RequestError(f"cannot write {url}: {' '.join(str(error).split())}") from error
