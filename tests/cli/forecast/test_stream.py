"""forecast --follow: a forecast for each step as it completes."""

import io
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from rnncli.model import forecast_state
from rnncli.tables import streaming
from tests.conftest import Command, hourly

TABLE = hourly().sort_values(["ds", "unique_id"], kind="stable", ignore_index=True)
START = 3 * 60  # rows of the three series before


def csv(rows: pd.DataFrame) -> bytes:
    return rows.to_csv(index=False).encode()


def ndjson(rows: pd.DataFrame) -> bytes:
    return rows.assign(ds=rows["ds"].astype(str)).to_json(orient="records", lines=True).encode()


def test_each_completed_step_gets_the_forecast_that_a_table_up_to_it_gets(
    rnncli: Command, model: Path, tmp_path: Path
) -> None:
    rows = TABLE[: START + 9]
    told = rnncli("forecast", model, "-", "--follow", stdin=csv(rows)).table

    assert len(told) == 6 * len(rows)
    for end in (START, START + 3, START + 9):
        rows[:end].to_csv(tmp_path / "d.csv", index=False)
        expected = rnncli("forecast", model, tmp_path / "d.csv").table
        newest = told[told["cutoff"] == str(rows["ds"].iloc[end - 1])].sort_values(["unique_id", "ds"])
        assert newest["ds"].tolist() == expected["ds"].tolist()
        assert np.allclose(newest[expected.columns[2:]], expected[expected.columns[2:]], rtol=1e-6)


