"""train --dry-run: everything is reported, and no file is written."""

import re
from pathlib import Path

import pytest
from filelock import FileLock

from tests.conftest import Command

SMALL = ("--horizon", 6, "--hidden", 8, "--context", 48, "--season", 24)


def files(*folders: Path) -> dict[str, tuple[int, bytes]]:
    """All that lies there: when it was changed, and what it holds."""
    every = [path for folder in folders for path in sorted(folder.rglob("*"))]
    return {str(path): (path.stat().st_mtime_ns, path.read_bytes() if path.is_file() else b"") for path in every}


def chosen(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith(("chosen: ", "network: ", "columns: "))]


def test_train_reports_what_it_would_do_and_changes_no_file(rnncli: Command, data: Path, tmp_path: Path) -> None:
    (tmp_path / "m.rnn.unfinished").mkdir()
    (tmp_path / "m.rnn.unfinished" / "x.done").write_bytes(b"kept")
    (tmp_path / "r.json").write_text("{}")
    before = files(tmp_path, data.parent)

    asked = ("train", data, "--horizon", 6, "--steps", 9, "--hidden", 4, "--output", tmp_path / "m.rnn")
    aside = ("--report", tmp_path / "r.json", "--lock", tmp_path / "lock", "--publish-if", "mase < 1")
    outcome = rnncli(*asked, *aside, "--dry-run")

    assert (outcome.code, outcome.out) == (0, "")
    assert files(tmp_path, data.parent) == before
    told = [
        r"device: cpu \(.+\)",
        "would train: up to 1 network to compare architectures, up to 1 network on all rows, 9 steps each at first",
        r"work: up to [\d.e-]+ (s|min) of a core of the reference machine \(--members 1\); "
        r"here about [\d.e-]+ (s|min) \([\d.]+ ms per step of the first architecture\)",
        r"memory: about [\d.]+ [MG]B; each process needs [\d.]+ KB for the table and [\d.]+ [KM]B for a batch .+",
        f"{tmp_path}/m.rnn.unfinished: the interrupted training would be discarded .+",
        "would publish only if: mase < 1",
        rf"would write: the model to {tmp_path}/m.rnn \(new file\)",
        rf"would write: the report to {tmp_path}/r.json \(replaces the existing file\)",
        "dry run: no file was written",
    ]
    lines = outcome.err.splitlines()[-len(told) :]
    assert [bool(re.fullmatch(wanted, line)) for wanted, line in zip(told, lines, strict=True)] == [True] * len(told)
    assert chosen(rnncli(*asked).err) == chosen(outcome.err)


def test_there_is_no_time_estimate_for_an_echo_state_network(rnncli: Command, data: Path, tmp_path: Path) -> None:
    asked = ("--horizon", 6, "--cell", "esn", "--hidden", 20, "--preset", "fast", "--output", tmp_path / "m.rnn")
    outcome = rnncli("train", data, *asked, "--dry-run")

    assert outcome.code == 0
    assert "no estimate of the time for an echo state network" in outcome.err
    assert list(tmp_path.iterdir()) == []


def test_the_current_model_is_named(rnncli: Command, data: Path, model: Path) -> None:
    before = files(model.parent)

    outcome = rnncli("train", data, *SMALL, "--steps", 5, "-o", model, "--publish-if", "better", "--dry-run")

    assert outcome.code == 0
    assert f"better, compared with {model}, trained on rows up to 2024-01-20 23:00\n" in outcome.err
    assert f"would write: the model to {model} (replaces the existing file)\n" in outcome.err
    assert files(model.parent) == before


def test_train_fails_as_without_dry_run(rnncli: Command, data: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.csv").write_text("ds,y\nyesterday,1\n")
    goal = ("--dry-run", "--horizon", 6, "--output")
    before = files(tmp_path)

    outcomes = [
        rnncli("train", tmp_path / "bad.csv", *goal, tmp_path / "m.rnn"),
        rnncli("train", data, *goal, tmp_path / "none" / "m.rnn"),
        rnncli("train", data, *goal, tmp_path / "m.rnn", "--max-age", "1h"),
        rnncli("train", "--rollback", "--dry-run", "--output", tmp_path / "m.rnn"),
    ]

    assert [(one.code, one.out) for one in outcomes] == [(3, ""), (2, ""), (6, ""), (2, "")]
    assert files(tmp_path) == before


@pytest.mark.parametrize("locked", ["lock", "m.rnn.lock", "s.state.lock"])
def test_a_held_lock_is_an_error(rnncli: Command, data: Path, model: Path, tmp_path: Path, locked: str) -> None:
    train = ("train", data, *SMALL, "--output", tmp_path / "m.rnn", "--publish-if", "better")
    forecast = ("forecast", model, data, "--state", tmp_path / "s.state")
    asked = {"lock": (*train, "--lock", tmp_path / "lock"), "m.rnn.lock": train, "s.state.lock": forecast}[locked]

    with FileLock(tmp_path / locked):
        outcome = rnncli(*asked, "--dry-run")

    assert (outcome.code, outcome.out) == (7, "")
    assert outcome.err.splitlines()[-1].startswith(f"error: another run holds {tmp_path}/{locked}")
