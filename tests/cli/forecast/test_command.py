"""rnncli forecast on the command line."""

import io
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet
import pytest

from rnncli.cli import app
from tests import frames
from tests.conftest import Command, hourly


def test_each_series_is_forecast_for_the_horizon(rnncli: Command, model: Path, data: Path) -> None:
    outcome = rnncli("forecast", model, data)

    assert outcome.code == 0
    names = ["rnncli", "rnncli-lo-80", "rnncli-hi-80", "rnncli-lo-95", "rnncli-hi-95"]
    assert list(outcome.table) == ["unique_id", "ds", *names]
    following = pd.date_range("2024-01-21", periods=6, freq="h").strftime("%Y-%m-%d %H:%M:%S")
    assert outcome.table["ds"].tolist() == 3 * following.tolist()
    assert outcome.table["unique_id"].tolist() == ["s0"] * 6 + ["s1"] * 6 + ["s2"] * 6


def test_intervals_are_nested_around_the_point_forecast(rnncli: Command, model: Path, data: Path) -> None:
    table = rnncli("forecast", model, data, "--level", "99,80,50", "--quantiles", "0.3,0.7").table

    order = ["lo-99", "lo-80", "q0.3", "q0.7", "hi-80", "hi-99"]
    assert (np.diff(table[[f"rnncli-{name}" for name in order]], axis=1) >= 0).all()
    assert table["rnncli"].between(table["rnncli-lo-50"], table["rnncli-hi-50"]).all()


def test_an_interval_is_a_pair_of_quantiles(rnncli: Command, model: Path, data: Path) -> None:
    table = rnncli("forecast", model, data, "--level", "62", "--quantiles", "0.19,0.81").table

    assert np.allclose(table["rnncli-lo-62"], table["rnncli-q0.19"])
    assert np.allclose(table["rnncli-hi-62"], table["rnncli-q0.81"])


def test_series_outside_the_training_data_are_forecast(rnncli: Command, model: Path, tmp_path: Path) -> None:
    hourly(series=5, seed=9).to_csv(tmp_path / "new.csv", index=False)

    assert rnncli("forecast", model, tmp_path / "new.csv").table["unique_id"].nunique() == 5


def test_the_forecast_starts_after_the_newest_row(rnncli: Command, model: Path, tmp_path: Path) -> None:
    hourly(days=21).to_csv(tmp_path / "new.csv", index=False)

    assert rnncli("forecast", model, tmp_path / "new.csv").table["ds"].min() == "2024-01-22 00:00:00"


def test_csv_and_parquet_of_the_same_rows_give_the_same_forecast(
    rnncli: Command, model: Path, data: Path, tmp_path: Path
) -> None:
    pd.read_csv(data, parse_dates=["ds"]).sample(frac=1, random_state=1).to_parquet(tmp_path / "d.parquet")

    one, two = rnncli("forecast", model, data), rnncli("forecast", model, tmp_path / "d.parquet")

    assert one.table["rnncli"].tolist() == two.table["rnncli"].tolist()


def test_the_output_has_the_names_ids_and_times_of_the_input(rnncli: Command, tmp_path: Path) -> None:
    frame = hourly(series=2).rename(columns={"unique_id": "shop", "ds": "when", "y": "sold"})
    frame["shop"] = frame["shop"].map({"s0": "007", "s1": 'a "b", c'})
    frame["when"] = frame["when"].dt.strftime("%d/%m/%Y %H:%M")
    frame.to_csv(tmp_path / "d.csv", index=False)
    train = ("train", tmp_path / "d.csv", "--horizon", 3, "--steps", 3, "--hidden", 4, "--output", tmp_path / "m.rnn")
    assert rnncli(*train).code == 0

    out = rnncli("forecast", tmp_path / "m.rnn", tmp_path / "d.csv", "--level", "80").out

    table = pd.read_csv(io.StringIO(out), dtype=str)
    assert list(table) == ["shop", "when", "rnncli", "rnncli-lo-80", "rnncli-hi-80"]
    assert table["shop"].unique().tolist() == ["007", 'a "b", c']
    assert table["when"].tolist() == 2 * ["21/01/2024 00:00", "21/01/2024 01:00", "21/01/2024 02:00"]


