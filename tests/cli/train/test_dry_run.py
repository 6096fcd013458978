"""--dry-run: everything is said, and nothing is done."""

import re
from pathlib import Path

import pytest
from filelock import FileLock

from tests.conftest import Command, hourly

SMALL = ("--horizon", 6, "--hidden", 8, "--context", 48, "--season", 24)


def files(*folders: Path) -> dict[str, tuple[int, bytes]]:
    """All that lies there: when it was changed, and what it holds."""
    every = [path for folder in folders for path in sorted(folder.rglob("*"))]
    return {str(path): (path.stat().st_mtime_ns, path.read_bytes() if path.is_file() else b"") for path in every}


def chosen(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith(("chosen: ", "network: ", "columns: "))]


def test_train_says_what_it_would_choose_and_changes_no_file(rnncli: Command, data: Path, tmp_path: Path) -> None:
    (tmp_path / "m.rnn.unfinished").mkdir()
    (tmp_path / "m.rnn.unfinished" / "x.done").write_bytes(b"kept")
    (tmp_path / "r.json").write_text("{}")
    before = files(tmp_path, data.parent)

    asked = ("train", data, "--horizon", 6, "--steps", 9, "--output", tmp_path / "m.rnn")
    aside = ("--report", tmp_path / "r.json", "--lock", tmp_path / "lock", "--publish-if", "mase < 1")
    outcome = rnncli(*asked, *aside, "--dry-run")

    assert (outcome.code, outcome.out) == (0, "")
    assert files(tmp_path, data.parent) == before
    told = [
        r"device: cpu \(.+\)",
        "would train: up to 1 network to compare architectures, up to 1 network on all rows, 9 steps each at first",
        r"time: about [\d.e-]+ (s|min) \([\d.]+ ms per step of the first architecture\)",
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


def test_the_time_of_a_reservoir_is_not_known_beforehand(rnncli: Command, data: Path, tmp_path: Path) -> None:
    asked = ("--horizon", 6, "--cell", "esn", "--hidden", 20, "--preset", "fast", "--output", tmp_path / "m.rnn")
    outcome = rnncli("train", data, *asked, "--dry-run")

    assert outcome.code == 0
    assert "time: no estimate for an echo state network" in outcome.err
    assert list(tmp_path.iterdir()) == []


def test_the_model_in_use_is_named(rnncli: Command, data: Path, model: Path) -> None:
    before = files(model.parent)

    outcome = rnncli("train", data, *SMALL, "--steps", 5, "-o", model, "--publish-if", "better", "--dry-run")

    assert outcome.code == 0
    assert f"better, compared with {model}, trained on rows up to 2024-01-20 23:00\n" in outcome.err
    assert f"would write: the model to {model} (replaces the existing file)\n" in outcome.err
    assert files(model.parent) == before


def test_train_fails_as_it_would(rnncli: Command, data: Path, tmp_path: Path) -> None:
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
def test_a_lock_that_is_held_is_told(rnncli: Command, data: Path, model: Path, tmp_path: Path, locked: str) -> None:
    train = ("train", data, *SMALL, "--output", tmp_path / "m.rnn", "--publish-if", "better")
    forecast = ("forecast", model, data, "--state", tmp_path / "s.state")
    asked = {"lock": (*train, "--lock", tmp_path / "lock"), "m.rnn.lock": train, "s.state.lock": forecast}[locked]

    with FileLock(tmp_path / locked):
        outcome = rnncli(*asked, "--dry-run")

    assert (outcome.code, outcome.out) == (7, "")
    assert outcome.err.splitlines()[-1].startswith(f"error: another run holds {tmp_path}/{locked}")


def test_forecast_says_what_it_would_write_and_changes_no_file(
    rnncli: Command, data: Path, model: Path, tmp_path: Path
) -> None:
    state = tmp_path / "s.state"
    assert rnncli("forecast", model, data, "--state", state).code == 0
    new = hourly(days=21).groupby("unique_id").tail(24)
    new.to_csv(tmp_path / "new.csv", index=False)
    before = files(tmp_path, model.parent)

    asked = ("--state", state, "--output", tmp_path / "f.parquet", "--plot", tmp_path / "f.png")
    outcome = rnncli("forecast", model, tmp_path / "new.csv", *asked, "--dry-run")

    assert (outcome.code, outcome.out) == (0, "")
    assert files(tmp_path, model.parent) == before
    told = [
        "state: 72 new rows",
        "would forecast: 6 steps of 3 of 3 series, 18 rows",
        r"time: about [\d.e-]+ s \(one batch\)",
        r"memory: about [\d.]+ [MG]B",
        rf"would write: the plot to {tmp_path}/f.png \(new file\)",
        rf"would store: up to 48 steps of 3 series in {state} \(replaces the existing file\)",
        rf"would write: the forecast as parquet to {tmp_path}/f.parquet \(new file\)",
        "dry run: no file was written",
    ]
    lines = outcome.err.splitlines()
    assert [bool(re.fullmatch(wanted, line)) for wanted, line in zip(told, lines, strict=True)] == [True] * len(told)


def test_forecast_fails_as_it_would(rnncli: Command, data: Path, model: Path, tmp_path: Path) -> None:
    jumped = hourly()
    jumped["y"] *= 1000
    jumped.to_csv(tmp_path / "jumped.csv", index=False)
    before = files(tmp_path)

    outcomes = [
        rnncli("forecast", model, tmp_path / "jumped.csv", "--on-drift", "fail", "--dry-run"),
        rnncli("forecast", model, tmp_path / "jumped.csv", "--dry-run"),
        rnncli("forecast", model, data, "--output", tmp_path / "none" / "f.csv", "--dry-run"),
        rnncli("forecast", model, tmp_path / "missing.csv", "--dry-run"),
        rnncli("forecast", model, "-", "--follow", "--dry-run"),
    ]

    assert [(one.code, one.out) for one in outcomes] == [(6, ""), (0, ""), (2, ""), (3, ""), (2, "")]
    assert "about 1e+03 times what it was in training" in outcomes[1].err
    assert files(tmp_path) == before
