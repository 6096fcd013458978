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

    The content is flushed to the disk, then renamed over the file. After any failure the old file is unchanged and
    nothing is left beside it; only SIGKILL leaves a temporary file `.NAME.xxxx`. A device or a pipe (/dev/stdout) is
    written to directly. Raises RequestError if the path cannot be written or the disk is full.
    """
    with _complaints(path):
        if path.exists() and not stat.S_ISREG(path.stat().st_mode):
            with path.open("wb") as stream:
                yield stream
            return
        path = path.resolve()  # a link stays a link; its target is replaced
        with _beside(path) as stream:
            yield stream
            _finish(stream, path)
            os.replace(stream.name, path)


@contextmanager
def replace_on_exit(path: Path, content: bytes) -> Iterator[None]:
    """Replace the file at `path` by this content when the block ends without an error; it is on the disk before.

    Raises RequestError if the path cannot be written or the disk is full.
    """
    path = path.resolve()
    with ExitStack() as stack:
        with _complaints(path):
            stream = stack.enter_context(_beside(path))
            stream.write(content)
            _finish(stream, path)
        yield
        with _complaints(path):
            os.replace(stream.name, path)


def replace_keeping_previous(path: Path, content: bytes, before: bytes) -> Path:
    """Replace the file at `path` by this content; the content before it goes to PATH.previous first. Returns that.

    At every moment there is a whole file at `path`. Raises RequestError if either file cannot be written.
    """
    path = path.resolve()
    previous = path.with_name(f"{path.name}.previous")
    with _complaints(path), _beside(path) as stream:
        stream.write(content)
        _finish(stream, path)
        with _beside(previous) as copy:
            copy.write(before)
            _finish(copy, path)
            os.replace(copy.name, previous)
        os.replace(stream.name, path)
    return previous


@contextmanager
def _complaints(path: Path) -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:  # of /dev/stdout: the reader has seen enough
        raise
    except OSError as error:
        raise RequestError(f"cannot write {path}: {error.strerror or error}") from error


@contextmanager
def _beside(path: Path) -> Iterator[IO[bytes]]:
    """Yield a new file in the same folder, to be renamed over the path; after any failure it is removed."""
    name = path.with_name(f".{path.name}.{os.urandom(4).hex()}")
    try:  # tempfile opens outside of any try: a signal that comes in that moment would leave the file
        with open(name, "xb", opener=_private) as stream:
            yield stream
    except BaseException:
        with suppress(OSError):
            name.unlink()
        raise


def _private(name: str, flags: int) -> int:
    """Open a file that nobody else can read until it has the permissions of the path."""
    return os.open(name, flags, 0o600)


def _finish(stream: IO[bytes], path: Path) -> None:
    """Flush all content to the disk and set the permissions of the path."""
    stream.flush()
    os.fchmod(stream.fileno(), _mode(path))
    os.fsync(stream.fileno())


def check_writable(path: Path, *inputs: Path) -> None:
    """Raise RequestError now where writing to `path` would fail after the work is done, or replace what is read."""
    if is_url(str(path)):
        raise RequestError(f"cannot write {restore_url(path)}: only tables go to a URL. Name a file on this machine")
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


def check_table_writable(path: Path, *inputs: Path) -> None:
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
