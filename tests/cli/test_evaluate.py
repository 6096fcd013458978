"""rnncli evaluate at the prompt."""

from pathlib import Path

import pandas as pd
import pytest

from tests.conftest import Command, hourly


def test_the_model_and_the_baselines_are_scored_in_one_table(rnncli: Command, model: Path, data: Path) -> None:
    outcome = rnncli("evaluate", model, data)

    assert outcome.code == 0
    assert outcome.table["model"].tolist() == ["rnncli", "Naive", "SeasonalNaive"]
    assert list(outcome.table)[1:] == ["MAE", "RMSE", "MASE", "sMAPE", "WQL", "cover 80", "cover 95"]
    assert outcome.table.drop(columns=["cover 80", "cover 95"]).notna().all(axis=None)


def test_the_scores_are_those_of_the_forecast_that_is_made_without_the_last_rows(
    rnncli: Command, model: Path, data: Path, tmp_path: Path
) -> None:
    frame = pd.read_csv(data)
    last = frame.groupby("unique_id").tail(6)
    frame.drop(index=last.index).to_csv(tmp_path / "early.csv", index=False)
    both = rnncli("forecast", model, tmp_path / "early.csv").table.merge(last, on=["unique_id", "ds"])

    scores = rnncli("evaluate", model, data).table.set_index("model")

    assert scores.loc["rnncli", "MAE"] == pytest.approx((both["rnncli"] - both["y"]).abs().mean())
    inside = both["y"].between(both["rnncli-lo-80"], both["rnncli-hi-80"])
    assert scores.loc["rnncli", "cover 80"] == pytest.approx(inside.mean())


def test_it_says_whether_the_network_knew_the_rows(rnncli: Command, model: Path, data: Path, tmp_path: Path) -> None:
    hourly(days=30).to_csv(tmp_path / "new.csv", index=False)
    unrefitted = ("--no-refit", "--horizon", 6, "--steps", 5, "--hidden", 4, "--output", tmp_path / "m.rnn")
    assert rnncli("train", data, *unrefitted).code == 0

    assert "never trained on these rows" in rnncli("evaluate", tmp_path / "m.rnn", data).err
    assert "were trained on rows up to 2024-01-20 23:00" in rnncli("evaluate", model, data).err
    assert "were trained on rows" in rnncli("evaluate", tmp_path / "m.rnn", data, "--windows", 50).err
    assert "all of these rows are newer" in rnncli("evaluate", model, tmp_path / "new.csv").err


def test_more_windows_can_be_scored(rnncli: Command, model: Path, data: Path) -> None:
    assert "scored: 12 windows of 6 steps" in rnncli("evaluate", model, data, "--windows", 4).err


def test_windows_that_do_not_fit_are_counted(rnncli: Command, model: Path, data: Path) -> None:
    assert "scored: 237 of 300 windows" in rnncli("evaluate", model, data, "--windows", 100).err


def test_a_table_explains_its_metrics(rnncli: Command, model: Path, data: Path) -> None:
    outcome = rnncli("evaluate", model, data, "--format", "table")

    assert "SeasonalNaive" in outcome.out
    assert "sMAPE: mean of 200 |y - f| / (|y| + |f|)" in outcome.err


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (("--windows", "0"), 2, "--windows 0 is none"),
        (("--format", "parquet"), 2, '--format "parquet" is none of'),
        (("--target", "z"), 3, 'no column "z"'),
    ],
)
def test_what_cannot_be_scored_is_refused(
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


def test_windows_may_be_steps_or_a_duration_apart_and_metrics_picked(rnncli: Command, model: Path, data: Path) -> None:
    by_rows = rnncli("evaluate", model, data, "--windows", 4, "--step", 2, "--metrics", "mse,RMSSE")
    by_time = rnncli("evaluate", model, data, "--windows", 4, "--step", "2h", "--metrics", "MSE,rmsse")

    assert by_rows.out == by_time.out
    assert by_rows.table.columns.tolist() == ["model", "MSE", "RMSSE", "cover 80", "cover 95"]
    assert "scored: 12 windows of 6 steps, the earliest from 2024-01-20 12:00" in by_rows.err


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--step", "0", "--step 0 is 0 steps"),
        ("--step", "90min", '--step "90min"'),
        ("--metrics", "mapse", '--metrics "mapse" is none of MAE, MSE'),
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
    from rnncli import metrics
    from rnncli.cli.evaluate import METRICS_HELP

    assert f"Which of {', '.join(metrics.METRICS)}. [default: {','.join(metrics.USUAL)}]" == METRICS_HELP