def test_the_same_rows_in_small_and_large_portions_give_the_same(
    rnncli: Command, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = ndjson(TABLE[:100])
    at_once = rnncli("forecast", model, "-", "--follow", "--format", "ndjson", stdin=content)
    monkeypatch.setattr(streaming, "MAX_CHUNK", 1000)
    bit_by_bit = rnncli("forecast", model, "-", "--follow", "--format", "ndjson", stdin=content)

    one, other = (pd.read_json(io.StringIO(outcome.out), lines=True) for outcome in (at_once, bit_by_bit))
    keys = ["unique_id", "cutoff", "ds"]
    one, other = (table.sort_values(keys, ignore_index=True) for table in (one, other))
    assert len(one) == 600
    pd.testing.assert_frame_equal(one, other, rtol=1e-5)
    assert at_once.err == bit_by_bit.err == "followed: 100 rows; 100 forecasts\n"


def test_the_anomaly_score_is_the_position_in_the_previous_forecast(rnncli: Command, model: Path) -> None:
    rows = TABLE[:START].copy()
    spike = rows.index[-3:]
    rows.loc[spike, "y"] = rows.loc[spike, "y"] * np.array([1.0, 4.0, 1.0])
    levels = ",".join(f"{level:g}" for level in np.arange(1, 100) / 100)

    told = rnncli("forecast", model, "-", "--follow", "--quantiles", levels, stdin=csv(rows)).table

    last, before = sorted(told["cutoff"].unique())[:-3:-1]
    seen = told[told["cutoff"] == last].groupby("unique_id")["anomaly"].first()
    forecast = told[(told["cutoff"] == before) & (told["ds"] == last)].set_index("unique_id")
    actual = rows[rows["ds"] == last].set_index("unique_id")["y"]
    for name in ("s0", "s2"):
        share = np.mean(forecast.loc[name, [f"rnncli-q{level / 100:g}" for level in range(1, 100)]] < actual[name])
        assert seen[name] == pytest.approx(abs(2 * share - 1), abs=0.03)
    assert seen["s1"] > 0.99
    assert (
        told[told["cutoff"] == told["cutoff"].min()]["anomaly"].isna().all()
    )  # of the very first step nothing was forecast


def test_a_forecast_comes_before_the_next_row_is_sent(model: Path) -> None:
    with following(model, "--format", "ndjson") as process:
        assert process.stdin
        assert process.stdout
        for row in ndjson(TABLE[:4]).splitlines(keepends=True):
            process.stdin.write(row)
            process.stdin.flush()
            told = [json.loads(process.stdout.readline()) for _ in range(6)]
            assert {one["cutoff"] for one in told} == {json.loads(row)["ds"]}
        process.stdin.close()
        assert process.wait() == 0


def test_invalid_late_and_repeated_rows_are_counted(rnncli: Command, model: Path) -> None:
    rows = [*csv(TABLE[:60].drop([30, 31])).splitlines(), *csv(TABLE.iloc[[30, 31, 40]]).splitlines()[1:]]
    rows += [b"s0,2024-01-02,none", b"s0,what,3", b"s0", b"\xff\x00,,,", b"s9,2024-01-02 00:30:00,1", b""]

    outcome = rnncli("forecast", model, "-", "--follow", stdin=b"\n".join(rows))

    assert outcome.code == 0
    assert len(outcome.table) >= 6 * 58
    assert "1 repeated" in outcome.err
    assert "invalid" in outcome.err
    assert outcome.err.count("warning: row ignored") == 3


def test_rows_that_never_fit_are_an_error(rnncli: Command, model: Path) -> None:
    outcome = rnncli("forecast", model, "-", "--follow", stdin=b'{"a": 1}\n{"b": 2}\n')

    assert (outcome.code, outcome.out) == (3, "")
    assert outcome.err.startswith("error: standard input: ") or "error: standard input: " in outcome.err


def test_a_wrong_header_is_an_error_before_every_line_is_tried(rnncli: Command, model: Path) -> None:
    lines = csv(TABLE).split(b"\n", 1)[1]

    outcome = rnncli("forecast", model, "-", "--follow", stdin=b"who,ds,y\n" + lines)

    assert (outcome.code, outcome.out) == (3, "")
    assert "followed: 0 rows, 20 invalid; 0 forecasts" in outcome.err


@pytest.mark.parametrize("bad", [b'{"unique_id": "\\ud800", "ds": "2024-02-01 04:00", "y": 1}', b'{"y": "\xff"}', b"{"])
def test_a_line_that_is_not_json_is_ignored(rnncli: Command, model: Path, bad: bytes) -> None:
    rows = [f'{{"unique_id": "s0", "ds": "2024-02-01 {hour:02d}:00", "y": {hour}}}'.encode() for hour in range(10)]

    outcome = rnncli("forecast", model, "-", "--follow", stdin=b"\n".join([*rows[:5], bad, *rows[5:]]))

    assert outcome.code == 0
    assert "10 rows, 1 invalid; 10 forecasts" in outcome.err


@pytest.mark.parametrize("bad", [b"s0,2024-01-01\r,5", b"s0", b'"s0'])
def test_a_line_that_is_not_a_row_is_ignored(rnncli: Command, model: Path, bad: bytes) -> None:
    lines = csv(TABLE).splitlines()[:20]

    outcome = rnncli("forecast", model, "-", "--follow", stdin=b"\n".join([*lines[:9], bad, *lines[9:]]))

    assert outcome.code == 0
    assert "19 rows, 1 invalid; 19 forecasts" in outcome.err


@pytest.mark.parametrize(
    "options",
    [("--format", "parquet"), ("--output", "f.csv"), ("--samples", "3"), ("--as-of", "2024-01-03")],
)
def test_unsuitable_options_are_refused(rnncli: Command, model: Path, options: tuple[str, str]) -> None:
    outcome = rnncli("forecast", model, "-", "--follow", *options, stdin=csv(TABLE))

    assert (outcome.code, outcome.out) == (2, "")


def test_a_state_is_continued_and_written_when_the_stream_is_stopped(
    rnncli: Command, model: Path, tmp_path: Path
) -> None:
    kept = tmp_path / "s.state"
    TABLE[:START].to_csv(tmp_path / "old.csv", index=False)
    assert rnncli("forecast", model, tmp_path / "old.csv", "--state", kept).code == 0

    with following(model, "--state", str(kept)) as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write(csv(TABLE[START : START + 3]))
        process.stdin.flush()
        told = [process.stdout.readline() for _ in range(19)]
        process.send_signal(signal.SIGTERM)
        assert process.wait() == 143

    TABLE[: START + 3].to_csv(tmp_path / "all.csv", index=False)
    expected = rnncli("forecast", model, tmp_path / "all.csv").table["rnncli"]
    assert np.allclose(pd.read_csv(io.BytesIO(b"".join(told)))["rnncli"], expected, rtol=1e-6)
    assert (forecast_state.read_state(kept).rows, forecast_state.read_state(kept).runs) == (START + 3, 2)


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="needs a system that sends signals to threads")
def test_a_signal_that_does_not_interrupt_the_read_still_takes_effect() -> None:
    """One that comes between the last look for signals and the wait itself is noted, and wakes nobody."""
    reading, writing = os.pipe()
    before, woken = signal.signal(signal.SIGUSR1, signal.default_int_handler), list[int]()

    def wake() -> None:
        woken.append(writing)
        os.write(writing, b"a row\n")

    elsewhere = threading.Timer(0.2, lambda: signal.pthread_kill(threading.get_ident(), signal.SIGUSR1))
    given_up = threading.Timer(10, wake)
    elsewhere.start()
    given_up.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            next(streaming.line_batches(f"/dev/fd/{reading}"))
        assert not woken
    finally:
        signal.signal(signal.SIGUSR1, before)
        given_up.cancel()
        os.close(reading)
        os.close(writing)


@pytest.mark.parametrize("ways", [("--follow", ""), ("", "--follow"), ("--follow", "--follow"), ("", "")])
def test_a_state_with_numeric_ids_serves_tables_and_streams(
    rnncli: Command, model: Path, tmp_path: Path, ways: tuple[str, str]
) -> None:
    numbers = {"s0": 10, "s1": 9, "s2": 2}  # as texts they lie in another order
    table = TABLE[: START + 3].assign(unique_id=TABLE["unique_id"].map(numbers))
    kept, new = tmp_path / "s.state", tmp_path / "new.csv"

    for way, rows in zip((*ways, ""), (table[:99], table[99:START], table[START:]), strict=True):
        rows.to_csv(new, index=False)
        told = rnncli("forecast", model, new, "--state", kept, *([way] if way else []))
        assert told.code == 0, told.err

    table.to_csv(tmp_path / "all.csv", index=False)
    expected = rnncli("forecast", model, tmp_path / "all.csv").out
    assert pd.read_csv(io.StringIO(told.out)).equals(pd.read_csv(io.StringIO(expected)))
    assert (forecast_state.read_state(kept).rows, forecast_state.read_state(kept).runs) == (START + 3, 3)


