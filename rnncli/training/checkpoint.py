"""Checkpoints of an unfinished training, in files that cannot execute code.

A tree of dicts, lists, numbers and tensors becomes a safetensors file: the tensors as such, the rest as JSON metadata.
"""

import hashlib
import json
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from rnncli import __version__
from rnncli.errors import RequestError
from rnncli.files import checksummed
from rnncli.files.atomic import atomic_writer

METADATA_KEY = "rnncli-checkpoint"
UNFINISHED_SUFFIX, DONE_SUFFIX = "part", "done"  # of the files

Tree = Any  # of dicts, lists, tuples, tensors, arrays and JSON values


def write(path: Path, tree: Tree) -> None:
    """Write a tree. Raise RequestError if the file cannot be written."""
    tensors: dict[str, Tensor] = {}
    structure = json.dumps(_packed(tree, tensors))
    path.parent.mkdir(exist_ok=True)
    with atomic_writer(path) as stream:
        stream.write(checksummed.with_checksum(save(tensors, {METADATA_KEY: checksummed.with_placeholder(structure)})))


def read(path: Path) -> Tree | None:
    """Return the tree in a file; None if there is no file, or it is damaged."""
    try:
        found = checksummed.read(path, METADATA_KEY)
        return _unpacked(json.loads(found.text), load(found.content).__getitem__) if found.intact else None
    except (OSError, SafetensorError, KeyError, ValueError, TypeError):
        return None


def _packed(tree: Tree, tensors: dict[str, Tensor]) -> Any:
    """Return a tree as JSON values, and add its tensors to `tensors`."""
    match tree:
        case np.ndarray():
            tensors[name := str(len(tensors))] = torch.from_numpy(tree).clone().contiguous()
            return {"array": name}
        case Tensor():
            tensors[name := str(len(tensors))] = tree.detach().cpu().clone().contiguous()
            return {"tensor": name}
        case dict():
            return {"dict": [[key, _packed(value, tensors)] for key, value in tree.items()]}
        case tuple():
            return {"tuple": [_packed(value, tensors) for value in tree]}
        case list():
            return [_packed(value, tensors) for value in tree]
        case _:
            return tree


def _unpacked(packed: Any, tensor: Callable[[str], Tensor]) -> Tree:
    match packed:
        case {"array": name}:
            return tensor(name).numpy()
        case {"tensor": name}:
            return tensor(name)
        case {"dict": pairs}:
            return {key: _unpacked(value, tensor) for key, value in pairs}
        case {"tuple": values}:
            return tuple(_unpacked(value, tensor) for value in values)
        case list():
            return [_unpacked(value, tensor) for value in packed]
        case _:
            return packed


class CheckpointFolder:
    """Holds the trained and half-trained networks of one training until it is complete."""

    def __init__(self, path: Path, interval: float, data: str) -> None:
        """interval: seconds between two checkpoints, and before the first. data: fingerprint of the table."""
        self.path, self.interval, self.data = path, interval, data
        self.problem: str | None = None  # why results could not be written
        self._began = time.monotonic()
        self._waiting: dict[Path, Tree] = {}

    def checkpoint(self, identity: dict[str, Any]) -> "NetworkCheckpoint":
        """Return the checkpoint of a network under training."""
        return NetworkCheckpoint(self.path / f"{self._name(identity)}.{UNFINISHED_SUFFIX}", self.interval)

    def result(self, identity: dict[str, Any]) -> Tree | None:
        """Return the result of a task, if it was stored."""
        return read(self.path / f"{self._name(identity)}.{DONE_SUFFIX}")

    def store(self, identity: dict[str, Any], result: Tree) -> None:
        """Store the result of a task. A failure is recorded as `problem` and does not end the training."""
        self._waiting[self.path / f"{self._name(identity)}.{DONE_SUFFIX}"] = result
        if time.monotonic() - self._began < self.interval:
            return
        try:
            while self._waiting:
                path, waiting = self._waiting.popitem()
                write(path, waiting)
                path.with_suffix(f".{UNFINISHED_SUFFIX}").unlink(missing_ok=True)
        except (OSError, RequestError) as error:
            self.problem = str(error)

    def clear(self) -> None:
        """Delete all checkpoints, and temporary files of a killed run."""
        for suffix in (DONE_SUFFIX, UNFINISHED_SUFFIX):
            for path in (*self.path.glob(f"*.{suffix}"), *self.path.glob(f".*.{suffix}.*")):
                path.unlink(missing_ok=True)
        with suppress(OSError):
            self.path.rmdir()

    def _name(self, identity: dict[str, Any]) -> str:
        """Return a name for a task that differs if the task, the table or a library version does."""
        versions = {"rnncli": __version__, "torch": torch.__version__}
        text = json.dumps({**versions, "data": self.data, "task": identity}, sort_keys=True)
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


class NetworkCheckpoint:
    """The state of one network under training, written from time to time; without a path, never."""

    def __init__(self, path: Path | None = None, interval: float = 60.0) -> None:
        self._path, self._interval, self._newest = path, interval, time.monotonic()

    def state(self) -> Tree | None:
        """Return the state that an earlier run wrote."""
        return None if self._path is None else read(self._path)

    def offer(self, state: Callable[[], Tree]) -> None:
        """Write the state if the interval is over. A failure does not end the training."""
        if self._path is None or time.monotonic() - self._newest < self._interval:
            return
        with suppress(OSError, RequestError):
            write(self._path, state())
        self._newest = time.monotonic()
