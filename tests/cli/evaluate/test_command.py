"""rnncli evaluate on the command line."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from utilsforecast import losses
from utilsforecast.evaluation import evaluate

from rnncli.evaluation.significance import Difference
from tests.conftest import Command, hourly


def test_the_model_and_the_baselines_are_scored_in_one_table(rnncli: Command, model: Path, data: Path) -> None:
    outcome = rnncli("evaluate", model, data)

    assert outcome.code == 0
    assert outcome.table["model"].tolist() == ["rnncli", "Naive", "SeasonalNaive", "Drift", "WindowAverage"]
    assert list(outcome.table)[1:] == ["MASE", "MAE", "RMSE", "sMAPE", "WQL", "coverage-80", "coverage-95"]
    assert outcome.table.notna().all(axis=None)


def test_the_scores_are_those_of_a_forecast_from_the_table_without_the_last_rows(
    rnncli: Command, model: Path, data: Path, tmp_path: Path
) -> None:
    frame = pd.read_csv(data)
    last = frame.groupby("unique_id").tail(6)
    frame.drop(index=last.index).to_csv(tmp_path / "early.csv", index=False)
    both = rnncli("forecast", model, tmp_path / "early.csv").table.merge(last, on=["unique_id", "ds"])

    scores = rnncli("evaluate", model, data).table.set_index("model")

    assert scores.loc["rnncli", "MAE"] == pytest.approx((both["rnncli"] - both["y"]).abs().mean())
    inside = both["y"].between(both["rnncli-lo-80"], both["rnncli-hi-80"])
    assert scores.loc["rnncli", "coverage-80"] == pytest.approx(inside.mean())


def test_it_reports_whether_the_network_was_trained_on_the_rows(
    rnncli: Command, model: Path, data: Path, tmp_path: Path
) -> None:
    hourly(days=30).to_csv(tmp_path / "new.csv", index=False)
    unrefitted = ("--no-refit", "--horizon", 6, "--steps", 5, "--hidden", 4, "--output", tmp_path / "m.rnn")
    assert rnncli("train", data, *unrefitted).code == 0

    assert "these rows were held out" in rnncli("evaluate", tmp_path / "m.rnn", data).err
    assert "were trained on rows up to 2024-01-20 23:00" in rnncli("evaluate", model, data).err
    assert "were trained on rows" in rnncli("evaluate", tmp_path / "m.rnn", data, "--windows", 50).err
    assert "all scored rows are newer" in rnncli("evaluate", model, tmp_path / "new.csv").err


def test_more_windows_can_be_scored(rnncli: Command, model: Path, data: Path) -> None:
    assert "scored: 12 windows of 6 steps" in rnncli("evaluate", model, data, "--windows", 4).err


def test_windows_that_do_not_fit_are_counted(rnncli: Command, model: Path, data: Path) -> None:
    assert "scored: 237 of 300 windows" in rnncli("evaluate", model, data, "--windows", 100).err


def test_metrics_are_explained(rnncli: Command, model: Path, data: Path) -> None:
    outcome = rnncli("evaluate", model, data, "--format", "table", "--explain")

    assert "SeasonalNaive" in outcome.out
    assert "sMAPE: mean of 200 |y - f| / (|y| + |f|)" in outcome.err


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (("--windows", "0"), 2, "--windows must be at least 1"),
        (("--format", "xls"), 2, '"xls" must be one of'),
        (("--target", "z"), 3, 'no column "z"'),
    ],
)
def test_unsuitable_requests_and_tables_are_refused(
    rnncli: Command, model: Path, data: Path, options: tuple[str, ...], code: int, message: str
) -> None:
    outcome = rnncli("evaluate", model, data, *options)

    assert (outcome.code, outcome.out) == (code, "")
    assert message in outcome.err


def test_the_quantile_loss_does_not_depend_on_the_intervals(rnncli: Command, model: Path, data: Path) -> None:
    one, two = (rnncli("evaluate", model, data, "--level", level).table["WQL"] for level in ("80,95", "50,60,70,99"))

    assert one.tolist() == two.tolist()


def test_a_table_in_a_zone_is_scored(rnncli: Command, model: Path, tmp_path: Path) -> None:
    frame = hourly()
    frame.assign(ds=frame["ds"].dt.tz_localize("Europe/Berlin")).to_parquet(tmp_path / "d.parquet")

    assert rnncli("evaluate", model, tmp_path / "d.parquet").code == 0


def test_windows_have_a_step_in_rows_or_time_and_metrics_are_selected(rnncli: Command, model: Path, data: Path) -> None:
    by_rows = rnncli("evaluate", model, data, "--windows", 4, "--step", 2, "--metrics", "mse,RMSSE")
    by_time = rnncli("evaluate", model, data, "--windows", 4, "--step", "2h", "--metrics", "MSE,rmsse")

    assert by_rows.out == by_time.out
    assert by_rows.table.columns.tolist() == ["model", "MSE", "RMSSE"]
    assert "scored: 12 windows of 6 steps, the earliest from 2024-01-20 12:00" in by_rows.err


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--step", "0", "--step must be 1 to"),
        ("--step", "90min", '--step "90min"'),
        ("--metrics", "mapse", '--metrics "mapse" must be one of MAE, MSE'),
        ("--metrics", "", "--metrics"),
    ],
)
def test_wrong_steps_and_metrics_are_refused(
    rnncli: Command, model: Path, data: Path, option: str, value: str, message: str
) -> None:
    outcome = rnncli("evaluate", model, data, option, value)

    assert outcome.code == 2
    assert outcome.out == ""
    assert message in outcome.err


def test_the_help_names_every_metric() -> None:
    from rnncli.cli.evaluate import request
    from rnncli.cli.evaluate.command import METRICS_HELP
    from rnncli.evaluation import metrics

    assert METRICS_HELP.startswith(f"Metrics: {', '.join(metrics.METRICS)};")
    assert METRICS_HELP.endswith(
        f"[default: {','.join(metrics.DEFAULT_METRICS)}; with --compare {','.join(request.COMPARISON_METRICS)}]"
    )


def test_the_overall_weighted_average_is_relative_to_naive2(rnncli: Command, model: Path, data: Path) -> None:
    table = rnncli("evaluate", model, data, "--metrics", "owa,smape,mase").table.set_index("model")

    relative = table[["sMAPE", "MASE"]] / table.loc["Naive2", ["sMAPE", "MASE"]]
    assert table["OWA"].tolist() == pytest.approx(relative.mean(axis=1).tolist())


@pytest.mark.parametrize(
    ("by", "groups"), [("horizon", 6), ("series", 3), ("unique_id", 3), ("window", 4), ("week", 1), ("shop", 2)]
)
def test_scores_are_broken_down(rnncli: Command, model: Path, tmp_path: Path, by: str, groups: int) -> None:
    frame = hourly()
    frame.assign(shop=frame["unique_id"].map({"s0": "a", "s1": "b", "s2": "a"})).to_csv(tmp_path / "d.csv", index=False)

    whole = rnncli("evaluate", model, tmp_path / "d.csv", "--windows", 4, "--metrics", "mae,coverage").table
    parts = rnncli("evaluate", model, tmp_path / "d.csv", "--windows", 4, "--by", by, "--metrics", "mae,coverage").table

    assert parts.shape == (groups * 5, 6)
    own = parts[parts["model"] == "rnncli"]
    for name in ("MAE", "coverage-80"):
        mean = (own[name] * own["windows"]).sum() / own["windows"].sum()
        assert mean == pytest.approx(whole.set_index("model").loc["rnncli", name])


def test_the_breakdown_on_a_terminal_shows_the_worst_series(rnncli: Command, model: Path, tmp_path: Path) -> None:
    hourly(series=12, days=8).to_csv(tmp_path / "many.csv", index=False)

    out = rnncli("evaluate", model, tmp_path / "many.csv", "--by", "series", "--format", "table").out

    assert "(the 10 worst of 12 series" in out
    errors = [float(line.split()[2]) for line in out.splitlines() if line.startswith("s") and line.split()[1] == "1"]
    assert len(errors) == 10
    assert errors == sorted(errors, reverse=True)


def test_json_contains_scores_and_differences(rnncli: Command, model: Path, data: Path) -> None:
    outcome = rnncli(
        "evaluate", model, data, "--windows", 5, "--format", "json", "--metrics", "mase,msis", "--by", "window"
    )

    found = json.loads(outcome.out)
    assert found["windows"] == 15
    assert set(found["scores"]["rnncli"]) == {"MASE", "MSIS-80", "MSIS-95"}
    difference = found["differences"]["Naive"]
    ratio = found["scores"]["rnncli"]["MASE"] / found["scores"]["Naive"]["MASE"]
    assert difference["gain"] == pytest.approx(1 - ratio)
    assert difference["verdict"] in ("better", "worse", "unknown")
    assert len(found["by"]) == 25


def test_the_forecasts_of_every_window_are_a_table_that_utilsforecast_reads(
    rnncli: Command, model: Path, data: Path, tmp_path: Path
) -> None:
    options = ("--windows", 4, "--step", 3, "--output", tmp_path / "cv.parquet", "--metrics", "mae,coverage")
    scores = rnncli("evaluate", model, data, *options).table.set_index("model")

    table = pd.read_parquet(tmp_path / "cv.parquet")

    assert list(table)[:9] == [
        "unique_id",
        "ds",
        "cutoff",
        "y",
        *(f"rnncli{end}" for end in ("", "-lo-80", "-hi-80", "-lo-95", "-hi-95")),
    ]
    assert table.groupby("unique_id", observed=True)["cutoff"].nunique().tolist() == [4, 4, 4]
    assert (table["ds"] > table["cutoff"]).all()
    assert table[["unique_id", "ds", "cutoff"]].duplicated().sum() == 0
    windows = table.assign(unique_id=table["unique_id"].astype(str) + table["cutoff"].astype(str))
    expected = evaluate(windows, metrics=[losses.mae, losses.coverage], models=["rnncli", "Drift"], level=[80])
    means = expected.groupby("metric")[["rnncli", "Drift"]].mean()
    for method in ("rnncli", "Drift"):
        assert scores.loc[method, "MAE"] == pytest.approx(means.loc["mae", method])
        assert scores.loc[method, "coverage-80"] == pytest.approx(means.loc["coverage_level80", method])


@pytest.mark.parametrize(
    ("gates", "code"),
    [
        (("mase > 100", "coverage-80 < 0.01", "worse than SeasonalNaive"), 0),
        (("mase > 0.0001",), 6),
        (("mase > 100", "WIDTH-95 >= 0"), 6),
    ],
)
def test_a_condition_that_holds_sets_the_exit_code_and_the_scores_are_still_written(
    rnncli: Command, workplace: Path, gates: tuple[str, ...], code: int
) -> None:
    asked = [part for gate in gates for part in ("--fail-if", gate)]

    outcome = rnncli("evaluate", workplace / "data.rnn", workplace / "data.csv", *asked)

    assert outcome.code == code
    assert len(outcome.table) == 5
    assert (f"error: --fail-if {gates[-1]}: " in outcome.err) is (code == 6)


def test_a_condition_tests_the_verdict_whatever_the_words(
    rnncli: Command, model: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Difference, "verdict", "worse")
    monkeypatch.setattr("rnncli.cli.comparison_words.difference_words", lambda _, other: f"the model loses to {other}")

    outcome = rnncli("evaluate", model, data, "--fail-if", "worse than Naive")

    assert outcome.code == 6
    assert outcome.err.endswith("error: --fail-if worse than Naive: the model loses to Naive\n")


def test_networks_are_retrained_on_rows_before_the_windows_only(
    rnncli: Command, model: Path, data: Path, tmp_path: Path
) -> None:
    frame = pd.read_csv(data)
    late = frame.groupby("unique_id").cumcount(ascending=False) < 6
    frame.assign(y=frame["y"].where(~late, 1e5)).to_csv(tmp_path / "shifted.csv", index=False)
    made = []
    for name in (data, tmp_path / "shifted.csv"):
        options = ("--windows", 3, "--refit", 2, "--output", tmp_path / "cv.parquet")
        assert rnncli("evaluate", model, name, *options).code == 0
        made.append(pd.read_parquet(tmp_path / "cv.parquet").filter(like="rnncli"))
    kept = ("--windows", 3, "--output", tmp_path / "cv.parquet")
    assert rnncli("evaluate", model, data, *kept).code == 0

    pd.testing.assert_frame_equal(made[0], made[1])
    assert not np.allclose(made[0], pd.read_parquet(tmp_path / "cv.parquet").filter(like="rnncli"))


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (("--refit", "0"), 2, "--refit must be never, every"),
        (("--refit", "often"), 2, 'not "often"'),
        (("--by", "y2"), 3, 'by "y2": no such column'),
        (("--by", "ds"), 3, 'it changes within series "s0"'),
        (("--fail-if", "mase"), 2, "not a condition. Write it as 'mase > 1.0'"),
        (("--fail-if", "coverage-70 < 0.5"), 2, '"coverage-70" must be one of'),
        (("--fail-if", "worse than Naive", "--metrics", "coverage"), 2, "in --metrics"),
        (("--refit", "every", "--windows", "79"), 3, "fewer --windows"),
        (("--output", "nowhere/cv.csv"), 2, "nowhere"),
    ],
)
def test_wrong_requests_of_a_backtest_are_refused(
    rnncli: Command, model: Path, data: Path, options: tuple[str, ...], code: int, message: str
) -> None:
    outcome = rnncli("evaluate", model, data, *options)

    assert (outcome.code, outcome.out) == (code, "")
    assert message in outcome.err


def test_a_single_series_without_an_id_is_scored(rnncli: Command, tmp_path: Path) -> None:
    hourly(series=1).drop(columns="unique_id").to_csv(tmp_path / "one.csv", index=False)
    model = tmp_path / "m.rnn"
    assert rnncli("train", tmp_path / "one.csv", "-H", 6, "--steps", 5, "--hidden", 4, "-o", model).code == 0

    plain = rnncli("evaluate", model, tmp_path / "one.csv", "--windows", 6)
    refused = rnncli("evaluate", model, tmp_path / "one.csv", "--by", "shop")

    assert (plain.code, len(plain.table)) == (0, 5)
    assert (refused.code, refused.out) == (3, "")
    assert "has no column of series ids" in refused.err


def test_series_without_a_value_in_the_column_form_a_group(rnncli: Command, model: Path, tmp_path: Path) -> None:
    frame = hourly()
    frame.assign(shop=frame["unique_id"].map({"s0": "a", "s1": "b"})).to_csv(tmp_path / "d.csv", index=False)

    outcome = rnncli("evaluate", model, tmp_path / "d.csv", "--by", "shop")

    assert outcome.code == 0, outcome.err
    assert outcome.table["shop"].isna().sum() == 5


def test_a_column_named_like_a_score_is_refused_as_group(rnncli: Command, model: Path, tmp_path: Path) -> None:
    hourly().assign(model="x").to_csv(tmp_path / "d.csv", index=False)

    outcome = rnncli("evaluate", model, tmp_path / "d.csv", "--by", "model", "--format", "table")

    assert (outcome.code, outcome.out) == (3, "")
    assert "Rename the column" in outcome.err


def test_the_windows_of_a_wide_table_can_be_scored_again(rnncli: Command, tmp_path: Path) -> None:
    wide = hourly().pivot_table(index="ds", columns="unique_id", values="y").reset_index()
    wide.to_csv(tmp_path / "wide.csv", index=False)
    model, windows = tmp_path / "m.rnn", tmp_path / "cv.parquet"
    quick = ("--layout", "wide", "-H", 6, "--steps", 5, "--hidden", 4)
    assert rnncli("train", tmp_path / "wide.csv", *quick, "--output", model).code == 0
    scores = rnncli("evaluate", model, tmp_path / "wide.csv", "--output", windows).table.set_index("model")

    again = rnncli("evaluate", windows, tmp_path / "wide.csv", "--layout", "wide", "--reference", model)

    assert again.code == 0, again.err
    assert set(again.table["model"]) == set(scores.index)
    assert again.table.set_index("model").loc["rnncli", "MASE"] == pytest.approx(scores.loc["rnncli", "MASE"])
