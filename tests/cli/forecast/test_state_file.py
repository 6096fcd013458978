"""forecast --state: a run needs only new rows."""

import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from filelock import FileLock

from rnncli.model import forecast_state
from tests.conftest import SAMPLES, Command, hourly

TABLE = hourly()
HOURS = sorted(TABLE["ds"].unique())
OLD, NEW = TABLE[TABLE["ds"] < HOURS[400]], TABLE[TABLE["ds"] >= HOURS[400]]


def write(rows: pd.DataFrame, path: Path) -> Path:
    rows.to_csv(path, index=False)
    return path


@pytest.fixture
def kept(rnncli: Command, model: Path, tmp_path: Path) -> Path:
    """A state that has seen the old rows."""
    old = write(OLD, tmp_path / "old.csv")
    assert rnncli("forecast", model, old, "--state", tmp_path / "s.state").code == 0
    return tmp_path / "s.state"


def test_new_rows_alone_give_the_forecast_of_all_rows(rnncli: Command, model: Path, kept: Path, tmp_path: Path) -> None:
    outcome = rnncli("forecast", model, write(NEW, tmp_path / "new.csv"), "--state", kept)

    assert outcome.out == rnncli("forecast", model, write(TABLE, tmp_path / "all.csv")).out != ""
    assert outcome.err == "state: 240 new rows\n"


def test_repeated_rows_change_nothing(rnncli: Command, model: Path, kept: Path, tmp_path: Path) -> None:
    again = write(TABLE[TABLE["ds"] >= HOURS[380]], tmp_path / "again.csv")
    first = rnncli("forecast", model, again, "--state", kept)
    before = kept.read_bytes()

    second = rnncli("forecast", model, again, "--state", kept)

    assert first.out == second.out != ""
    assert second.err == "state: 0 new rows, 144 repeated, 156 older than the stored history\n"
    assert forecast_state.read_state(kept).panel.values.tobytes() == _state(before, tmp_path).panel.values.tobytes()


def test_a_repeated_row_with_another_value_is_reported_and_ignored(
    rnncli: Command, model: Path, kept: Path, tmp_path: Path
) -> None:
    rows = TABLE[TABLE["ds"] >= HOURS[399]].copy()
    rows.loc[rows["ds"] == HOURS[399], "y"] += 100

    outcome = rnncli("forecast", model, write(rows, tmp_path / "new.csv"), "--state", kept)

    assert outcome.out == rnncli("forecast", model, write(TABLE, tmp_path / "all.csv")).out != ""
    assert "warning: 3 repeated rows with different values" in outcome.err


def test_a_late_row_fills_its_gap_and_one_too_late_is_counted(rnncli: Command, model: Path, tmp_path: Path) -> None:
    late = (TABLE["unique_id"] == "s1") & (TABLE["ds"] == HOURS[395])
    too_late = (TABLE["unique_id"] == "s2") & (TABLE["ds"] == HOURS[100])
    kept = ("--state", tmp_path / "s.state")
    first = write(TABLE[(TABLE["ds"] < HOURS[400]) & ~late & ~too_late], tmp_path / "a.csv")
    assert rnncli("forecast", model, first, *kept).code == 0

    outcome = rnncli("forecast", model, write(TABLE[late | too_late], tmp_path / "b.csv"), *kept)

    assert outcome.err == "state: 1 new row, 1 of them late, 1 older than the stored history\n"
    assert outcome.out == rnncli("forecast", model, write(OLD, tmp_path / "old.csv")).out


def test_new_series_are_added_and_inactive_ones_remain(
    rnncli: Command, model: Path, kept: Path, tmp_path: Path
) -> None:
    rows = hourly(series=4)
    new = write(rows[(rows["unique_id"] == "s3") & (rows["ds"] >= HOURS[300])], tmp_path / "new.csv")

    outcome = rnncli("forecast", model, new, "--state", kept)

    assert outcome.table["unique_id"].unique().tolist() == ["s0", "s1", "s2", "s3"]
    assert outcome.table.groupby("unique_id")["ds"].min().tolist() == 3 * [str(HOURS[400])] + ["2024-01-21 00:00:00"]


def test_covariates_are_stored_and_known_values_updated(rnncli: Command, tmp_path: Path) -> None:
    table = pd.read_csv(SAMPLES / "retail.csv", parse_dates=["timestamp"])
    table = table[table["item_id"].isin(table["item_id"].unique()[:3])]
    days, model = sorted(table["timestamp"].unique()), tmp_path / "m.rnn"
    past = table[table["timestamp"] < days[-60]]
    train = ("train", write(past, tmp_path / "past.csv"), "--horizon", 7, "--known", "price,promotion", "--steps", 3)
    assert rnncli(*train, "--hidden", 4, "--context", 56, "--output", model).code == 0

    def until(end: int, start: int = 0, price: float = 1.0) -> pd.DataFrame:
        rows = table[(table["timestamp"] >= days[start]) & (table["timestamp"] < days[end + 7])].copy()
        coming = rows["timestamp"] >= days[end]
        rows["target"] = rows["target"].where(~coming)
        rows.loc[coming, "price"] *= price
        return rows

    end = len(days) - 20
    kept = ("--state", tmp_path / "s.state")
    assert rnncli("forecast", model, write(until(end, price=2.0), tmp_path / "a.csv"), *kept).code == 0
    outcome = rnncli("forecast", model, write(until(end + 1, end), tmp_path / "b.csv"), *kept)

    assert outcome.out == rnncli("forecast", model, write(until(end + 1), tmp_path / "all.csv")).out != ""


