"""Keep large arrays of a panel in memory-mapped files of a temporary folder.

A mapped array is pickled as the name of its file, so that processes share the pages of the operating system.
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
CHUNK = 1_000_000  # values per write


class MappedArray(np.memmap[Any, np.dtype[np.float64]]):
    """An array in a file; changes stay in memory."""

    def __reduce__(self) -> str | tuple[Any, ...]:
        """Pickle the whole array as its file name and shape; pickle slices and results by value."""
        base: Any = self.base
        whole = isinstance(base, mmap.mmap) and self.flags.c_contiguous and self.nbytes == len(base)
        return (open_array, (self.filename, self.shape)) if whole else np.asarray(self).__reduce__()


def open_array(path: Path | str, shape: tuple[int, ...]) -> MappedArray:
    """Return the array in a file, mapped copy-on-write."""
    return MappedArray(path, np.float64, "c", shape=shape)


class Store:
    """Storage for the arrays of a table: in memory up to a limit, in files beyond it. Deletes its files on exit."""

    def __init__(self, limit: int | None = None) -> None:
        """limit: bytes of arrays allowed in memory; None for no limit."""
        self.limit, self.size, self.folder, self._files = limit, 0, "", 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if self.folder:
            shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def full(self) -> bool:
        """Return whether the arrays added so far exceed the limit."""
        return self.limit is not None and self.size > self.limit

    def add(self, panel: Panel) -> Panel:
        """Return the panel, its arrays in files if the limit is exceeded. Raises RequestError if the disk is full."""
        self.size += sum(array.nbytes for array in _arrays(panel))
        if not self.full:
            return panel
        covariates, weights = panel.covariates, panel.covariates.weights
        weights = None if weights is None else self._write(weights)
        covariates = replace(covariates, values=self._write(covariates.values), weights=weights)
        return replace(panel, values=self._write(panel.values), covariates=covariates)

    def concatenate(
        self, parts: Iterator[np.ndarray], rows: Iterator[np.ndarray], shape: tuple[int, ...]
    ) -> np.ndarray:
        """Return an array of that shape with each part at its rows."""
        result = self._allocate(shape) if self.full and np.prod(shape) else np.empty(shape)
        for part, indices in zip(parts, rows, strict=True):
            result[indices] = part
        return result

    def keep_only(self, panel: Panel) -> Panel:
        """Return the panel after deleting all files that it does not use."""
        self._remove({array.filename for array in _arrays(panel) if isinstance(array, MappedArray)})
        return panel

    def clear(self) -> None:
        """Delete all files and forget their size."""
        self.size = 0
        self._remove(set())

    def _remove(self, used: set[Any]) -> None:
        for number in range(self._files):
            if str(path := self._path(number)) not in used:
                path.unlink(missing_ok=True)

    def _write(self, array: np.ndarray) -> np.ndarray:
        if not array.size:
            return array
        with self._new_file() as stream:
            for start in range(0, len(array), CHUNK):
                stream.write(np.ascontiguousarray(array[start : start + CHUNK], np.float64).data)
        return open_array(stream.name, array.shape)

    def _allocate(self, shape: tuple[int, ...]) -> MappedArray:
        """Return a writable array. The file is filled first: a disk that fills up later would kill the process."""
        remaining = int(np.prod(shape))
        with self._new_file() as stream:
            while remaining:
                count = min(remaining, CHUNK)
                stream.write(bytes(8 * count))
                remaining -= count
        return MappedArray(stream.name, np.float64, "r+", shape=shape)

    @contextmanager
    def _new_file(self) -> Iterator[BinaryIO]:
        """Open a new file. Raises RequestError if it cannot be written."""
        try:
            self.folder = self.folder or str(Path(tempfile.mkdtemp(prefix=PREFIX)).absolute())
            self._files += 1
            with self._path(self._files - 1).open("wb") as stream:
                yield stream
        except OSError as error:
            raise RequestError(
                f"--memory: the table is larger than allowed and cannot be stored in {tempfile.gettempdir()}: "
                f"{error.strerror}. Free space there, set another folder with TMPDIR, or increase --memory"
            ) from error

    def _path(self, number: int) -> Path:
        return Path(self.folder) / f"{number}.f64"


def _arrays(panel: Panel) -> list[np.ndarray]:
    """Return the arrays whose size depends on the number of rows."""
    covariates = panel.covariates
    return [panel.values, covariates.values, *([] if covariates.weights is None else [covariates.weights])]
