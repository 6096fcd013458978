"""What a name says of a file; and a file appears whole or not at all."""

import errno
import os
import re
import stat
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO, NamedTuple

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
OPENED = Path("/proc/self/fd")
NO_NAMELESS = (errno.EOPNOTSUPP, errno.EISDIR, errno.ENOENT, errno.EINVAL)  # of file systems, and of old kernels


def is_url(source: str) -> bool:
    """Whether a table lies elsewhere: s3://bucket/table. A Path makes one slash of two."""
    return re.match(r"[a-z][a-z0-9+.-]+:/", source) is not None


def address(path: Path | str) -> str:
    """A path or a URL as it was given: with the slash that a Path took from it. (file:/folder is right as it is.)"""
    return re.sub(r"^(?!file:)([a-z][a-z0-9+.-]+:)/(?!/)", r"\1//", str(path))


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
    with _complaints(path):
        if path.exists() and not stat.S_ISREG(path.stat().st_mode):
            with path.open("wb") as stream:
                yield stream
            return
        path = path.resolve()  # a link stays a link; what it points to is replaced
        with _beside(path) as made:
            yield made.stream
            _finish(made, path)
            _put(made, path)


@contextmanager
def put_afterwards(path: Path, content: bytes) -> Iterator[None]:
    """The file at `path` gets this content once the block ends well: it has been brought to the disk before.

    Raises RequestError where the path cannot be written, or the disk is full.
    """
    path = path.resolve()
    with ExitStack() as stack:
        with _complaints(path):
            made = stack.enter_context(_beside(path))
            made.stream.write(content)
            _finish(made, path)
        yield
        with _complaints(path):
            _put(made, path)


def replaced_by(path: Path, content: bytes) -> Path:
    """The file at `path` gets this content, and the one before stays as PATH.previous, where it was put first.

    At every moment there is a whole file at `path`. Raises RequestError where this cannot be done.
    """
    path = path.resolve()
    previous = path.with_name(f"{path.name}.previous")
    with _complaints(path), _beside(path) as made:
        made.stream.write(content)
        _finish(made, path)
        with _beside(previous) as copy:
            copy.stream.write(path.read_bytes())
            _finish(copy, path)
            _put(copy, previous)
        _put(made, path)
    return previous


@contextmanager
def _complaints(path: Path) -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:  # of /dev/stdout: whoever reads has seen enough
        raise
    except OSError as error:
        raise RequestError(f"cannot write {path}: {error.strerror or error}") from error


class _Made(NamedTuple):
    """A file that is to take the place of another."""

    stream: IO[bytes]
    name: Path | None  # none yet: where its process is killed, nothing is left of it


@contextmanager
def _beside(path: Path) -> Iterator[_Made]:
    """A file beside the path, to be put there; on any failure nothing is left of it."""
    if (nameless := _nameless(path.parent)) is not None:
        with nameless:
            yield _Made(nameless, None)
        return
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as made:
        try:
            yield _Made(made.file, Path(made.name))
        except BaseException:
            with suppress(OSError):
                os.unlink(made.name)
            raise


def _nameless(folder: Path) -> IO[bytes] | None:
    """A file without a name; None where the system knows none (all but Linux), or the folder's file system does not."""
    if not hasattr(os, "O_TMPFILE") or not OPENED.is_dir():
        return None
    try:
        return os.fdopen(os.open(folder, os.O_TMPFILE | os.O_WRONLY | os.O_CLOEXEC), "wb")
    except OSError as error:
        if error.errno in NO_NAMELESS:
            return None
        raise


def _put(made: _Made, path: Path) -> None:
    """It takes the place of what is at the path, in one step."""
    name = made.name or _named(made.stream.fileno(), path)
    with suppress(*(() if made.name else (FileNotFoundError,))):  # another run has put it there already: see `_named`
        os.replace(name, path)


def _named(descriptor: int, path: Path) -> Path:
    """The name that a whole file has for the moment before it takes the place of another.

    A file of that name is of a run that was killed in that moment, or is in it now: it is put where it belongs.
    """
    name = path.with_name(f".{path.name}.new")
    while True:
        try:  # a folder is given, though the path is absolute: without one, Python links the link
            os.link(OPENED / str(descriptor), name, src_dir_fd=descriptor)
            return name
        except FileExistsError:
            with suppress(FileNotFoundError):
                os.replace(name, path)


def _finish(made: _Made, path: Path) -> None:
    """All of it on the disk, with the permissions that the path has."""
    made.stream.flush()
    os.fchmod(made.stream.fileno(), _mode(path))
    os.fsync(made.stream.fileno())


def check_writable(path: Path, *inputs: Path) -> None:
    """Raise RequestError now where writing to `path` would fail after the work is done, or replace what is read."""
    if is_url(str(path)):
        raise RequestError(f"cannot write {address(path)}: only tables go to a URL. Name a file on this machine")
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


def check_table(path: Path, *inputs: Path) -> None:
    """The same for a table, which may go to a URL, too: what that takes only shows when it is written to."""
    if not is_url(str(path)):
        check_writable(path, *inputs)


def _mode(path: Path) -> int:
    """The permissions the file had, or those a new file gets."""
    if path.exists():
        return stat.S_IMODE(path.stat().st_mode)
    umask = os.umask(0)
    os.umask(umask)
    return 0o666 & ~umask
