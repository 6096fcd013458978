"""A table larger than --memory is kept in temporary files and gives the same results."""

import errno
import os
import pickle
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pytest
from safetensors.numpy import load

from rnncli.config.sections import NetworkOptions, Training
from rnncli.model import card_file, data_profile
from rnncli.network import device
from rnncli.panel import Panel, chunks
from rnncli.panel.memmap import PREFIX, MappedArray, Store
from rnncli.planning import plan as choices
from tests.conftest import Command, hourly
from tests.frames import from_frames
from tests.panel.ingest.test_chunked import ASKED, same, shops

QUICK = ("--horizon", 6, "--hidden", 4, "--steps", 5, "--context", 48, "--season", 24)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary files go."""
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    return place


def left_in(folder: Path) -> list[Path]:
    """Torch leaves a folder of its own there."""
    return list(folder.glob(f"{PREFIX}*"))


def table(folder: Path) -> Path:
    """A folder of two files, which a part of a table is read from each, in no order; 230 KB of numbers."""
    frame = hourly(series=6, days=200)
    place = folder / "table"
    place.mkdir()
    for name, some in (("a", ["s4", "s1", "s0"]), ("b", ["s3", "s5", "s2"])):
        frame[frame["unique_id"].isin(some)].to_parquet(place / f"{name}.parquet")
    return place


def read(limit: int | None, groups: tuple[str, ...] = ("fa", "dc", "be")) -> tuple[Store, Panel]:
    frame, store = shops(), Store(limit)
    parts = (frame[frame["shop"].isin(list(group))] for group in groups)
    return store, from_frames(parts, frame, ASKED, store)


@pytest.mark.parametrize("groups", [("fadcbe",), ("fa", "dc", "be"), ("abc", "def")])
@pytest.mark.parametrize("limit", [1, 400, 1000])
def test_a_table_in_files_is_the_table_in_memory(folder: Path, groups: tuple[str, ...], limit: int) -> None:
    _, in_memory = read(None, groups)
    store, stored = read(limit, groups)

    with store:
        same(stored, in_memory)
        assert isinstance(stored.values, MappedArray)
        assert isinstance(stored.covariates.values, MappedArray)
        files = [path for path in folder.rglob("*") if path.is_file()]
        assert len(files) == 3  # values, covariates and weights: what they were made of is gone
    assert left_in(folder) == []


def test_what_fits_stays_in_memory(folder: Path) -> None:
    store, panel = read(1_000_000)

    with store:
        assert not isinstance(panel.values, MappedArray)
        assert left_in(folder) == []


def test_parts_that_must_be_read_together_leave_no_files(folder: Path) -> None:
    frame, store = shops(), Store(1)

    with store:
        same(from_frames([frame.iloc[:20], frame.iloc[20:]], frame, ASKED, store=store), read(None)[1])
        assert len([path for path in folder.rglob("*") if path.is_file()]) == 3


def test_a_whole_array_is_pickled_by_file_name_and_a_slice_by_value(folder: Path) -> None:
    store, panel = read(1)

    with store:
        sent = pickle.dumps(panel.values)
        part = pickle.dumps(panel.values[3:5])
        assert str(folder).encode() in sent
        assert str(folder).encode() not in part
        assert np.array_equal(pickle.loads(sent), panel.values, equal_nan=True)
        assert np.array_equal(pickle.loads(part), panel.values[3:5], equal_nan=True)
        assert np.array_equal(pickle.loads(pickle.dumps(panel.values * 2)), panel.values * 2, equal_nan=True)


def test_statistics_do_not_depend_on_the_size_of_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    _, panel = read(None)
    network, training = NetworkOptions(horizon=1), Training()
    whole = (
        choices.make_plan(panel, network, training),
        data_profile.profile(panel),
        panel.has_recent_values(2),
        panel.value_count,
    )

    monkeypatch.setattr(chunks, "ROWS", 9)

    plan, seen, known, observed = (
        choices.make_plan(panel, network, training),
        *whole[1:2],
        panel.has_recent_values(2),
        panel.value_count,
    )
    assert len(list(panel.chunks())) > 3
    assert plan.architecture == whole[0].architecture
    for one, other in zip(plan.inputs.inputs, whole[0].inputs.inputs, strict=True):
        assert (one.name, one.categories, one.gaps) == (other.name, other.categories, other.gaps)
        assert np.allclose([one.level, one.spread, one.within], [other.level, other.spread, other.within])
    for column, same_column in zip(data_profile.profile(panel).columns, seen.columns, strict=True):
        assert np.allclose(list(column.model_dump().values())[1:], list(same_column.model_dump().values())[1:])
    assert data_profile.profile(panel).sizes == seen.sizes
    assert np.array_equal(known, whole[2])
    assert observed == whole[3]


def test_mapped_arrays_and_worker_processes_give_the_same_model(
    rnncli: Command, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, models = table(tmp_path), []
    for name, cores, options in (("free", 1, ()), ("bound", 2, ("--memory", "100KB"))):
        monkeypatch.setattr(device, "free_cores", lambda cores=cores: cores)
        model = tmp_path / f"{name}.rnn"
        outcome = rnncli("train", data, *QUICK, "--members", 2, *options, "--output", model)
        assert outcome.code == 0
        assert ("memory: 0 MB of values are read from" in outcome.err) == (name == "bound")
        assert ("2 processes" in outcome.err) == (cores == 2)
        models.append((load(model.read_bytes()), card_file.read_card(model).model_dump(exclude={"config"})))

    (free, one), (bound, other) = models
    assert one == other
    assert free.keys() == bound.keys()
    assert all(np.array_equal(free[key], bound[key]) for key in free)
    assert left_in(folder) == []


def test_a_full_disk_is_a_one_line_error(
    rnncli: Command, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_self: Path, _mode: str) -> BinaryIO:
        raise OSError(errno.ENOSPC, "No space left on device")

    data = table(tmp_path)
    monkeypatch.setattr(Path, "open", full)

    outcome = rnncli("train", data, *QUICK, "--memory", "100KB", "--output", tmp_path / "m.rnn")

    assert (outcome.code, outcome.out) == (2, "")
    assert f"cannot be stored in {folder}: No space left on device" in outcome.err
    assert left_in(folder) == []


@pytest.fixture
def under_way(folder: Path, tmp_path: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """A training that goes on until it is told to end, its numbers in files."""
    command = [sys.executable, "-m", "rnncli", "train", str(table(tmp_path)), *map(str, QUICK[:-6])]
    command += ["--members", "2", "--memory", "100KB", "--output", str(tmp_path / "m.rnn"), "--steps", "1000000"]
    child = subprocess.Popen(command, env={**os.environ, "TMPDIR": str(folder)}, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 300
    while not list(folder.rglob("*.f64")) and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(1)
    yield child
    child.kill()
    child.wait()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_terminated_training_leaves_no_files(
    under_way: "subprocess.Popen[bytes]", folder: Path, number: signal.Signals
) -> None:
    assert list(folder.rglob("*.f64"))

    under_way.send_signal(number)

    assert under_way.wait(300) == {signal.SIGTERM: 143, signal.SIGINT: 130}[number]
    assert left_in(folder) == []


@pytest.mark.parametrize(("text", "size"), [("500MB", 500_000_000), ("2GB", 2 * 10**9), ("1.5 GiB", 3 * 2**29)])
def test_sizes_are_read_as_they_are_written(text: str, size: int) -> None:
    from rnncli.config.sections import Compute

    assert Compute.model_validate({"memory": text}).memory == size


def test_a_size_without_a_unit_is_an_error(rnncli: Command, data: Path, tmp_path: Path) -> None:
    outcome = rnncli("train", data, *QUICK, "--memory", "2", "--output", tmp_path / "m.rnn")

    assert (outcome.code, outcome.out) == (2, "")
    assert '--memory "2" must be a size such as 500MB, 2GB or 2GiB' in outcome.err
