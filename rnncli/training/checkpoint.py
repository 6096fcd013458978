"""What an unfinished training has come to, brought to the disk now and then. Nothing in such a file can run.

A tree of dicts, lists, numbers and tensors becomes a safetensors file: the tensors as such, the rest as JSON.
"""

import hashlib
import json
import time
from collections.abc import Callable, Iterable, Iterator
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
UNFINISHED_SUFFIX, DONE_SUFFIX = "part", "done"  # how the files of networks end

Tree = Any  # of dicts, lists, tuples, tensors, arrays, and what JSON knows


def write(path: Path, tree: Tree) -> None:
    """A file that `read` gives back. Raises RequestError where it cannot be written."""
    tensors: dict[str, Tensor] = {}
    shape = json.dumps(_packed(tree, tensors))
    path.parent.mkdir(exist_ok=True)
    with atomic_writer(path) as stream:
        stream.write(checksummed.with_checksum(save(tensors, {METADATA_KEY: checksummed.with_placeholder(shape)})))


def read(path: Path) -> Tree | None:
    """What was written there; None where there is nothing, or nothing whole."""
    try:
        found = checksummed.read(path, METADATA_KEY)
        return _unpacked(json.loads(found.text), load(found.content).__getitem__) if found.intact else None
    except (OSError, SafetensorError, KeyError, ValueError, TypeError):
        return None


def _packed(tree: Tree, tensors: dict[str, Tensor]) -> Any:
    """What JSON holds of a tree; its tensors go into `tensors`."""
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


def _flat(parts: Iterable[object]) -> Iterator[object]:
    for part in parts:
        if isinstance(part, dict):
            yield from part.values()
        elif isinstance(part, tuple) and any(isinstance(one, np.ndarray) for one in part):
            yield from part
        else:
            yield part


class CheckpointFolder:
    """Where the networks of one training are kept until all of them are done."""

    def __init__(self, path: Path, every: float, data: str) -> None:
        """every: seconds between one writing and the next; nothing is written in the first of them.

        data: what tells the table that is trained on from every other.
        """
        self.path, self.every, self.data = path, every, data
        self.problem: str | None = None  # why nothing could be written
        self._began = time.monotonic()
        self._waiting: dict[Path, Tree] = {}

    def name(self, task: Iterable[object]) -> str:
        """A name that no other training has: of other data, another design, another seed, another rnncli."""
        digest = hashlib.blake2b(digest_size=16)
        for part in (__version__, torch.__version__, self.data, *_flat(task)):
            digest.update(part.tobytes() if isinstance(part, np.ndarray) else str(part).encode())
            digest.update(b"\0")
        return digest.hexdigest()

    def done(self, name: str) -> Tree | None:
        """The network of that name, if it was finished before."""
        return read(self.path / f"{name}.{DONE_SUFFIX}")

    def keep(self, name: str, tree: Tree) -> None:
        """A network that is done. That it cannot be kept ends no training."""
        self._waiting[self.path / f"{name}.{DONE_SUFFIX}"] = tree
        if time.monotonic() - self._began < self.every:
            return
        try:
            while self._waiting:
                path, waiting = self._waiting.popitem()
                write(path, waiting)
                path.with_suffix(f".{UNFINISHED_SUFFIX}").unlink(missing_ok=True)
        except (OSError, RequestError) as error:
            self.problem = str(error)

    def clear(self) -> None:
        """Forget all of it, and what a run that was killed was about to put there."""
        for end in (DONE_SUFFIX, UNFINISHED_SUFFIX):
            for one in (*self.path.glob(f"*.{end}"), *self.path.glob(f".*.{end}.*")):
                one.unlink(missing_ok=True)
        with suppress(OSError):
            self.path.rmdir()


class NetworkCheckpoint:
    """Keeps what one network under way has come to."""

    def __init__(self, path: Path | None = None, every: float = 60.0) -> None:
        self._path, self._every, self._newest = path, every, time.monotonic()

    def found(self) -> Tree | None:
        """What an earlier run had come to."""
        return None if self._path is None else read(self._path)

    def offer(self, state: Callable[[], Tree]) -> None:
        """Write the state where it is time to. That it cannot be written ends no training."""
        if self._path is None or time.monotonic() - self._newest < self._every:
            return
        with suppress(OSError, RequestError):
            write(self._path, state())
        self._newest = time.monotonic()


def network_checkpoint(folder: CheckpointFolder | None, name: str) -> NetworkCheckpoint:
    """That of one network."""
    return (
        NetworkCheckpoint()
        if folder is None
        else NetworkCheckpoint(folder.path / f"{name}.{UNFINISHED_SUFFIX}", folder.every)
    )
