"""Checkpoints are read as they were written, or not at all."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from rnncli.training import checkpoint

PLAIN = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | st.text()
TREES = st.recursive(
    PLAIN,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(st.integers(0, 9) | st.text(), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(TREES)
def test_a_tree_is_read_as_it_was_written(tmp_path_factory: Any, tree: checkpoint.Tree) -> None:
    path = tmp_path_factory.getbasetemp() / "tree" / "t.part"

    checkpoint.write(path, tree)

    assert checkpoint.read(path) == tree


def test_tensors_and_arrays_are_read_with_their_types(tmp_path: Path) -> None:
    tree = {
        "weights": {0: torch.arange(6.0).reshape(2, 3).T, "state": (torch.tensor(3, dtype=torch.uint8), None)},
        "seen": np.array([1.5, np.nan]),
        "lowest": float("inf"),
    }

    checkpoint.write(tmp_path / "t.part", tree)
    back = checkpoint.read(tmp_path / "t.part")

    assert back is not None
    assert torch.equal(back["weights"][0], tree["weights"][0])  # type: ignore[index]
    assert back["weights"]["state"][0].dtype == torch.uint8
    assert isinstance(back["seen"], np.ndarray)
    assert back["seen"].tobytes() == np.array([1.5, np.nan]).tobytes()
    assert back["lowest"] == float("inf")


def test_a_damaged_file_is_ignored(tmp_path: Path) -> None:
    path = tmp_path / "t.part"
    checkpoint.write(path, {"weights": torch.ones(1000)})
    content = path.read_bytes()

    for part in (b"", content[:7], content[:100], content[:-1], b"\x80" + content[1:], content[:-1] + b"\1"):
        path.write_bytes(part)
        assert checkpoint.read(path) is None
    assert checkpoint.read(tmp_path / "none") is None


def test_clearing_a_folder_removes_temporary_files_of_a_killed_run(tmp_path: Path) -> None:
    folder = checkpoint.CheckpointFolder(tmp_path / "m.rnn.unfinished", 0.0, "")
    folder.store({"seed": 1}, {"weights": torch.ones(2)})
    (folder.path / ".b.part.0a1b2c3d").touch()
    (folder.path / ".c.done.4e5f6a7b").touch()

    folder.clear()

    assert not folder.path.exists()


def test_a_result_is_found_by_the_identity_of_its_task_only(tmp_path: Path) -> None:
    folder = checkpoint.CheckpointFolder(tmp_path / "m.rnn.unfinished", 0.0, "table")
    folder.store({"seed": 1, "steps": 2}, {"weights": 3})

    assert folder.result({"steps": 2, "seed": 1}) == {"weights": 3}
    assert folder.result({"seed": 1, "steps": 3}) is None
    assert checkpoint.CheckpointFolder(folder.path, 0.0, "another table").result({"seed": 1, "steps": 2}) is None
