"""rnncli evaluate on saved forecasts."""

import shutil
from pathlib import Path

import pandas as pd
import pytest

from rnncli.cli import app
from tests.conftest import Command, hourly

KEYS = ["unique_id", "ds"]


@pytest.fixture(scope="module")
def evenings(workplace: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forecasts of four evenings, the last of them of hours without actual values yet; as cron saves them."""
    folder, frame = tmp_path_factory.mktemp("evenings"), pd.read_csv(workplace / "data.csv")
    for number, back in enumerate((60, 36, 12, 2)):
        early = frame[frame.groupby("unique_id").cumcount(ascending=False) >= back]
        early.to_csv(folder.with_suffix(".csv"), index=False)
        name = f"{number}.{'csv' if number % 2 else 'parquet'}"
        command = ["forecast", workplace / "data.rnn", folder.with_suffix(".csv"), "--output", folder / name]
        assert app.run([str(part) for part in command]) == 0
    return folder


@pytest.fixture
def archive(evenings: Path, tmp_path: Path) -> Path:
    """A copy of these forecasts."""
    return Path(shutil.copytree(evenings, tmp_path / "archive"))


def test_the_scores_are_those_computed_by_hand(rnncli: Command, archive: Path, data: Path) -> None:
    outcome = rnncli("evaluate", archive, data, "--by", "window")

    assert outcome.code == 0
    assert "scored: 12 forecasts of rnncli in 4 files; season 24" in outcome.err
    assert "pending: 12 forecast steps without an actual value" in outcome.err
    made = pd.read_csv(archive / "1.csv").merge(pd.read_csv(data), on=KEYS)
    own = outcome.table[(outcome.table["model"] == "rnncli") & (outcome.table["cutoff"] == "2024-01-19 11:00")].iloc[0]
    assert own["windows"] == 3
    assert own["MAE"] == pytest.approx((made["rnncli"] - made["y"]).abs().mean())
    assert own["coverage-80"] == pytest.approx(made["y"].between(made["rnncli-lo-80"], made["rnncli-hi-80"]).mean())


def test_the_scores_are_those_of_a_backtest_on_the_same_windows(
    rnncli: Command, model: Path, data: Path, tmp_path: Path
) -> None:
    backtest = rnncli("evaluate", model, data, "--windows", 3, "--output", tmp_path / "cv.parquet").table

    archived = rnncli("evaluate", tmp_path / "cv.parquet", data).table.set_index("model")

    expected = backtest.set_index("model")[archived.columns]
    assert len(archived.columns) == 6
    assert archived.loc[expected.index].to_numpy() == pytest.approx(expected.to_numpy(), rel=1e-6)


def test_another_tools_forecasts_are_compared_with_one_another(rnncli: Command, data: Path, tmp_path: Path) -> None:
    frame = pd.read_csv(data)
    late = frame[frame.groupby("unique_id").cumcount(ascending=False) < 6]
    made = late[KEYS].assign(AutoETS=late["y"] + 0.1, GRU=late["y"] + 1)
    made.to_csv(tmp_path / "theirs.csv", index=False)

    outcome = rnncli("evaluate", tmp_path / "theirs.csv", data, "--metrics", "mae")

    scores = outcome.table.set_index("model")["MAE"]
    assert scores[["AutoETS", "GRU"]].tolist() == pytest.approx([0.1, 1.0])
    assert "MAE, AutoETS: no significant difference from GRU" in outcome.err  # three windows of three series


def test_drift_compares_the_scores_with_the_backtest_of_the_model(
    rnncli: Command, model: Path, archive: Path, data: Path
) -> None:
    truth = pd.read_csv(data)
    kept = truth[truth.groupby("unique_id").cumcount(ascending=False) < 6]
    kept.assign(rnncli=kept["y"] + 0.01).to_csv(archive.parent / "good.csv", index=False)
    inside = rnncli("evaluate", archive.parent / "good.csv", data, "--reference", model, "--fail-if", "drift")
    assert inside.code == 0, inside.err
    assert "better than the expected range" in inside.err

    frame = pd.read_csv(archive / "3.csv")
    numbers = frame.select_dtypes("number").columns
    for name, factor in (("1.csv", 1), ("3.csv", 50)):
        part = pd.read_csv(archive / name)
        part[numbers] *= factor
        part.to_csv(archive / name, index=False)
    outside = rnncli("evaluate", archive, data, "--reference", model, "--fail-if", "drift")
    assert outside.code == 6
    assert "outside the expected range " in outside.err
    assert "since 2024-01-15" in outside.err.splitlines()[-1]
    assert outside.out


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda made: made.assign(unique_id="other"), "no forecast is of a series with actual values"),
        (lambda made: pd.concat([made, made.iloc[[4]]]), 'series "s0" has two forecasts of 2024-01-19 16:00:00'),
        (
            lambda made: made.assign(ds=made["ds"].str.replace(":00:00", ":30:00")),
            'row 1: "ds" 2024-01-19 12:30:00 does not match the frequency',
        ),
        (
            lambda made: made.assign(ds=made["ds"].str.replace("2024-01", "2024-02")),
            "is after the last actual value",
        ),
        (
            lambda made: made.assign(cutoff="2024-01-19 12:00"),
            "row 1: the forecast time is not after its cutoff",
        ),
        (lambda made: made.rename(columns={"ds": "day"}), 'there is no column "ds"'),
        (lambda made: made[KEYS], "no column holds forecasts"),
        (lambda made: made.assign(**{"rnncli-lo-100": 1.0}), '"rnncli-lo-100" has the name of an impossible interval'),
        (lambda made: made.assign(cutoff="2020-01-01 00:00"), "is before the first actual value"),
        (lambda made: made.assign(ds="soon"), "soon"),
    ],
)
def test_forecasts_that_do_not_fit_are_refused(
    rnncli: Command, archive: Path, data: Path, change: object, message: str
) -> None:
    assert callable(change)
    change(pd.read_csv(archive / "1.csv")).to_csv(archive / "1.csv", index=False)

    outcome = rnncli("evaluate", archive / "1.csv", data)

    assert (outcome.code, outcome.out) == (3, "")
    assert message in outcome.err


def test_series_without_actual_values_are_counted(rnncli: Command, archive: Path, data: Path) -> None:
    made = pd.read_csv(archive / "1.csv")
    made["unique_id"] = made["unique_id"].replace("s1", "gone")
    made.to_csv(archive / "1.csv", index=False)

    outcome = rnncli("evaluate", archive / "1.csv", data)

    assert outcome.code == 0
    assert "warning: 6 rows ignored" in outcome.err


def test_forecasts_without_any_actual_value_are_refused(
    rnncli: Command, model: Path, data: Path, tmp_path: Path
) -> None:
    assert rnncli("forecast", model, data, "--output", tmp_path / "tonight.csv").code == 0

    outcome = rnncli("evaluate", tmp_path / "tonight.csv", data)

    assert (outcome.code, outcome.out) == (3, "")
    assert "none of the 18 forecast steps has an actual value yet" in outcome.err


def test_actual_values_with_text_are_refused(rnncli: Command, archive: Path, tmp_path: Path) -> None:
    frame = hourly()
    frame["y"] = frame["y"].astype(str)
    frame.loc[7, "y"] = "broken"
    frame.to_csv(tmp_path / "actual.csv", index=False)

    outcome = rnncli("evaluate", archive, tmp_path / "actual.csv", "--target", "y")

    assert (outcome.code, outcome.out) == (3, "")
    assert 'row 8: "y" is "broken"' in outcome.err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--windows", 3), "--windows cannot be used here"),
        (("--refit", "every"), "--refit cannot be used here"),
        (("--fail-if", "drift"), "--fail-if drift needs the model"),
        (("--fail-if", "msis-80 > 3"), '"msis-80" must be one of MASE'),
        (("--level", "70"), "--level 70: the forecasts do not contain this interval (available: 80, 95)"),
        (("--level", "80,99.5"), "--level 99.5: the forecasts do not contain this interval (available: 80, 95)"),
        (("--point", "mean"), "--point cannot be used here"),
        (("--no-conformal",), "--no-conformal cannot be used here"),
        (("--device", "cpu"), "--device cannot be used here"),
        (("--known", "price"), "--known cannot be used here"),
        (("--weight", "y"), "--weight cannot be used here"),
    ],
)
def test_options_that_do_not_apply_to_saved_forecasts_are_refused(
    rnncli: Command, archive: Path, data: Path, options: tuple[object, ...], message: str
) -> None:
    outcome = rnncli("evaluate", archive, data, *options)

    assert (outcome.code, outcome.out) == (2, "")
    assert message in outcome.err


def test_only_the_requested_intervals_are_scored(
    rnncli: Command, archive: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    every = rnncli("evaluate", archive, data).table
    asked = rnncli("evaluate", archive, data, "--level", "95").table
    monkeypatch.setenv("RNNCLI_LEVEL", "80")
    environment = rnncli("evaluate", archive, data).table

    pd.testing.assert_frame_equal(asked, every.drop(columns="coverage-80"))
    pd.testing.assert_frame_equal(environment, every.drop(columns="coverage-95"))


def test_drift_and_reference_need_saved_forecasts(rnncli: Command, model: Path, data: Path) -> None:
    for options, message in (
        (("--fail-if", "drift"), "saved forecasts"),
        (("--reference", model), "--reference"),
    ):
        outcome = rnncli("evaluate", model, data, *options)
        assert (outcome.code, outcome.out) == (2, "")
        assert message in outcome.err


def test_an_empty_folder_is_refused(rnncli: Command, data: Path, tmp_path: Path) -> None:
    (tmp_path / "nothing").mkdir()

    outcome = rnncli("evaluate", tmp_path / "nothing", data)

    assert (outcome.code, outcome.out) == (3, "")
    assert "contains no tables" in outcome.err


def test_times_of_a_zone_are_matched(rnncli: Command, model: Path, tmp_path: Path) -> None:
    frame = hourly()
    frame["ds"] = frame["ds"].dt.tz_localize("Europe/Berlin")
    frame.to_parquet(tmp_path / "whole.parquet")
    frame[frame.groupby("unique_id").cumcount(ascending=False) >= 6].to_parquet(tmp_path / "early.parquet")
    assert rnncli("forecast", model, tmp_path / "early.parquet", "--output", tmp_path / "f.csv").code == 0

    outcome = rnncli("evaluate", tmp_path / "f.csv", tmp_path / "whole.parquet")

    assert outcome.code == 0, outcome.err
    assert outcome.table["MASE"].notna().all()


def test_a_method_named_like_a_baseline_is_scored_instead_of_it(rnncli: Command, archive: Path, data: Path) -> None:
    made = pd.read_csv(archive / "1.csv")
    made[KEYS].assign(Naive=made["rnncli"] + 1000, **{"sales-q4": 1.0}).to_csv(archive / "1.csv", index=False)

    scores = rnncli("evaluate", archive / "1.csv", data).table.set_index("model")["MAE"]

    assert scores["Naive"] > 900
    assert "sales-q4" in scores


def test_the_drift_condition_holds_if_scores_cannot_be_compared(
    rnncli: Command, model: Path, archive: Path, data: Path
) -> None:
    outcome = rnncli("evaluate", archive, data, "--reference", model, "--metrics", "mse", "--fail-if", "drift")

    assert outcome.code == 6
    assert "no score to compare with" in outcome.err


def test_a_broken_file_of_a_folder_is_named(rnncli: Command, archive: Path, data: Path) -> None:
    (archive / "2.csv").write_text("")

    outcome = rnncli("evaluate", archive, data)

    assert (outcome.code, outcome.out) == (3, "")
    assert "2.csv: " in outcome.err
