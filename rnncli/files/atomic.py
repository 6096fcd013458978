"""Write files atomically: a file appears complete or not at all."""

import os
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO

from rnncli.errors import RequestError
from rnncli.files.paths import is_url, restore_url


@contextmanager
def atomic_writer(path: Path) -> Iterator[IO[bytes]]:
    """Yield a stream whose content replaces the file at `path` when the block ends without an error.

    The content goes to a temporary file, is flushed to the disk, and the file is renamed to `path`. After any failure
    the old file is unchanged and the temporary file is removed; only SIGKILL leaves it, as `.NAME.xxxx`. A device or a
    pipe (/dev/stdout) is written to directly. Raises RequestError if the path cannot be written or the disk is full.
    """
    with _request_errors(path):
        if path.exists() and not stat.S_ISREG(path.stat().st_mode):
            with path.open("wb") as stream:
                yield stream
            return
        path = path.resolve()  # replaces the target of a link, not the link
        with _temporary(path) as stream:
            yield stream
            _flush(stream, path)
            os.replace(stream.name, path)


@contextmanager
def replace_on_exit(path: Path, content: bytes) -> Iterator[None]:
    """Replace the file at `path` by this content when the block ends without an error.

    The content is on the disk before the block begins. Raises RequestError if it cannot be written.
    """
    path = path.resolve()
    with ExitStack() as stack:
        with _request_errors(path):
            stream = stack.enter_context(_temporary(path))
            stream.write(content)
            _flush(stream, path)
        yield
        with _request_errors(path):
            os.replace(stream.name, path)


def replace_keeping_previous(path: Path, content: bytes, before: bytes) -> Path:
    """Replace the file at `path` by this content, write the content before to PATH.previous, and return that path.

    There is a complete file at `path` at all times. Raises RequestError if either file cannot be written.
    """
    path = path.resolve()
    previous = path.with_name(f"{path.name}.previous")
    with _request_errors(path), _temporary(path) as stream:
        stream.write(content)
        _flush(stream, path)
        with _temporary(previous) as copy:
            copy.write(before)
            _flush(copy, path)
            os.replace(copy.name, previous)
        os.replace(stream.name, path)
    return previous


@contextmanager
def _request_errors(path: Path) -> Iterator[None]:
    """Raise RequestError for the errors of the operating system in writing."""
    try:
        yield
    except BrokenPipeError:  # the reader of /dev/stdout has ended
        raise
    except OSError as error:
        raise RequestError(f"cannot write {path}: {error.strerror or error}") from error


@contextmanager
def _temporary(path: Path) -> Iterator[IO[bytes]]:
    """Yield a new file in the folder of the path, to be renamed to it; remove it after any failure."""
    name = path.with_name(f".{path.name}.{os.urandom(4).hex()}")
    try:  # tempfile opens its file outside of any try: a signal at that moment would leave it
        with open(name, "xb", opener=_private) as stream:
            yield stream
    except BaseException:
        with suppress(OSError):
            name.unlink()
        raise


def _private(name: str, flags: int) -> int:
    """Open a file that other users cannot read before it has the permissions of the path."""
    return os.open(name, flags, 0o600)


def _flush(stream: IO[bytes], path: Path) -> None:
    """Flush the content to the disk and set the permissions of the path."""
    stream.flush()
    os.fchmod(stream.fileno(), _mode(path))
    os.fsync(stream.fileno())


def check_writable(path: Path, *inputs: Path) -> None:
    """Raise RequestError if writing to `path` would fail, or would overwrite one of the inputs."""
    if is_url(str(path)):
        raise RequestError(f"cannot write {restore_url(path)}: only tables can be written to a URL. Name a local file")
    for source in inputs:
        if path.is_file() and source.exists() and path.samefile(source):
            raise RequestError(f"cannot write {path}: it is an input. Choose another --output")
    folder = path.resolve().parent
    if not folder.is_dir():
        raise RequestError(f"cannot write {path}: there is no folder {folder}. Create it first")
    if path.is_dir():
        raise RequestError(f"cannot write {path}: it is a folder. Name a file")
    if not os.access(path if path.exists() and not path.is_file() else folder, os.W_OK):
        raise RequestError(f"cannot write {path}: {folder} is not writable. Choose another --output")


def check_table_writable(path: Path, *inputs: Path) -> None:
    """Raise RequestError as check_writable does, for a table, which may also go to a URL. URLs are not checked."""
    if not is_url(str(path)):
        check_writable(path, *inputs)


def _mode(path: Path) -> int:
    """Return the permissions of the file, or those of a new file."""
    if path.exists():
        return stat.S_IMODE(path.stat().st_mode)
    umask = os.umask(0)
    os.umask(umask)
    return 0o666 & ~umask