def test_the_output_has_the_time_zone_of_the_input(rnncli: Command, tmp_path: Path) -> None:
    frame = hourly()
    frame["ds"] = frame["ds"].dt.tz_localize("Europe/Berlin")
    frame.to_parquet(tmp_path / "d.parquet")
    train = ("train", tmp_path / "d.parquet", "--horizon", 3, "--steps", 3, "--output", tmp_path / "m.rnn")
    assert rnncli(*train).code == 0

    rnncli("forecast", tmp_path / "m.rnn", tmp_path / "d.parquet", "--output", tmp_path / "f.parquet")

    times = pd.read_parquet(tmp_path / "f.parquet")["ds"]
    assert str(times.dt.tz) == "Europe/Berlin"
    assert times.min() == pd.Timestamp("2024-01-21", tz="Europe/Berlin")


@pytest.mark.parametrize(
    "name", ["f.csv", "f.tsv", "f.parquet", "f.jsonl", "f.json", "f.ndjson.gz", "f.arrow", "f.csv.gz"]
)
def test_every_format_holds_the_same_forecast(
    rnncli: Command, model: Path, data: Path, tmp_path: Path, name: str
) -> None:
    expected = rnncli("forecast", model, data).table

    outcome = rnncli("forecast", model, data, "--output", tmp_path / name)

    assert (outcome.code, outcome.out) == (0, "")
    path = tmp_path / name
    if name == "f.parquet":
        read = pyarrow.parquet.read_table(path).to_pandas()
    elif name == "f.arrow":
        read = pyarrow.ipc.open_stream(path.read_bytes()).read_all().to_pandas()
    elif "json" in name:
        read = pd.read_json(path, lines=name != "f.json")
    else:
        read = pd.read_csv(path, sep="\t" if "tsv" in name else ",")
    assert list(read) == list(expected)
    assert np.allclose(read["rnncli"], expected["rnncli"])
    assert read["ds"].astype("datetime64[us]").tolist() == expected["ds"].astype("datetime64[us]").tolist()


def test_a_forecast_reads_as_utilsforecast_wants_it(rnncli: Command, model: Path, data: Path) -> None:
    from utilsforecast.evaluation import evaluate
    from utilsforecast.losses import coverage, mae

    actual = hourly(days=21).astype({"ds": str})
    both = rnncli("forecast", model, data).table.merge(actual, on=["unique_id", "ds"])

    scores = evaluate(both, metrics=[mae, coverage], models=["rnncli"], level=[80])

    assert len(both) == 18
    assert scores["rnncli"].notna().all()


def test_a_series_without_recent_values_is_named_and_left_out(rnncli: Command, model: Path, tmp_path: Path) -> None:
    frame = hourly()
    late = frame["ds"] > "2024-01-10"
    frame.loc[late & (frame["unique_id"] == "s1"), "y"] = None
    frame.to_csv(tmp_path / "d.csv", index=False)

    outcome = rnncli("forecast", model, tmp_path / "d.csv")

    assert outcome.table["unique_id"].unique().tolist() == ["s0", "s2"]
    assert "warning: no forecast for 1 series without a value in the last 48 steps: s1" in outcome.err


def test_a_series_shorter_than_the_context_is_forecast(rnncli: Command, model: Path, tmp_path: Path) -> None:
    hourly(days=1).to_csv(tmp_path / "short.csv", index=False)

    table = rnncli("forecast", model, tmp_path / "short.csv").table

    assert len(table) == 18
    assert table.notna().all(axis=None)


def test_a_table_of_another_frequency_is_refused(rnncli: Command, model: Path, tmp_path: Path) -> None:
    daily = hourly().assign(ds=pd.date_range("2020-01-01", periods=480).tolist() * 3)
    daily.to_csv(tmp_path / "daily.csv", index=False)

    outcome = rnncli("forecast", model, tmp_path / "daily.csv")

    assert (outcome.code, outcome.out) == (3, "")
    assert "daily.csv: the frequency must be that of the training data (found D, expected h)" in outcome.err


