"""Numbers that would take more memory than they may: in files of a temporary folder, which is gone when work is done.

A process that gets such an array gets the name of its file, so that all of them share what the system holds of it.
"""

import mmap
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

import numpy as np

from rnncli.errors import RequestError
from rnncli.panel.panel import Panel

PREFIX = "rnncli-"
AT_ONCE = 1_000_000  # values written together


class Stored(np.memmap[Any, np.dtype[np.float64]]):
    """An array in a file."""

    def __reduce__(self) -> str | tuple[Any, ...]:
        """The file's name and the shape; what was cut from it or computed with it goes as the numbers that it is."""
        base: Any = self.base
        whole = isinstance(base, mmap.mmap) and self.flags.c_contiguous and self.nbytes == len(base)
        return (opened, (self.filename, self.shape)) if whole else np.asarray(self).__reduce__()


def opened(path: Path | str, shape: tuple[int, ...]) -> Stored:
    """The array in a file, which nothing done to it changes."""
    return Stored(path, np.float64, "c", shape=shape)


class Store:
    """Room for the arrays of a table. To be left with `with`: the files are gone afterwards, however it is left."""

    def __init__(self, limit: int | None = None) -> None:
        """limit: the bytes that a table may take in memory, if there is one."""
        self.limit, self.seen, self.folder, self._files = limit, 0, "", 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if self.folder:
            shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def full(self) -> bool:
        """Whether what was brought so far is more than memory may hold."""
        return self.limit is not None and self.seen > self.limit

    def kept(self, panel: Panel) -> Panel:
        """The panel, its arrays in files where all that was brought is too much. Raises RequestError: a full disk."""
        self.seen += sum(array.nbytes for array in _arrays(panel))
        if not self.full:
            return panel
        beside, weights = panel.covariates, panel.covariates.weights
        weights = None if weights is None else self._written(weights)
        beside = replace(beside, values=self._written(beside.values), weights=weights)
        return replace(panel, values=self._written(panel.values), covariates=beside)

    def joined(self, parts: Iterator[np.ndarray], places: Iterator[np.ndarray], shape: tuple[int, ...]) -> np.ndarray:
        """Rows of several parts as one array of that shape, each part's at its places."""
        every = self._room(shape) if self.full and np.prod(shape) else np.empty(shape)
        for part, rows in zip(parts, places, strict=True):
            every[rows] = part
        return every

    def only(self, panel: Panel) -> Panel:
        """The panel; files of what it was made from are gone."""
        self._remove({array.filename for array in _arrays(panel) if isinstance(array, Stored)})
        return panel

    def emptied(self) -> None:
        """As if nothing had been brought."""
        self.seen = 0
        self._remove(set())

    def _remove(self, used: set[Any]) -> None:
        for number in range(self._files):
            if str(path := self._path(number)) not in used:
                path.unlink(missing_ok=True)

    def _written(self, array: np.ndarray) -> np.ndarray:
        """The array in a file."""
        if not array.size:
            return array
        with self._file() as stream:
            for start in range(0, len(array), AT_ONCE):
                stream.write(np.ascontiguousarray(array[start : start + AT_ONCE], np.float64).data)
        return opened(stream.name, array.shape)

    def _room(self, shape: tuple[int, ...]) -> Stored:
        """An array to be filled. Its file is written first: a disk found full only then would end the process."""
        left = int(np.prod(shape))
        with self._file() as stream:
            while left:
                some = min(left, AT_ONCE)
                stream.write(bytes(8 * some))
                left -= some
        return Stored(stream.name, np.float64, "r+", shape=shape)

    @contextmanager
    def _file(self) -> Iterator[BinaryIO]:
        """A new file. Raises RequestError where it cannot be written."""
        try:
            self.folder = self.folder or str(Path(tempfile.mkdtemp(prefix=PREFIX)).absolute())
            self._files += 1
            with self._path(self._files - 1).open("wb") as stream:
                yield stream
        except OSError as error:
            raise RequestError(
                f"the table takes more than --memory, and {tempfile.gettempdir()} cannot take it: {error.strerror}. "
                "Make room there, say another folder with TMPDIR, or allow more --memory"
            ) from error

    def _path(self, number: int) -> Path:
        return Path(self.folder) / f"{number}.f64"


def _arrays(panel: Panel) -> list[np.ndarray]:
    """Those that grow with the rows of a table."""
    beside = panel.covariates
    return [panel.values, beside.values, *([] if beside.weights is None else [beside.weights])]
