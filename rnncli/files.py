"""What a name says of a file; and a file appears whole or not at all."""

import os
import re
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from rnncli.errors import RequestError

SUFFIXES = {
    ".csv": "csv",
    ".txt": "csv",
    ".tsv": "tsv",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".json": "json",
    ".jsonl": "ndjson",
    ".ndjson": "ndjson",
    ".arrow": "arrow",
    ".feather": "arrow",
}
COMPRESSIONS = {".gz": "gzip", ".zst": "zstd"}


def is_url(source: str) -> bool:
    """Whether a table lies elsewhere: s3://bucket/table. A Path makes one slash of two."""
    return re.match(r"[a-z][a-z0-9+.-]+:/", source) is not None


def kind_by_name(path: Path) -> str | None:
    """The format of a table, as the end of its name has it."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] in COMPRESSIONS:
        suffixes.pop()
    return SUFFIXES.get(suffixes[-1]) if suffixes else None


@contextmanager
def written_whole(path: Path) -> Iterator[IO[bytes]]:
    """A stream whose content becomes the file at `path` once the block ends well: flushed, then renamed over it.

    On any failure the old file stays as it was and nothing is left beside it. A device or a pipe (/dev/stdout) is
    written to directly. Raises RequestError where the path cannot be written, or the disk is full.
    """
    try:
        if path.exists() and not stat.S_ISREG(path.stat().st_mode):
            with path.open("wb") as stream:
                yield stream
            return
        path = path.resolve()  # a link stays a link; what it points to is replaced
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as stream:
            try:
                yield stream.file
                stream.flush()
                os.fchmod(stream.fileno(), _mode(path))
                os.fsync(stream.fileno())
                os.replace(stream.name, path)
            except BaseException:
                with suppress(OSError):
                    os.unlink(stream.name)
                raise
    except OSError as error:
        raise RequestError(f"cannot write {path}: {error.strerror or error}") from error


def check_writable(path: Path, *inputs: Path) -> None:
    """Raise RequestError now where writing to `path` would fail after the work is done, or replace what is read.

    What a URL takes only shows when it is written to.
    """
    if is_url(str(path)):
        return
    for source in inputs:
        if path.is_file() and source.exists() and path.samefile(source):
            raise RequestError(f"cannot write {path}: it is what is read. Choose another --output")
    folder = path.resolve().parent
    if not folder.is_dir():
        raise RequestError(f"cannot write {path}: there is no folder {folder}. Create it first")
    if path.is_dir():
        raise RequestError(f"cannot write {path}: it is a folder. Name a file in it")
    if not os.access(path if path.exists() and not path.is_file() else folder, os.W_OK):
        raise RequestError(f"cannot write {path}: {folder} is not writable. Choose another --output")


def _mode(path: Path) -> int:
    """The permissions the file had, or those a new file gets."""
    if path.exists():
        return stat.S_IMODE(path.stat().st_mode)
    umask = os.umask(0)
    os.umask(umask)
    return 0o666 & ~umask