def test_the_state_is_unchanged_if_the_output_fails(model: Path, kept: Path, tmp_path: Path) -> None:
    before, new = kept.read_bytes(), write(NEW, tmp_path / "new.csv")
    command = f"{sys.executable} -m rnncli forecast {model} {new} --state {kept} > /dev/full"

    done = subprocess.run(["bash", "-c", command], capture_output=True, check=False)

    assert done.returncode == 2
    assert kept.read_bytes() == before
    assert {path.name for path in tmp_path.iterdir()} == {"old.csv", "new.csv", "s.state", "s.state.lock"}


def test_nothing_is_written_if_the_state_cannot_be_written(
    rnncli: Command, model: Path, kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    before, new = kept.read_bytes(), write(NEW, tmp_path / "new.csv")
    monkeypatch.setattr(os, "fsync", full)

    outcome = rnncli("forecast", model, new, "--state", kept, "--output", tmp_path / "f.csv")

    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.endswith("s.state: No space left on device\n")
    assert kept.read_bytes() == before
    assert not (tmp_path / "f.csv").exists()


def test_a_second_run_on_the_same_state_is_refused(rnncli: Command, model: Path, kept: Path, tmp_path: Path) -> None:
    new = write(NEW, tmp_path / "new.csv")
    with FileLock(f"{kept}.lock"):
        outcome = rnncli("forecast", model, new, "--state", kept)

    assert (outcome.code, outcome.out) == (7, "")
    assert f"another run holds {kept}.lock" in outcome.err


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda rows: rows.assign(ds=rows["ds"] + pd.Timedelta("30min")), "not aligned with its stored rows"),
        (lambda rows: rows.assign(ds=rows["ds"].dt.tz_localize("UTC")), "its times are in UTC"),
    ],
)
def test_rows_that_do_not_fit_the_state_are_refused(
    rnncli: Command, model: Path, kept: Path, tmp_path: Path, change: "type", message: str
) -> None:
    before = kept.read_bytes()
    change(NEW).to_parquet(tmp_path / "new.parquet")

    outcome = rnncli("forecast", model, tmp_path / "new.parquet", "--state", kept)

    assert (outcome.code, outcome.out) == (3, "")
    assert message in outcome.err
    assert kept.read_bytes() == before


@pytest.mark.parametrize("way", [(), ("--follow",)])
def test_rows_of_another_target_are_refused(
    rnncli: Command, model: Path, kept: Path, tmp_path: Path, way: tuple[str, ...]
) -> None:
    before, new = kept.read_bytes(), write(NEW.rename(columns={"y": "z"}), tmp_path / "new.csv")

    outcome = rnncli("forecast", model, new, "--target", "z", "--state", kept, *way)

    assert (outcome.code, outcome.out) == (3, "")
    assert 'it has the target "z", but the stored rows have the target "y"' in outcome.err
    assert kept.read_bytes() == before


@pytest.mark.parametrize("length", [0, 7, 100, 1500])
def test_a_damaged_state_is_refused(rnncli: Command, model: Path, kept: Path, length: int) -> None:
    kept.write_bytes(kept.read_bytes()[:length])

    outcome = rnncli("forecast", model, kept.with_name("old.csv"), "--state", kept)

    assert (outcome.code, outcome.out) == (3, "")
    assert "not a state file of this version, or damaged" in outcome.err


def test_a_state_with_a_changed_value_is_refused(rnncli: Command, model: Path, kept: Path) -> None:
    content = bytearray(kept.read_bytes())
    content[-1000] ^= 1
    kept.write_bytes(content)

    assert rnncli("forecast", model, kept.with_name("old.csv"), "--state", kept).code == 3


def test_inspect_shows_the_state(rnncli: Command, kept: Path) -> None:
    out = " ".join(rnncli("inspect", kept).out.split())

    assert "series 3, of 48 steps (at most 48)" in out
    assert "span 2024-01-15 16:00 to 2024-01-17 15:00" in out
    assert "runs 1, with 1200 rows in all" in out


def _state(content: bytes, folder: Path) -> forecast_state.ForecastState:
    (folder / "other.state").write_bytes(content)
    return forecast_state.read_state(folder / "other.state")
