"""Forecasts without training on the command line: forecast, evaluate, inspect and train with the pretrained network."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from rnncli.model import card_file, weights_file
from tests.conftest import Command, hourly


@pytest.fixture(autouse=True)
def free_choice_of_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RNNCLI_MEMBERS", raising=False)


def sales(rows: int = 48, series: int = 1) -> pd.DataFrame:
    """Monthly sales that grow, with a season."""
    time = np.arange(rows)
    tables = []
    for number in range(series):
        noise = np.random.default_rng(number).normal(0, 6, rows)
        values = 200 + 50 * number + 8 * time + 30 * np.sin(2 * np.pi * time / 12) + noise
        times = pd.date_range("2020-01-01", periods=rows, freq="MS")
        tables.append(pd.DataFrame({"unique_id": f"s{number}", "ds": times, "y": values.round(1)}))
    return pd.concat(tables, ignore_index=True)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    sales().drop(columns="unique_id").to_csv(tmp_path / "sales.csv", index=False)
    return tmp_path / "sales.csv"


def test_a_table_alone_is_forecast_and_a_line_says_how(rnncli: Command, table: Path) -> None:
    outcome = rnncli("forecast", table, "--horizon", 12)

    assert outcome.code == 0
    assert list(outcome.table) == ["ds", "rnncli", "rnncli-lo-80", "rnncli-hi-80", "rnncli-lo-95", "rnncli-hi-95"]
    assert outcome.table["ds"].tolist() == [f"2024-{month:02}-01" for month in range(1, 13)]
    assert outcome.table["rnncli"].between(500, 750).all()
    assert outcome.err.count("\n") == 1
    assert "pretrained network, not trained on this table; season 12" in outcome.err
    assert "earlier windows" in outcome.err


def test_the_word_pretrained_and_a_pipe_give_the_same_forecast(rnncli: Command, table: Path) -> None:
    plain = rnncli("forecast", table, "--horizon", 6)

    assert rnncli("forecast", "pretrained", table, "--horizon", 6).out == plain.out
    assert rnncli("forecast", "-", "--horizon", 6, stdin=table.read_bytes()).out == plain.out


def test_forecasting_without_training_loads_no_torch(table: Path) -> None:
    code = (
        "import sys\nfrom rnncli.cli import app\n"
        f"code = app.run(['forecast', {str(table)!r}, '--horizon', '12'])\n"
        "sys.exit(code or ('torch' in sys.modules))"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_a_missing_horizon_is_an_error_that_says_how_to_set_it(rnncli: Command, table: Path) -> None:
    for command in (("forecast", table), ("evaluate", "pretrained", table), ("inspect", "pretrained", table)):
        outcome = rnncli(*command)
        assert outcome.code == 2
        assert "--horizon 12" in outcome.err
        assert not outcome.out


def test_a_horizon_is_refused_with_a_model(rnncli: Command, model: Path, data: Path) -> None:
    outcome = rnncli("forecast", model, data, "--horizon", 3)

    assert outcome.code == 2
    assert "the model has its own horizon and season" in outcome.err


def test_covariates_are_ignored_with_a_warning(rnncli: Command, tmp_path: Path) -> None:
    sales().assign(price=1.0).to_csv(tmp_path / "t.csv", index=False)

    outcome = rnncli("forecast", tmp_path / "t.csv", "--horizon", 3, "--past", "price", "--target", "y")
    assert outcome.code == 0
    assert "ignores --past" in outcome.err
    assert rnncli("forecast", tmp_path / "t.csv", "--horizon", 3, "--future", "f.csv").code == 2


def test_options_for_the_output_work(rnncli: Command, table: Path, tmp_path: Path) -> None:
    options = ("--quantiles", "0.05,0.5", "--samples", 3, "--level", 90, "--format", "ndjson")

    outcome = rnncli("forecast", table, "--horizon", 2, *options, "--plot", tmp_path / "f.png")
    rows = [json.loads(line) for line in outcome.out.splitlines()]
    names = ["rnncli-lo-90", "rnncli-hi-90", "rnncli-q0.05", "rnncli-q0.5", *(f"rnncli-sample-{n}" for n in (1, 2, 3))]
    assert list(rows[0]) == ["ds", "rnncli", *names]
    assert (tmp_path / "f.png").stat().st_size > 1000


def test_a_dry_run_writes_nothing(rnncli: Command, table: Path, tmp_path: Path) -> None:
    outcome = rnncli("forecast", table, "--horizon", 2, "--output", tmp_path / "f.csv", "--dry-run")

    assert outcome.code == 0
    assert "would forecast: 2 steps of 1 series" in outcome.err
    assert not (tmp_path / "f.csv").exists()


def test_the_report_names_the_pretrained_network(rnncli: Command, table: Path, tmp_path: Path) -> None:
    rnncli("forecast", table, "--horizon", 2, "--report", tmp_path / "r.json")

    report = json.loads((tmp_path / "r.json").read_text())
    assert report["model"] == "pretrained"
    assert report["forecast_rows"] == 2


def test_with_a_state_new_rows_are_enough(rnncli: Command, table: Path, tmp_path: Path) -> None:
    header, *rows = table.read_text().splitlines(keepends=True)
    state = ("--horizon", 6, "--state", tmp_path / "s.state")
    first = rnncli("forecast", "-", *state, stdin="".join([header, *rows[:40]]).encode())
    then = rnncli("forecast", "-", *state, stdin="".join([header, *rows[40:]]).encode())

    assert first.table["ds"][0] == "2023-05-01"
    assert "state: 8 new rows" in then.err
    assert then.out == rnncli("forecast", table, "--horizon", 6).out


def test_a_stream_is_forecast_step_by_step(rnncli: Command, table: Path) -> None:
    outcome = rnncli("forecast", "-", "--horizon", 2, "--follow", stdin=table.read_bytes())

    assert outcome.code == 0
    assert len(outcome.table) == 2 * 48
    assert outcome.table["rnncli"].notna().all()


def test_a_stream_continues_from_a_state(rnncli: Command, table: Path, tmp_path: Path) -> None:
    header, *rows = table.read_text().splitlines(keepends=True)
    state = ("--horizon", 2, "--state", tmp_path / "s.state")
    rnncli("forecast", "-", *state, stdin="".join([header, *rows[:40]]).encode())

    outcome = rnncli("forecast", "-", *state, "--follow", stdin="".join([header, *rows[40:44]]).encode())
    assert len(outcome.table) == 2 * 4
    assert outcome.table["ds"].max() == "2023-10-01"


def test_a_stream_without_rows_is_an_error(rnncli: Command) -> None:
    outcome = rnncli("forecast", "-", "--horizon", 2, "--follow", stdin=b"ds,y\n")

    assert outcome.code == 3
    assert not outcome.out


def test_several_series_and_targets_are_forecast(rnncli: Command, tmp_path: Path) -> None:
    sales(series=3).assign(z=lambda table: 2 * table["y"]).to_csv(tmp_path / "t.csv", index=False)

    outcome = rnncli("forecast", tmp_path / "t.csv", "--horizon", 4, "--target", "y,z")
    assert outcome.code == 0
    assert outcome.table["unique_id"].nunique() == 3


def test_evaluate_scores_windows_with_the_rows_before_them(rnncli: Command, table: Path) -> None:
    options = ("--horizon", 6, "--windows", 2, "--format", "json")

    outcome = rnncli("evaluate", "pretrained", table, *options)
    scores = json.loads(outcome.out)["scores"]
    assert scores["rnncli"]["MASE"] < scores["SeasonalNaive"]["MASE"]
    assert rnncli("evaluate", table, *options).out == outcome.out
    changed = table.read_text().splitlines()
    changed[-1] = "2023-12-01,99999"
    later = rnncli("evaluate", "-", *options, "--by", "window", stdin="\n".join(changed).encode())
    before = rnncli("evaluate", table, *options, "--by", "window")
    first, unchanged = (json.loads(each.out)["by"][0] for each in (later, before))
    assert first == unchanged  # nothing of the last window is in the forecast of the one before


def test_evaluate_refuses_options_of_training(rnncli: Command, table: Path) -> None:
    for option in (("--refit", "every"), ("--hidden", 8)):
        outcome = rnncli("evaluate", "pretrained", table, "--horizon", 6, *option)
        assert outcome.code == 2
        assert "the pretrained network is not trained on the table" in outcome.err


def test_inspect_describes_the_pretrained_network(rnncli: Command) -> None:
    shown, card = rnncli("inspect", "pretrained"), json.loads(rnncli("inspect", "pretrained", "--json").out)

    assert "simulated series only" in shown.out
    assert card["data"] == "simulated series only"
    assert card["losses"]


def test_inspect_shows_what_the_forecasts_of_a_table_rest_on(rnncli: Command, table: Path) -> None:
    shown = rnncli("inspect", "pretrained", table, "--horizon", 6)
    shares = json.loads(rnncli("inspect", "pretrained", table, "--horizon", 6, "--json").out)["shares"]

    assert "season" in shown.out
    assert sum(shares.values()) == pytest.approx(1)


def test_the_importance_of_parts_of_the_past_is_measured(rnncli: Command, tmp_path: Path) -> None:
    sales(series=4).to_csv(tmp_path / "t.csv", index=False)

    outcome = rnncli("inspect", "pretrained", "--importance", tmp_path / "t.csv", "--horizon", 6)
    assert outcome.code == 0
    assert "steps 2 to 12 back" in outcome.out


def test_a_short_table_is_not_trained_on(rnncli: Command, table: Path, tmp_path: Path) -> None:
    model = tmp_path / "m.rnn"
    outcome = rnncli("train", table, "--horizon", 6, "--output", model)

    card = card_file.read_card(model)
    assert outcome.code == 0
    assert "chosen: pretrained alone (8 horizons without overlap are too few to learn from)" in outcome.err
    assert "selected: the pretrained network alone" in outcome.err
    assert (card.members, card.horizon) == ((), 6)
    assert card.scores["rnncli"]["MASE"] is not None
    forecast = rnncli("forecast", model, table)
    assert forecast.out == rnncli("forecast", table, "--horizon", 6).out
    assert rnncli("inspect", model).out.count("pretrained network") == 1
    assert "simple forecast" in rnncli("inspect", model, table).out
    assert rnncli("evaluate", model, table).code == 0


def test_a_model_of_the_pretrained_network_alone_cannot_be_fine_tuned(
    rnncli: Command, table: Path, tmp_path: Path
) -> None:
    model = tmp_path / "m.rnn"
    rnncli("train", table, "--horizon", 6, "--output", model)

    outcome = rnncli("train", table, "--from", model, "--horizon", 6, "--output", tmp_path / "n.rnn")
    assert outcome.code == 2
    assert "no trained network to fine-tune" in outcome.err
    assert not (tmp_path / "n.rnn").exists()


def test_without_the_pretrained_network_networks_are_trained(rnncli: Command, table: Path, tmp_path: Path) -> None:
    model, options = tmp_path / "m.rnn", ("--members", 1, "--steps", 3, "--horizon", 6)
    rnncli("train", table, *options, "--no-pretrained", "--output", model)

    card = card_file.read_card(model)
    assert card.pretrained is None
    assert len(card.members) == 1


def test_options_that_describe_networks_leave_the_pretrained_one_out(
    rnncli: Command, table: Path, tmp_path: Path
) -> None:
    model = tmp_path / "m.rnn"
    rnncli("train", table, "--horizon", 6, "--hidden", 4, "--steps", 3, "--budget", "3s", "--output", model)

    assert card_file.read_card(model).pretrained is None


def test_beside_trained_networks_it_has_a_share_with_a_reason(rnncli: Command, tmp_path: Path) -> None:
    hourly(series=3, days=20).to_csv(tmp_path / "t.csv", index=False)
    model = tmp_path / "m.rnn"
    outcome = rnncli("train", tmp_path / "t.csv", "--horizon", 12, "--budget", "12s", "--output", model)

    card = card_file.read_card(model)
    assert outcome.code == 0
    assert card.pretrained is not None
    assert 0.05 <= card.pretrained.share <= 1
    assert card.reasons["pretrained"]
    assert "share" in outcome.err or not card.members
    first = rnncli("forecast", model, tmp_path / "t.csv")
    assert first.code == 0
    assert first.table["rnncli"].notna().all()


def test_fine_tuning_keeps_the_pretrained_network_with_its_share(rnncli: Command, tmp_path: Path) -> None:
    hourly(series=3, days=20).to_csv(tmp_path / "t.csv", index=False)
    hourly(series=3, days=23).to_csv(tmp_path / "newer.csv", index=False)
    first, second = tmp_path / "m.rnn", tmp_path / "n.rnn"
    rnncli("train", tmp_path / "t.csv", "--horizon", 12, "--budget", "12s", "--output", first)
    before = weights_file.load(first)
    assert before.card.members, "the test needs a model with both"

    outcome = rnncli(
        "train", tmp_path / "newer.csv", "--from", first, "--steps", 3, "--horizon", 12, "--output", second
    )

    after = weights_file.load(second)
    assert outcome.code == 0
    assert after.card.pretrained == before.card.pretrained is not None
    assert after.card.reasons["pretrained"] == before.card.reasons["pretrained"]
    assert before.pretrained is not None
    assert after.pretrained is not None
    assert np.array_equal(after.pretrained.members[0]["output.weight"], before.pretrained.members[0]["output.weight"])


def test_a_dry_run_of_a_short_table_trains_nothing(rnncli: Command, table: Path, tmp_path: Path) -> None:
    outcome = rnncli("train", table, "--horizon", 6, "--output", tmp_path / "m.rnn", "--dry-run")

    assert "would train: no network" in outcome.err
    assert not (tmp_path / "m.rnn").exists()
