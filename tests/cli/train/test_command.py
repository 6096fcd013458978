"""rnncli train on the command line."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.conftest import SAMPLES, Command, hourly

TINY = ("--steps", 5, "--hidden", 4)


def test_it_reports_the_data_the_choices_and_the_scores(rnncli: Command, data: Path, tmp_path: Path) -> None:
    outcome = rnncli("train", data, "--horizon", 6, *TINY, "--output", tmp_path / "m.rnn")

    assert (outcome.code, outcome.out) == (0, "")
    lines = outcome.err.splitlines()
    assert lines[0].endswith("3 series of 480 steps, hourly (h), 2024-01-01 00:00 to 2024-01-20 23:00")
    assert lines[1] == 'columns: id "unique_id", time "ds", target "y"'
    assert any(line.startswith("chosen: season 24 (") for line in lines)
    assert lines[-2].startswith("validation: MASE ")
    assert "seasonal naive" in lines[-2]
    assert lines[-1].startswith(f"model: {tmp_path / 'm.rnn'} (")
    assert [path.name for path in tmp_path.iterdir()] == ["m.rnn"]


@pytest.mark.parametrize(
    "options",
    [
        ("--cell", "rnn", "--segment", 1, "--decoder", "recursive", "--no-bypass", "--base", "none", "--context", 24),
        ("--cell", "lstm", "--layers", 2, "--dropout", 0.3),
        ("--cell", "gru", "--scale", "mean", "--base", "none"),
        ("--horizon", "1d", "--context", 48, "--segment", 12, "--season", 24),
    ],
)
def test_every_kind_of_network_trains_and_forecasts(
    rnncli: Command, data: Path, tmp_path: Path, options: tuple[object, ...]
) -> None:
    assert rnncli("train", data, "--horizon", 6, *TINY, *options, "--output", tmp_path / "m.rnn").code == 0

    forecast = rnncli("forecast", tmp_path / "m.rnn", data).table

    assert len(forecast) == 3 * (24 if "1d" in options else 6)
    assert forecast.notna().all(axis=None)


def test_gaps_and_missing_values_are_reported_in_one_line(rnncli: Command, tmp_path: Path) -> None:
    frame = hourly()
    frame.loc[100:104, "y"] = None
    frame.drop(index=range(200, 210)).to_csv(tmp_path / "d.csv", index=False)

    outcome = rnncli("train", tmp_path / "d.csv", "--horizon", 6, *TINY, "--output", tmp_path / "m.rnn")

    assert outcome.code == 0
    assert "missing: 5 empty values and 10 steps without a row" in outcome.err


def test_defaults_beat_seasonal_naive_on_passengers(rnncli: Command, tmp_path: Path) -> None:
    model = tmp_path / "air.rnn"
    assert rnncli("train", SAMPLES / "passengers.csv", "--horizon", 12, "--output", model).code == 0

    scores = rnncli("evaluate", model, SAMPLES / "passengers.csv").table.set_index("model")["MASE"]

    assert scores["rnncli"] < scores["SeasonalNaive"]


def test_options_override_the_environment_the_file_and_defaults_in_this_order(
    rnncli: Command, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "c.toml").write_text(
        '[network]\nhorizon = 6\nhidden = 3\ncell = "rnn"\nlayers = 2\n[training]\nsteps = 5\n'
    )
    monkeypatch.setenv("RNNCLI_CELL", "lstm")
    monkeypatch.setenv("RNNCLI_HIDDEN", "4")
    file = ("--config", tmp_path / "c.toml", "--output", tmp_path / "m.rnn")
    assert rnncli("train", data, *file, "--hidden", 5).code == 0

    card = rnncli("inspect", tmp_path / "m.rnn").out

    for name, value in {"hidden": "5", "cell": "lstm", "layers": "2", "dropout": "0.1", "horizon": "6"}.items():
        assert any(line.split() == [name, value] for line in card.splitlines()), (name, card)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[network]\nhiden = 3\n", 'hiden in [network]: unknown key. Did you mean "hidden"?'),
        ("[netwrok]\nhidden = 3\n", 'netwrok: unknown key. Did you mean "network"?'),
        ("[network]\nhidden = 0\n", 'hidden in [network] "0" must be greater than or equal to 1'),
        ("[network\n", "cannot be read as TOML"),
    ],
)
def test_a_wrong_config_file_is_refused(rnncli: Command, data: Path, tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "c.toml").write_text(text)

    outcome = rnncli("train", data, "--horizon", 6, "--config", tmp_path / "c.toml", "--output", tmp_path / "m.rnn")

    assert (outcome.code, outcome.out) == (2, "")
    assert message in outcome.err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--cell", "gruu"), '--cell "gruu" must be one of rnn, lstm, gru, esn, tcn, transformer. Did you mean "gru"?'),
        (("--dropout", "1.5"), '--dropout "1.5" must be less than 1'),
        (("--layers", "two"), '--layers "two" must be a valid integer'),
        (("--horizon", "soon"), '--horizon "soon" must be a number of steps'),
        (("--horizn", "6"), "--horizon"),
        (("--horizon", "0"), '--horizon "0" must be at least 1'),
        (("--target", "y,y"), '--target "y,y" must name each column once'),
        (("--seed", str(2**64)), "--seed"),
        (("--learning-rate", "inf"), "--learning-rate"),
        (("--freq", "fortnight"), 'unknown frequency "fortnight"'),
        (("--context", "50", "--segment", "7"), "--context 50 requires a --segment that divides it"),
        (("--device", "tpu"), '--device "tpu" must be one of auto, cpu, cuda, mps'),
    ],
)
def test_a_wrong_value_is_refused_with_the_closest_match(
    rnncli: Command, data: Path, tmp_path: Path, options: tuple[str, ...], message: str
) -> None:
    outcome = rnncli("train", data, "--horizon", "6", *options, "--output", tmp_path / "m.rnn")

    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.splitlines()[-1].startswith("error: ")
    assert message in outcome.err
    assert list(tmp_path.iterdir()) == []


def test_the_horizon_is_required(rnncli: Command, data: Path, tmp_path: Path) -> None:
    outcome = rnncli("train", data, "--output", tmp_path / "m.rnn")

    assert outcome.code == 2
    assert "--horizon 24" in outcome.err


HEAD = "unique_id,ds,y\n"
BAD_TABLES = {
    "empty": ("", "d.csv: the file is empty"),
    "header": (HEAD, "d.csv: has a header (unique_id, ds, y) but no rows"),
    "no numbers": ("unique_id,ds\na,2024-01-01\n", "no column contains numbers"),
    "two times": ("start,end,y\n2024-01-01,2024-01-02,1\n", '"start", "end" could each be the time column'),
    "bad date": (HEAD + "a,2024-01-01,1\na,2024-01-45,2\n", 'row 2: "ds" is "2024-01-45"'),
    "twice": (HEAD + "a,2024-01-01,1\na,2024-01-01,2\n", 'series "a": row 1 and row 2 have the same time 2024-01-01'),
    "text": (HEAD + "a,2024-01-01,1\na,2024-01-02,many\n", 'row 2: "y" is "many"'),
    "infinite": (HEAD + "a,2024-01-01,1\na,2024-01-02,inf\n", 'row 2: "y" is inf'),
    "too short": (
        HEAD + "a,2024-01-01,1\na,2024-01-02,2\n",
        'series "a" is too short: it has 2 rows (horizon 6 requires 10)',
    ),
}


@pytest.mark.parametrize("content", BAD_TABLES)
def test_bad_tables_are_refused_with_file_and_row(rnncli: Command, tmp_path: Path, content: str) -> None:
    text, message = BAD_TABLES[content]
    (tmp_path / "d.csv").write_text(text)

    outcome = rnncli("train", tmp_path / "d.csv", "--horizon", 6, "--output", tmp_path / "m.rnn")

    assert (outcome.code, outcome.out) == (3, "")
    assert outcome.err.splitlines()[-1].startswith("error: ")
    assert message in outcome.err
    assert "d.csv: " in outcome.err
    assert [path.name for path in tmp_path.iterdir()] == ["d.csv"]


def test_a_missing_column_is_refused_with_the_columns_there_are(rnncli: Command, data: Path, tmp_path: Path) -> None:
    outcome = rnncli("train", data, "--horizon", 6, "--target", "load", "--output", tmp_path / "m.rnn")

    assert outcome.code == 3
    assert 'no column "load" (columns: "unique_id", "ds", "y")' in outcome.err


@pytest.mark.parametrize(("output", "message"), [("none/m.rnn", "there is no folder"), (".", "it is a folder")])
def test_an_output_that_cannot_be_written_is_refused_before_the_work(
    rnncli: Command, data: Path, tmp_path: Path, output: str, message: str
) -> None:
    outcome = rnncli("train", data, "--horizon", 6, "--output", tmp_path / output)

    assert (outcome.code, outcome.out) == (2, "")
    assert message in outcome.err
    assert "device" not in outcome.err


def start_training(data: Path, folder: Path) -> subprocess.Popen[str]:
    """A training in a process of its own, that is busy with its steps."""
    command = [sys.executable, "-m", "rnncli", "train", str(data), "--horizon", "6", "--output", "m.rnn"]
    process = subprocess.Popen(
        [*command, "--steps", "100000", "--patience", "100000"],
        cwd=folder,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stderr is not None
    while not process.stderr.readline().startswith("device"):
        pass
    time.sleep(0.5)
    return process


@pytest.mark.parametrize(
    ("sent", "code", "word"), [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")]
)
def test_an_interrupted_training_changes_no_file(
    data: Path, tmp_path: Path, sent: signal.Signals, code: int, word: str
) -> None:
    (tmp_path / "m.rnn").write_bytes(b"old")
    process = start_training(data, tmp_path)

    process.send_signal(sent)
    out, err = process.communicate(timeout=300)

    assert (process.returncode, out) == (code, "")
    assert err.splitlines()[-1] == f"error: {word}. No file was written"
    assert (tmp_path / "m.rnn").read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["m.rnn"]


def test_a_full_disk_leaves_the_old_model(data: Path, tmp_path: Path) -> None:
    (tmp_path / "m.rnn").write_bytes(b"old")
    code = (
        "import resource, signal\nfrom rnncli.cli import app\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\nresource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))\n"
        f"arguments = ['train', {str(data)!r}, '--horizon', '6', '--steps', '3', '--hidden', '4', '-o', 'm.rnn']\n"
        "raise SystemExit(app.run(arguments))"
    )

    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout) == (2, "")
    assert "error: cannot write" in done.stderr
    assert (tmp_path / "m.rnn").read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["m.rnn"]


def test_a_terminal_shows_a_progress_bar(data: Path, tmp_path: Path) -> None:
    import pexpect

    options = ["--horizon", "6", "--steps", "60", "--hidden", "4", "--output", "m.rnn"]
    arguments = ["-m", "rnncli", "train", str(data), *options]
    child = pexpect.spawn(sys.executable, arguments, cwd=str(tmp_path), dimensions=(24, 80), timeout=300)
    child.expect("training on all rows 1/1.*loss.*validation")
    child.expect("model: m.rnn")
    child.expect(pexpect.EOF)
    child.close()

    assert child.exitstatus == 0


def test_each_column_of_a_wide_table_is_a_series(rnncli: Command, tmp_path: Path) -> None:
    wide = hourly().pivot(index="ds", columns="unique_id", values="y").reset_index()
    wide.to_csv(tmp_path / "wide.csv", index=False)
    assert rnncli("train", tmp_path / "wide.csv", "--horizon", 6, *TINY, "--output", tmp_path / "m.rnn").code == 0

    forecast = rnncli("forecast", tmp_path / "m.rnn", tmp_path / "wide.csv").table

    assert list(forecast)[:3] == ["unique_id", "ds", "rnncli"]
    assert forecast["unique_id"].unique().tolist() == ["s0", "s1", "s2"]


def test_several_targets_are_forecast_together(rnncli: Command, tmp_path: Path) -> None:
    frame = hourly(series=1).assign(load=lambda one: 5 * one["y"])
    frame.to_csv(tmp_path / "d.csv", index=False)
    arguments = ("--horizon", 6, "--target", "load,y", *TINY, "--output", tmp_path / "m.rnn")
    assert rnncli("train", tmp_path / "d.csv", *arguments).code == 0

    forecast = rnncli("forecast", tmp_path / "m.rnn", tmp_path / "d.csv", "--level", "80").table

    names = ["load-rnncli", "load-rnncli-lo-80", "load-rnncli-hi-80", "y-rnncli", "y-rnncli-lo-80", "y-rnncli-hi-80"]
    assert list(forecast) == ["unique_id", "ds", *names]
    assert (forecast["load-rnncli"] / forecast["y-rnncli"]).between(2, 10).all()


def test_useless_covariates_are_dropped_and_forecasts_do_not_need_them(rnncli: Command, tmp_path: Path) -> None:
    table = hourly(series=4)
    late = table.groupby("unique_id").cumcount(ascending=False) < 48
    noise = np.random.default_rng(0).normal(20, 20, len(table))
    table.assign(price=table["y"].where(~late, noise)).to_csv(tmp_path / "d.csv", index=False)  # knew it all, once
    model, asked = tmp_path / "m.rnn", ("-H", 6, "--known", "price", "--members", 4, "--steps", 30, "--context", 48)

    trained = rnncli("train", tmp_path / "d.csv", *asked, "--hidden", 8, "--segment", 6, "--output", model)
    made = rnncli("forecast", model, tmp_path / "d.csv")

    assert "left out: price" in trained.err
    assert re.search(r"^left out +price", rnncli("inspect", model).out, re.MULTILINE)
    assert (made.code, len(made.table)) == (0, 24)


def test_covariates_are_used_if_there_are_too_few_rows_to_decide(rnncli: Command, tmp_path: Path) -> None:
    hourly(series=2).groupby("unique_id").head(15).assign(price=1.0).to_csv(tmp_path / "d.csv", index=False)

    outcome = rnncli("train", tmp_path / "d.csv", "-H", 8, "--known", "price", *TINY, "--output", tmp_path / "m.rnn")

    assert outcome.code == 0
    assert "the accuracy of the forecasts is unknown" in outcome.err
    assert "left out:" not in outcome.err


def test_a_table_may_come_through_a_pipe(rnncli: Command, data: Path, tmp_path: Path) -> None:
    outcome = rnncli("train", "-", "--horizon", 6, *TINY, "--output", tmp_path / "m.rnn", stdin=data.read_bytes())

    assert outcome.code == 0
    assert outcome.err.startswith("standard input: 3 series")


def test_parquet_may_come_through_a_pipe(rnncli: Command, data: Path, tmp_path: Path) -> None:
    pd.read_csv(data, parse_dates=["ds"]).to_parquet(tmp_path / "d.parquet")
    content = (tmp_path / "d.parquet").read_bytes()

    assert rnncli("train", "-", "--horizon", 6, *TINY, "--output", tmp_path / "m.rnn", stdin=content).code == 0


def test_training_falls_back_to_the_cpu_if_the_device_lacks_an_operation(
    rnncli: Command, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rnncli.network import device
    from rnncli.training import train_network

    real = train_network.train

    def lacking(task, data, where, *rest):  # type: ignore[no-untyped-def]
        if where.type != "cpu":
            raise NotImplementedError("The operator 'aten::_cool' is not implemented for the MPS device.\nMore.")
        return real(task, data, where, *rest)

    monkeypatch.setattr(device, "available", lambda: ["cpu", "mps"])
    monkeypatch.setattr(train_network, "train", lacking)

    outcome = rnncli("train", data, "--horizon", 6, *TINY, "--device", "mps", "--output", tmp_path / "m.rnn")

    assert outcome.code == 0
    assert "warning: mps lacks an operation (The operator 'aten::_cool' is not implemented" in outcome.err
    assert (tmp_path / "m.rnn").exists()


def test_one_odd_series_does_not_spoil_the_training_of_all(rnncli: Command, tmp_path: Path) -> None:
    frame = hourly(series=6)
    odd = frame["unique_id"] == "s5"
    quiet = odd & (frame["ds"] < "2024-01-12")
    frame.loc[odd, "y"] = 50 * frame.loc[odd, "y"]
    frame.loc[quiet, "y"] = 1e-7 * frame.loc[quiet, "y"]
    frame.to_parquet(tmp_path / "d.parquet")
    arguments = ("--horizon", 6, "--hidden", 8, "--steps", 60, "--scale", "spread", "--output", tmp_path / "m.rnn")

    assert rnncli("train", tmp_path / "d.parquet", *arguments).code == 0

    card = rnncli("inspect", tmp_path / "m.rnn").out
    assert "SeasonalNaive" in card


@pytest.mark.parametrize("end", [None, 5.0], ids=["empty", "constant"])
def test_validation_windows_without_values_are_reported_and_training_continues(
    rnncli: Command, tmp_path: Path, end: float | None
) -> None:
    frame = hourly(series=1)
    frame.loc[frame.index[-200:], "y"] = end
    frame.to_csv(tmp_path / "d.csv", index=False)

    outcome = rnncli("train", tmp_path / "d.csv", "--horizon", 6, *TINY, "--output", tmp_path / "m.rnn")

    assert outcome.code == 0
    assert "training on all rows: 1/1 networks" in outcome.err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--context", "481"), "--context 481 is longer than the longest series (480 steps)"),
        (("--season", "100000"), "--season 100000 is longer"),
        (("--horizon", "00d"), 'unknown frequency "00d"'),
        (("--freq", "9" * 20 + "h"), "unknown frequency"),
    ],
)
def test_sizes_beyond_the_data_are_refused(
    rnncli: Command, data: Path, tmp_path: Path, options: tuple[str, ...], message: str
) -> None:
    outcome = rnncli("train", data, "--horizon", "6", *options, "--output", tmp_path / "m.rnn")

    assert outcome.code == 2
    assert message in outcome.err


def test_ids_that_look_like_markup_are_shown_as_they_are(rnncli: Command, tmp_path: Path) -> None:
    hourly(series=1).assign(unique_id="a[/b][red]").to_csv(tmp_path / "d.csv", index=False)

    assert 'series "a[/b][red]"' in rnncli("inspect", tmp_path / "d.csv").out


def test_a_model_on_standard_output_is_the_model_file(rnncli: Command, data: Path, tmp_path: Path) -> None:
    command = ("train", data, "--horizon", 6, *TINY, "--output")
    assert rnncli(*command, tmp_path / "m.rnn").code == 0

    process = [sys.executable, "-m", "rnncli", *map(str, command), "-"]
    piped = subprocess.run(process, check=True, capture_output=True).stdout

    assert piped == (tmp_path / "m.rnn").read_bytes()
