"""Model files: loaded bit for bit, refused if damaged, and never code."""

import json
import pickle
import shutil
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rnncli.cli import app
from rnncli.config.sections import Columns
from rnncli.errors import ModelFileError
from rnncli.evaluation.baselines import BASELINES
from rnncli.files import checksummed
from rnncli.model import card as cards
from rnncli.model import card_file, weights_file
from rnncli.panel import Cutoffs, Panel
from tests.conftest import Command, hourly
from tests.frames import from_frame

LEVELS = np.array([0.1, 0.5, 0.9])
CPU = torch.device("cpu")


def ends(panel: Panel, back: int = 0) -> Cutoffs:
    return Cutoffs(np.arange(len(panel.ids)), panel.lengths - back)


def card_of(path: Path) -> dict[str, object]:
    content = path.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    return json.loads(json.loads(content[8 : 8 + length])["__metadata__"]["rnncli"][checksummed.CHECKSUM_LENGTH :])


def with_card(path: Path, card: object) -> bytes:
    """Return the model file with another card and a valid checksum."""
    content = path.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + length])
    header["__metadata__"]["rnncli"] = checksummed.with_placeholder(card if isinstance(card, str) else json.dumps(card))
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return checksummed.with_checksum(struct.pack("<Q", len(text)) + text + content[8 + length :])


def test_saved_and_loaded_a_model_forecasts_the_same_bits(model: Path, tmp_path: Path) -> None:
    panel = from_frame(hourly(), Columns())
    one = weights_file.load(model)

    weights_file.save(one, tmp_path / "again.rnn")
    two = weights_file.load(tmp_path / "again.rnn")

    assert (tmp_path / "again.rnn").read_bytes() == model.read_bytes()
    first, second = (each.forecast(panel, ends(panel), LEVELS, CPU) for each in (one, two))
    assert np.array_equal(first.point, second.point)
    assert np.array_equal(first.quantiles, second.quantiles)


@pytest.fixture(scope="module")
def other(workplace: Path) -> bytes:
    """Return the content of a second model for the same table."""
    path = workplace / "other.rnn"
    shape = ["--horizon", "6", "--hidden", "4", "--context", "24", "--season", "24", "--steps", "2", "--seed", "2"]
    assert app.run(["train", str(workplace / "data.csv"), *shape, "--output", str(path)]) == 0
    return path.read_bytes()


@pytest.mark.parametrize(
    "command",
    [
        ("forecast", "{model}", "{data}"),
        ("evaluate", "{model}", "{data}"),
        ("inspect", "{model}"),
        ("inspect", "{model}", "{data}"),
        ("inspect", "{model}", "--importance", "{data}"),
        ("train", "{data}", "--from", "{model}", "--steps", "2", "--output", "-"),
    ],
    ids=" ".join,
)
def test_a_run_uses_one_version_of_a_model_that_is_replaced_meanwhile(
    rnncli: Command,
    model: Path,
    other: bytes,
    data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    command: tuple[str, ...],
) -> None:
    used = tmp_path / "m.rnn"
    run = [part.format(model=used, data=data) for part in command]
    used.write_bytes(model.read_bytes())
    expected = rnncli(*run)
    read = checksummed.read

    def read_and_replace(path: Path, *given: Any) -> checksummed.ChecksummedFile:
        try:
            return read(path, *given)
        finally:
            used.write_bytes(other)

    monkeypatch.setattr(checksummed, "read", read_and_replace)

    found = rnncli(*run)

    assert used.read_bytes() == other
    assert (expected.code, found.code) == (0, 0)
    assert found.out == expected.out


@given(st.integers(0, 19), st.floats(-1e6, 1e6))
@settings(max_examples=25)
def test_no_value_after_the_cutoff_changes_the_forecast_made_at_it(workplace: Path, place: int, value: float) -> None:
    frame = hourly()
    panel = from_frame(frame, Columns())
    changed = panel.values.copy()
    changed[panel.offsets[1:] - 1 - place] = value
    other = Panel(**{**panel.__dict__, "values": changed})
    loaded = weights_file.load(workplace / "data.rnn")

    one, two = (loaded.forecast(each, ends(each, back=20), LEVELS, CPU) for each in (panel, other))

    assert np.array_equal(one.quantiles, two.quantiles)


def test_the_card_contains_all_choices_and_no_rows(model: Path) -> None:
    card = card_of(model)

    assert card["format"] == cards.FORMAT
    assert card["members"][0]["architecture"]["context"] == 48  # type: ignore[index]
    assert set(card["scores"]) == {"rnncli", *BASELINES}  # type: ignore[call-overload]
    assert model.stat().st_size < 64 * 1024


def test_a_newer_format_is_refused(rnncli: Command, model: Path, data: Path, tmp_path: Path) -> None:
    (tmp_path / "m.rnn").write_bytes(with_card(model, {**card_of(model), "format": cards.FORMAT + 1}))

    outcome = rnncli("forecast", tmp_path / "m.rnn", data)

    assert outcome.code == 4
    assert f"(found {cards.FORMAT + 1}, expected {cards.FORMAT})" in outcome.err
    assert "newer rnncli" in outcome.err


def test_an_older_format_is_refused_with_instructions(rnncli: Command, model: Path, data: Path, tmp_path: Path) -> None:
    (tmp_path / "m.rnn").write_bytes(with_card(model, {**card_of(model), "format": cards.OLDEST_FORMAT - 1}))

    outcome = rnncli("forecast", tmp_path / "m.rnn", data)

    assert outcome.code == 4
    assert (
        f"an older rnncli (found {cards.OLDEST_FORMAT - 1}, expected {cards.FORMAT}). Train the model again"
        in outcome.err
    )