def test_a_table_without_the_models_columns_is_refused(rnncli: Command, model: Path, tmp_path: Path) -> None:
    hourly().rename(columns={"y": "load"}).to_csv(tmp_path / "d.csv", index=False)

    outcome = rnncli("forecast", model, tmp_path / "d.csv")

    assert (outcome.code, outcome.out) == (3, "")
    assert 'no column "y" (columns: "unique_id", "ds", "load")' in outcome.err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--level", "101"), '--level "101" must be less than or equal to 99.99'),
        (("--level", "eighty"), '--level "eighty" must be a valid number'),
        (("--quantiles", "0"), '--quantiles "0" must be greater than or equal to 0.0001'),
        (("--format", "xml"), '"xml" must be one of'),
        (("--output", "none/f.csv"), "there is no folder"),
        (("--output", "f.xlsx"), "unknown suffix"),
        (("--device", "cuda"), "--device cuda: not available (found cpu)"),
    ],
)
def test_a_wrong_request_is_refused(
    rnncli: Command, model: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    options: tuple[str, ...], message: str,
) -> None:  # fmt: skip
    from rnncli.network import device

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(device, "available", lambda: ["cpu"])

    outcome = rnncli("forecast", model, data, *options)

    assert (outcome.code, outcome.out) == (2, "")
    assert message in outcome.err
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_an_error_and_leaves_the_old_file(model: Path, data: Path, tmp_path: Path) -> None:
    (tmp_path / "f.csv").write_text("old")
    code = (
        "import resource, signal\nfrom rnncli.cli import app\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\nresource.setrlimit(resource.RLIMIT_FSIZE, (500, 500))\n"
        f"raise SystemExit(app.run(['forecast', {str(model)!r}, {str(data)!r}, '--output', 'f.csv']))"
    )

    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout) == (2, "")
    assert "error: cannot write" in done.stderr
    assert (tmp_path / "f.csv").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["f.csv"]


def test_a_reader_that_leaves_early_is_no_failure(model: Path, data: Path) -> None:
    command = f"{sys.executable} -m rnncli forecast {model} {data} --quantiles $(seq -s, 0.001 0.001 0.999) | head -1"

    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("unique_id,ds,rnncli,")


def test_a_terminal_shows_a_plot_and_a_table(model: Path, data: Path) -> None:
    import pexpect

    arguments = ["-m", "rnncli", "forecast", str(model), str(data), "--level", "80"]
    screen = pexpect.run(f"{sys.executable} {' '.join(arguments)}", dimensions=(24, 80), timeout=300).decode()

    assert "s0: the last 18 steps and the next 6" in screen
    assert "●" in screen
    assert "2024-01-21 05:00:00" in screen
    plain = re.sub(r"\x1b\[[0-9;]*m", "", screen)
    assert max(len(line) for line in plain.splitlines()) <= 80


def test_the_same_forecast_twice_is_the_same_bytes(rnncli: Command, model: Path, data: Path, tmp_path: Path) -> None:
    for name in ("1.parquet", "2.parquet"):
        rnncli("forecast", model, data, "--output", tmp_path / name)

    assert (tmp_path / "1.parquet").read_bytes() == (tmp_path / "2.parquet").read_bytes()


@pytest.mark.parametrize("written", ["data", "model"])
def test_an_input_cannot_be_the_output(rnncli: Command, model: Path, data: Path, written: str) -> None:
    target = {"data": data, "model": model}[written]
    before = target.read_bytes()

    outcome = rnncli("forecast", model, data, "--output", target)

    assert outcome.code == 2
    assert "it is an input" in outcome.err
    assert target.read_bytes() == before


def test_columns_named_like_forecasts_are_refused(rnncli: Command, tmp_path: Path) -> None:
    hourly(series=1)[["ds", "y"]].rename(columns={"ds": "rnncli"}).to_csv(tmp_path / "d.csv", index=False)
    train = ("train", tmp_path / "d.csv", "--horizon", 3, "--steps", 3, "--output", tmp_path / "m.rnn")
    assert rnncli(*train).code == 0

    outcome = rnncli("forecast", tmp_path / "m.rnn", tmp_path / "d.csv")

    assert (outcome.code, outcome.out) == (3, "")
    assert 'column "rnncli": a forecast column has the same name' in outcome.err


def test_a_constant_series_is_forecast_to_stay(rnncli: Command, model: Path, tmp_path: Path) -> None:
    hourly().assign(y=5).to_csv(tmp_path / "d.csv", index=False)

    assert (rnncli("forecast", model, tmp_path / "d.csv").table["rnncli"] == 5).all()


def test_a_large_mean_keeps_the_significant_digits(rnncli: Command, tmp_path: Path) -> None:
    hourly(series=1).assign(y=lambda one: 1e9 + one["y"] / 10).to_csv(tmp_path / "d.csv", index=False)
    train = ("train", tmp_path / "d.csv", "--horizon", 6, "--steps", 3, "--output", tmp_path / "m.rnn")
    assert rnncli(*train).code == 0

    forecast = rnncli("forecast", tmp_path / "m.rnn", tmp_path / "d.csv").table["rnncli"]

    assert ((forecast - 1e9).round(4) % 1 != 0).all()
    assert forecast.nunique() == 6