def test_a_stream_of_which_nothing_fits_a_state_is_an_error(rnncli: Command, model: Path, tmp_path: Path) -> None:
    kept = tmp_path / "s.state"
    assert rnncli("forecast", model, "-", "--follow", "--state", kept, stdin=csv(TABLE[:START])).code == 0
    before, rows = kept.read_bytes(), csv(TABLE[START : START + 9])

    few = rnncli("forecast", model, "-", "--follow", "--state", kept, stdin=rows.replace(b",y", b",z"))
    after = kept.read_bytes()
    torn = rnncli("forecast", model, "-", "--follow", "--state", kept, stdin=b"unique_id,ds,y\n,7\n" + rows[15:])

    assert (few.code, few.out, after) == (3, "", before)
    assert few.err.splitlines()[-1].startswith('error: standard input: --target: no column "y"')
    assert (torn.code, len(torn.table)) == (0, 9 * 6)
    assert "row ignored: ,7: " in torn.err


def test_rows_received_before_a_signal_are_forecast(model: Path, tmp_path: Path) -> None:
    kept = tmp_path / "s.state"
    with following(model, "--state", str(kept), "--report", str(tmp_path / "r.json")) as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write(csv(TABLE))
        process.stdin.flush()
        told = process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        told += process.stdout.read()
        assert process.wait() == 143

    assert len(pd.read_csv(io.BytesIO(told))) == 6 * forecast_state.read_state(kept).rows > 0
    report = json.loads((tmp_path / "r.json").read_text())
    assert report["error"] == f"terminated. All rows received are forecast and stored in {kept}"


def test_a_reader_that_closes_the_pipe_ends_it_quietly(model: Path) -> None:
    command = f"cat - | {sys.executable} -m rnncli forecast {model} - --follow | head -2"

    done = subprocess.run(["bash", "-c", command], input=csv(TABLE), capture_output=True, check=False)

    assert len(done.stdout.splitlines()) == 2
    assert b"Traceback" not in done.stderr
    assert b"error" not in done.stderr


class following:  # noqa: N801 - reads as what it does
    """A process that follows its standard input."""

    def __init__(self, model: Path, *options: str) -> None:
        command = [sys.executable, "-m", "rnncli", "forecast", str(model), "-", "--follow", *options]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def __enter__(self) -> "subprocess.Popen[bytes]":
        return self.process

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                stream.close()


def test_wide_rows_give_the_forecast_of_a_wide_table(rnncli: Command, tmp_path: Path) -> None:
    wide = hourly().pivot(index="ds", columns="unique_id", values="y").reset_index()
    wide.to_csv(tmp_path / "w.csv", index=False)
    short = ("--horizon", 3, "--steps", 3, "--hidden", 4, "--context", 24, "--output", tmp_path / "m.rnn")
    assert rnncli("train", tmp_path / "w.csv", *short).code == 0

    told = rnncli("forecast", tmp_path / "m.rnn", "-", "--follow", stdin=wide.to_csv(index=False).encode()).table

    expected = rnncli("forecast", tmp_path / "m.rnn", tmp_path / "w.csv").table
    newest = told[told["cutoff"] == told["cutoff"].max()].sort_values(["unique_id", "ds"])
    assert np.allclose(newest["rnncli"], expected["rnncli"], rtol=1e-6)


def test_decimal_commas_apply_to_numbers_only(rnncli: Command, model: Path) -> None:
    rows = TABLE[:30].assign(unique_id="Halle, Saale").drop_duplicates("ds")
    content = rows.assign(y=[f"{y:.3f}".replace(".", ",") for y in rows["y"]]).to_csv(index=False).encode()

    told = rnncli("forecast", model, "-", "--follow", "--decimal", ",", stdin=content)

    assert told.code == 0
    assert told.table["unique_id"].unique().tolist() == ["Halle, Saale"]


def test_a_row_far_in_the_future_is_ignored(rnncli: Command, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "MAX_CHUNK", 100)
    rows = csv(TABLE[:60]) + b"2200-01-01 00:00:00,s0,5\n".replace(b"2200-01-01 00:00:00,s0", b"s0,2200-01-01 00:00:00")

    outcome = rnncli("forecast", model, "-", "--follow", stdin=rows + csv(TABLE[60:90]).split(b"\n", 1)[1])

    assert outcome.table["ds"].max() < "2025"
    assert "1 invalid; 90 forecasts" in outcome.err


def test_a_stream_without_rows_is_an_error(rnncli: Command, model: Path) -> None:
    assert rnncli("forecast", model, "-", "--follow", stdin=b"unique_id,ds,y\n").code == 3