class Trap:
    """A pickle of this runs code when it is loaded."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (Path.touch, (Path("trapped"),))  # type: ignore[return-value]


@pytest.mark.parametrize(
    "content",
    [b"", b"ds,y\n1,2\n", pickle.dumps(Trap()), b"\xff" * 100, struct.pack("<Q", 2**60) + b"{}", b"PK\x03\x04"],
    ids=["empty", "csv", "pickle", "noise", "huge", "zip"],
)
@pytest.mark.parametrize("command", ["forecast", "evaluate", "inspect"])
def test_a_file_that_is_not_a_model_is_refused(
    rnncli: Command, command: str, content: bytes, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("m.rnn").write_bytes(content)

    outcome = rnncli(command, "m.rnn", *([] if command == "inspect" else [data]))

    assert (outcome.code, outcome.out) == (4, "")
    assert outcome.err.startswith("error: m.rnn: not a model file")
    assert [path.name for path in tmp_path.iterdir()] == ["m.rnn"]


def test_a_missing_model_is_refused(rnncli: Command, data: Path) -> None:
    outcome = rnncli("forecast", "none.rnn", data)

    assert (outcome.code, outcome.out) == (4, "")
    assert "none.rnn: no such model file" in outcome.err


@given(cut=st.floats(0, 0.999))
@settings(max_examples=20)
def test_a_truncated_model_is_refused(workplace: Path, tmp_path_factory: pytest.TempPathFactory, cut: float) -> None:
    content = (workplace / "data.rnn").read_bytes()
    path = tmp_path_factory.mktemp("cut") / "m.rnn"
    path.write_bytes(content[: int(cut * len(content))])

    with pytest.raises(ModelFileError):
        weights_file.load(path)


@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
@settings(max_examples=50)
def test_a_flipped_bit_is_detected(
    workplace: Path, tmp_path_factory: pytest.TempPathFactory, place: float, bit: int
) -> None:
    content = bytearray((workplace / "data.rnn").read_bytes())
    content[int(place * len(content))] ^= 1 << bit
    path = tmp_path_factory.getbasetemp() / "flipped.rnn"
    path.write_bytes(content)

    with pytest.raises(ModelFileError):
        card_file.read_card(path)


def test_a_file_of_an_older_format_without_checksum_is_refused(rnncli: Command, data: Path, tmp_path: Path) -> None:
    from safetensors.torch import save_file

    save_file({"x": torch.zeros(2)}, tmp_path / "m.rnn", {"rnncli": '{"format": 4}'})

    outcome = rnncli("forecast", tmp_path / "m.rnn", data)

    assert outcome.code == 4
    assert "an older rnncli (found 4, expected 8). Train the model again" in outcome.err


@pytest.mark.parametrize(
    "change",
    [
        {"hidden": 10**9},
        {"layers": 10**6},
        {"horizon": 10**9, "bypass": False},
        {"segment": 10**9, "context": 10**9},
        {"experts": 10**9},
        {"experts": 10**9, "bypass": False},
        {"cell": "transformer"},
        {"hidden": -1},
        {"scale": None},
    ],
)
def test_a_false_card_is_refused_before_memory_is_allocated(
    rnncli: Command, model: Path, data: Path, tmp_path: Path, change: dict[str, object]
) -> None:
    card = card_of(model)
    card["members"][0]["architecture"] |= change  # type: ignore[index]
    (tmp_path / "m.rnn").write_bytes(with_card(model, card))

    outcome = rnncli("forecast", tmp_path / "m.rnn", data)

    assert (outcome.code, outcome.out) == (4, "")


def test_a_card_with_an_unpaired_surrogate_is_refused(rnncli: Command, model: Path, tmp_path: Path) -> None:
    (tmp_path / "m.rnn").write_bytes(with_card(model, card_of(model) | {"frequency": "\ud800"}))

    assert rnncli("inspect", tmp_path / "m.rnn").code == 4


@pytest.mark.parametrize("card", ["{", "[]", "7", "{}", "[" * 100_000])
def test_an_unreadable_card_is_refused(rnncli: Command, model: Path, tmp_path: Path, card: str) -> None:
    (tmp_path / "m.rnn").write_bytes(with_card(model, card))

    assert rnncli("inspect", tmp_path / "m.rnn").code == 4


def test_a_foreign_safetensors_file_is_refused(rnncli: Command, data: Path, tmp_path: Path) -> None:
    from safetensors.torch import save_file

    save_file({"x": torch.zeros(2)}, tmp_path / "m.rnn")

    outcome = rnncli("forecast", tmp_path / "m.rnn", data)

    assert outcome.code == 4
    assert "that rnncli did not write" in outcome.err


def test_a_failed_training_leaves_the_old_model(workplace: Path, tmp_path: Path) -> None:
    shutil.copy(workplace / "data.rnn", tmp_path / "m.rnn")
    before = (tmp_path / "m.rnn").read_bytes()
    pd.DataFrame({"ds": [1, 2, 3], "y": [1, 2, 3]}).to_csv(tmp_path / "short.csv", index=False)

    assert app.run(["train", str(tmp_path / "short.csv"), "--horizon", "6", "--output", str(tmp_path / "m.rnn")]) == 3

    assert (tmp_path / "m.rnn").read_bytes() == before
