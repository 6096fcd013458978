"""train --resume: an interrupted training continues, with the same bits as result."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from rnncli.training import checkpoint
from rnncli.training import loop as fitting
from tests.conftest import Command, hourly

ALL = ("--horizon", "6", "--hidden", "8", "--context", "48", "--season", "24", "--checkpoint", "0.0001")
CUT = ("--members", "2", "--steps", "120")


@pytest.mark.parametrize(
    ("cut", "options"),
    [
        (11, ()),
        (17, ("--cell", "lstm", "--schedule", "plateau", "--optimiser", "sgd", "--learning-rate", "1e-3")),
        (15, ("--bptt", "12", "--segment", "6", "--dropout", "0.2", "--normalise", "batch")),
        (32, ("--find-rate", "--schedule", "cosine")),
        (35, ("--decoder", "recursive", "--segment", "3", "--teacher-forcing", "0.8", "--dropout", "0")),
    ],
)
def test_a_resumed_training_gives_the_same_bits(
    rnncli: Command, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cut: int, options: tuple[str, ...]
) -> None:
    train = ("train", data, *ALL, "--steps", "20", *options, "--output")
    assert rnncli(*train, tmp_path / "undisturbed.rnn").code == 0
    advance, made = fitting.Trainer.advance, 0

    def killed(loop: fitting.Trainer) -> None:
        nonlocal made
        made += 1
        if made == cut:
            raise SystemExit
        advance(loop)

    monkeypatch.setattr(fitting.Trainer, "advance", killed)
    with pytest.raises(SystemExit):
        rnncli(*train, tmp_path / "m.rnn")
    assert list((tmp_path / "m.rnn.unfinished").iterdir())
    assert not (tmp_path / "m.rnn").exists()
    steps = 0

    def counted(loop: fitting.Trainer) -> None:
        nonlocal steps
        steps += 1
        advance(loop)

    monkeypatch.setattr(fitting.Trainer, "advance", counted)
    assert rnncli(*train, tmp_path / "m.rnn", "--resume").code == 0

    assert (tmp_path / "m.rnn").read_bytes() == (tmp_path / "undisturbed.rnn").read_bytes()
    assert not (tmp_path / "m.rnn.unfinished").exists()
    assert steps <= 2 * 20 - (cut - cut % 10)  # of the trial and the training on all rows


def test_a_terminated_training_with_workers_reports_how_to_resume(rnncli: Command, data: Path, tmp_path: Path) -> None:
    train = ["train", str(data), *ALL, *CUT, "--checkpoint", "0.5", "--output", str(tmp_path / "m.rnn")]
    kept = tmp_path / "m.rnn.unfinished"
    with subprocess.Popen([sys.executable, "-m", "rnncli", *train], stderr=subprocess.PIPE, text=True) as process:
        while process.poll() is None and not list(kept.glob("*")):
            time.sleep(0.01)
        process.send_signal(signal.SIGTERM)
        assert "continue with train --resume" in process.communicate()[1]
        assert process.returncode == 143
    assert list(tmp_path.iterdir()) == [kept]

    assert rnncli(*train, "--resume").code == 0

    assert list(tmp_path.iterdir()) == [tmp_path / "m.rnn"]


def test_without_checkpoints_the_training_starts_from_scratch(rnncli: Command, data: Path, tmp_path: Path) -> None:
    outcome = rnncli("train", data, *ALL, "--steps", 3, "--output", tmp_path / "m.rnn", "--resume")

    assert outcome.code == 0
    assert "nothing to resume" in outcome.err


def test_checkpoints_of_other_data_are_not_used(
    rnncli: Command, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train = (*ALL, "--steps", "12", "--output", tmp_path / "m.rnn")
    advance = fitting.Trainer.advance

    def killed(loop: fitting.Trainer) -> None:
        if loop.step == 10:  # after its first checkpoint
            raise SystemExit
        advance(loop)

    monkeypatch.setattr(fitting.Trainer, "advance", killed)
    with pytest.raises(SystemExit):
        rnncli("train", data, *train)
    monkeypatch.setattr(fitting.Trainer, "advance", advance)
    hourly(seed=5).to_csv(tmp_path / "other.csv", index=False)
    assert rnncli("train", tmp_path / "other.csv", *train, "--resume").code == 0
    resumed = (tmp_path / "m.rnn").read_bytes()

    assert rnncli("train", tmp_path / "other.csv", *train).code == 0
    assert resumed == (tmp_path / "m.rnn").read_bytes()


def test_a_short_training_writes_no_checkpoints(rnncli: Command, data: Path, tmp_path: Path) -> None:
    outcome = rnncli("train", data, *ALL[:-2], "--steps", 3, "--output", tmp_path / "m.rnn")

    assert outcome.code == 0
    assert [path.name for path in tmp_path.iterdir()] == ["m.rnn"]


def test_a_resumed_training_can_switch_checkpoints_off(
    rnncli: Command, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[object] = []
    monkeypatch.setattr(checkpoint, "write", lambda path, _tree: written.append(path))
    train = ("train", data, *ALL[:-2], "--steps", 20, "--output", tmp_path / "m.rnn", "--resume")

    assert rnncli(*train, "--checkpoint", 0).code == 0
    assert written == []