def test_midnight_without_its_time_of_day_loses_no_hours(rnncli: Command, model: Path, tmp_path: Path) -> None:
    texts = hourly().assign(ds=lambda one: one["ds"].dt.strftime("%Y-%m-%d %H:%M:%S").str.removesuffix(" 00:00:00"))
    texts.to_csv(tmp_path / "d.csv", index=False)

    times = rnncli("forecast", model, tmp_path / "d.csv").table["ds"]

    assert times[:2].tolist() == ["2024-01-21 00:00", "2024-01-21 01:00"]


def test_a_few_rows_of_another_frequency_are_refused(rnncli: Command, model: Path, tmp_path: Path) -> None:
    days = pd.DataFrame({"unique_id": "a", "ds": pd.date_range("2024-01-01", periods=9), "y": range(9)})
    days.to_csv(tmp_path / "d.csv", index=False)

    assert rnncli("forecast", model, tmp_path / "d.csv").code == 3


def test_values_without_a_logarithm_give_a_warning(rnncli: Command, model: Path, tmp_path: Path) -> None:
    hourly().assign(y=lambda one: one["y"] - 12).to_csv(tmp_path / "d.csv", index=False)

    assert "warning: the model takes logarithms" in rnncli("forecast", model, tmp_path / "d.csv").err


def test_sample_paths_are_temporally_dependent_and_match_the_intervals(
    rnncli: Command, model: Path, data: Path
) -> None:
    table = rnncli("forecast", model, data, "--samples", 50, "--level", "90").table

    paths = table.filter(like="rnncli-sample-")
    assert paths.shape == (18, 50)
    assert rnncli("forecast", model, data, "--samples", 50, "--level", "90").table.equals(table)
    inside = paths.ge(table["rnncli-lo-90"], axis=0) & paths.le(table["rnncli-hi-90"], axis=0)
    assert 0.7 < inside.to_numpy().mean() <= 1
    totals = paths.groupby(table["unique_id"]).sum()
    assert (totals.std(axis=1) > 0).all()


def test_calibration_can_be_switched_off_and_changes_no_point_forecast(
    rnncli: Command, model: Path, data: Path
) -> None:
    corrected, raw = (rnncli("forecast", model, data, *option).table for option in ((), ("--no-conformal",)))

    assert np.allclose(corrected["rnncli"], raw["rnncli"], rtol=1e-5)  # they are rounded to a share of the width
    assert not np.allclose(corrected["rnncli-hi-80"], raw["rnncli-hi-80"])


def test_the_point_forecast_can_be_the_mean(rnncli: Command, model: Path, data: Path) -> None:
    median, mean = (
        rnncli("forecast", model, data, "--quantiles", 0.5, "--point", point).table for point in ("median", "mean")
    )

    assert np.allclose(median["rnncli"], median["rnncli-q0.5"])
    assert not np.allclose(mean["rnncli"], mean["rnncli-q0.5"])


def test_a_model_without_validation_windows_has_no_sample_paths(rnncli: Command, tmp_path: Path) -> None:
    rows = pd.DataFrame({"id": np.repeat(np.arange(5), 20), "ds": np.tile(np.arange(20), 5)})
    rows.assign(y=np.sin(rows["ds"]) + rows["id"]).to_csv(tmp_path / "d.csv", index=False)
    assert rnncli("train", tmp_path / "d.csv", "-H", 12, "--steps", 5, "--output", tmp_path / "m.rnn").code == 0

    outcome = rnncli("forecast", tmp_path / "m.rnn", tmp_path / "d.csv", "--samples", 3)

    assert (outcome.code, outcome.out) == (2, "")
    assert "sample paths require validation windows" in outcome.err


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `past.csv`, whose `heat` is known, `coming.csv`, and a model `m.rnn`."""
    folder = tmp_path_factory.mktemp("told")
    frame = hourly(days=12)
    frame["heat"] = np.random.default_rng(0).random(len(frame)).round(3)
    late = frame.groupby("unique_id").cumcount(ascending=False) < 6
    frame[~late].to_csv(folder / "past.csv", index=False)
    frame[late].drop(columns="y").to_csv(folder / "coming.csv", index=False)
    frame.assign(y=frame["y"].where(~late)).to_csv(folder / "both.csv", index=False)
    arguments = ("train", folder / "past.csv", "-H", "6", "--known", "heat", "--holidays", "DE", "--steps", "20")
    more = ("--target", "y", "--hidden", "8", "--context", "48", "--season", "24", "--output", folder / "m.rnn")
    assert app.run([str(argument) for argument in (*arguments, *more)]) == 0
    return folder


def test_known_covariates_in_a_file_give_the_forecast_of_those_in_the_table(rnncli: Command, told: Path) -> None:
    one = rnncli("forecast", told / "m.rnn", told / "both.csv")
    other = rnncli("forecast", told / "m.rnn", told / "past.csv", "--future", told / "coming.csv")

    assert one.code == other.code == 0
    assert one.out == other.out
    assert len(one.table) == 18


def test_missing_known_covariates_are_named(rnncli: Command, told: Path) -> None:
    outcome = rnncli("forecast", told / "m.rnn", told / "past.csv")

    assert (outcome.code, outcome.out) == (3, "")
    assert (
        'series "s0": known column "heat" has no value for 2024-01-12 18:00 to 2024-01-12 23:00 (and 2 more series)'
        in outcome.err
    )


def test_a_model_that_dropped_its_covariates_needs_no_future(rnncli: Command, told: Path, tmp_path: Path) -> None:
    made = rnncli(
        *("train", told / "past.csv", "-H", "6", "--known", "heat", "--no-covariates", "--steps", "5", "--target", "y"),
        *("--hidden", "4", "--context", "24", "--season", "24", "--output", tmp_path / "m.rnn"),
    )
    assert made.code == 0

    outcome = rnncli("forecast", tmp_path / "m.rnn", told / "past.csv")

    assert outcome.code == 0
    assert outcome.out == rnncli("forecast", tmp_path / "m.rnn", told / "both.csv").out
    assert len(outcome.table) == 18


def test_a_filled_in_template_serves_as_future(rnncli: Command, told: Path, tmp_path: Path) -> None:
    outcome = rnncli("forecast", told / "m.rnn", told / "past.csv", "--future-template", tmp_path / "coming.csv")
    assert (outcome.code, outcome.out) == (0, "")

    laid_out = pd.read_csv(tmp_path / "coming.csv")
    assert laid_out["heat"].isna().all()
    laid_out.assign(heat=pd.read_csv(told / "coming.csv")["heat"]).to_csv(tmp_path / "coming.csv", index=False)

    filled = rnncli("forecast", told / "m.rnn", told / "past.csv", "--future", tmp_path / "coming.csv")
    assert filled.out == rnncli("forecast", told / "m.rnn", told / "both.csv").out


@pytest.mark.parametrize("option", ["--future", "--future-template"])
def test_a_future_is_refused_for_models_without_known_covariates(
    rnncli: Command, model: Path, data: Path, option: str
) -> None:
    outcome = rnncli("forecast", model, data, option, "f.csv")

    assert outcome.code == 2
    assert "no covariates known in advance" in outcome.err


def test_only_one_table_can_be_standard_input(rnncli: Command, told: Path) -> None:
    outcome = rnncli("forecast", told / "m.rnn", "-", "--future", "-", stdin=b"")

    assert outcome.code == 2
    assert "cannot both be standard input" in outcome.err


def test_an_error_in_the_future_names_its_file(rnncli: Command, told: Path, tmp_path: Path) -> None:
    (tmp_path / "f.csv").write_text("unique_id,ds\ns0,2024-01-12 18:00\n")

    outcome = rnncli("forecast", told / "m.rnn", told / "past.csv", "--future", tmp_path / "f.csv")

    assert outcome.code == 3
    assert f'{tmp_path / "f.csv"}: there is no column "heat"' in outcome.err


def test_a_model_with_known_columns_is_evaluated_on_windows_of_its_table(rnncli: Command, told: Path) -> None:
    outcome = rnncli("evaluate", told / "m.rnn", told / "both.csv", "--windows", "2")

    assert outcome.code == 0
    assert outcome.table["model"].tolist()[0] == "rnncli"


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_forecasts_do_not_depend_on_the_batch_size(
    rnncli: Command, model: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    options = ("--samples", "3", "--output")
    rnncli("forecast", model, data, *options, tmp_path / f"whole.{suffix}")
    monkeypatch.setattr("rnncli.model.graph.engine.VALUES_AT_ONCE", 1)  # a series at a time
    rnncli("forecast", model, data, *options, tmp_path / f"parts.{suffix}")

    whole, parts = (frames.read(str(tmp_path / f"{name}.{suffix}")) for name in ("whole", "parts"))
    pd.testing.assert_frame_equal(whole, parts, rtol=1e-5)


def trained(folder: Path, frame: pd.DataFrame, *options: str) -> None:
    frame.to_csv(folder / "t.csv", index=False)
    plain = ("-H", "6", "--target", "y", "--steps", "10", "--hidden", "4", "--context", "24", "--season", "24")
    assert app.run(["train", str(folder / "t.csv"), *plain, *options, "--output", str(folder / "m.rnn")]) == 0


def test_a_model_with_only_static_covariates_forecasts(rnncli: Command, tmp_path: Path) -> None:
    frame = hourly(days=5)
    trained(tmp_path, frame.assign(size=frame["unique_id"].str[1:].astype(int)), "--static", "size")

    assert rnncli("forecast", tmp_path / "m.rnn", tmp_path / "t.csv").code == 0


def test_weights_are_for_training_only(rnncli: Command, tmp_path: Path) -> None:
    frame = hourly(days=5)
    trained(tmp_path, frame.assign(w=1.0), "--weight", "w")
    frame.to_csv(tmp_path / "later.csv", index=False)

    assert rnncli("forecast", tmp_path / "m.rnn", tmp_path / "later.csv").code == 0
    assert rnncli("evaluate", tmp_path / "m.rnn", tmp_path / "later.csv").code == 0


def test_holidays_other_than_those_of_the_model_are_refused(rnncli: Command, told: Path) -> None:
    outcome = rnncli("forecast", told / "m.rnn", told / "both.csv", "--holidays", "FR")

    assert outcome.code == 2
    assert "the model was trained with DE" in outcome.err


def test_categories_outside_the_training_data_are_counted(rnncli: Command, tmp_path: Path) -> None:
    frame = hourly(days=5)
    frame["sky"] = np.where(frame.index % 3 == 0, "sun", "rain")
    trained(tmp_path, frame, "--past", "sky")
    frame.assign(sky=frame["sky"].replace("sun", "hail")).to_csv(tmp_path / "later.csv", index=False)

    outcome = rnncli("forecast", tmp_path / "m.rnn", tmp_path / "later.csv")

    assert '"sky" has categories that were not in the training data (24 values)' in outcome.err


def test_a_series_that_ended_long_ago_does_not_stop_the_others(rnncli: Command, told: Path, tmp_path: Path) -> None:
    frame = pd.read_csv(told / "both.csv")
    gone = frame[frame["unique_id"] == "s0"].head(200).assign(unique_id="gone")
    pd.concat([frame, gone]).to_csv(tmp_path / "t.csv", index=False)

    outcome = rnncli("forecast", told / "m.rnn", tmp_path / "t.csv")

    assert outcome.code == 0
    assert "no forecast for 1 series that ended: no known covariates follow: gone" in outcome.err
    assert outcome.table["unique_id"].unique().tolist() == ["s0", "s1", "s2"]


def test_both_engines_forecast_the_same_and_the_report_names_them(
    rnncli: Command, model: Path, data: Path, tmp_path: Path
) -> None:
    reports, tables = [], []
    for engine in ("auto", "torch"):
        outcome = rnncli("forecast", model, data, "--engine", engine, "--report", tmp_path / engine)
        tables.append(outcome.table)
        reports.append(json.loads((tmp_path / engine).read_text()))

    assert [report["engine"] for report in reports] == ["numpy", "torch"]
    numpy, torch = tables
    pd.testing.assert_frame_equal(numpy, torch, rtol=1e-5)


def test_an_engine_that_cannot_forecast_is_refused(rnncli: Command, model: Path, data: Path, tmp_path: Path) -> None:
    outcome = rnncli("forecast", model, data, "--engine", "numpy", "--device", "cuda")
    assert (outcome.code, outcome.out) == (2, "")
    assert "--engine numpy computes on the CPU, not on cuda" in outcome.err

    trained(tmp_path, hourly(days=5), "--engine", "torch")
    outcome = rnncli("forecast", tmp_path / "m.rnn", tmp_path / "t.csv", "--engine", "numpy")
    assert (outcome.code, outcome.out) == (2, "")
    assert "--engine numpy: the model has no graphs" in outcome.err
