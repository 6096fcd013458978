"""Every encoder and decoder through the command line: train, write, read, forecast."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file

from tests.conftest import Command

SMALL = ("--horizon", 6, "--hidden", 8, "--context", 48, "--season", 24)
FAMILY = [
    ("--cell", "rnn", "--activation", "relu"),
    ("--cell", "tcn", "--normalise", "batch", "--input-dropout", 0.1),
    ("--cell", "transformer", "--decoder", "recursive"),
    ("--cell", "lstm", "--bidirectional", "--residual", "--layers", 2),
    ("--cell", "gru", "--normalise", "layer", "--zoneout", 0.1, "--forks", 2),
    ("--cell", "gru", "--convolution", 3, "--attention"),
    ("--cell", "lstm", "--decoder", "encoder-decoder", "--decoder-segment", 2, "--attention"),
    ("--cell", "tcn", "--decoder", "encoder-decoder", "--forks", 2),
]


@pytest.mark.parametrize("options", FAMILY, ids=str)
def test_a_network_of_the_family_is_trained_and_forecasts(
    rnncli: Command, data: Path, tmp_path: Path, options: tuple[object, ...]
) -> None:
    trained = rnncli("train", data, *SMALL, *options, "--steps", 5, "--output", tmp_path / "m.rnn")

    assert trained.code == 0, trained.err
    table = rnncli("forecast", tmp_path / "m.rnn", data).table
    assert len(table) == 18
    assert np.isfinite(table[["rnncli", "rnncli-lo-80", "rnncli-hi-80"]]).all(axis=None)


def test_an_echo_state_network_is_the_same_from_the_same_seed_and_better_than_naive(
    rnncli: Command, data: Path, tmp_path: Path
) -> None:
    for name in ("one", "two"):
        done = rnncli("train", data, *SMALL, "--hidden", 50, "--cell", "esn", "--output", tmp_path / f"{name}.rnn")
        assert done.code == 0, done.err

    assert (tmp_path / "one.rnn").read_bytes() == (tmp_path / "two.rnn").read_bytes()
    assert "reservoir (ESN) of 50 units" in done.err
    assert "better (" in done.err


@pytest.mark.parametrize("role", ["known", "weight"])
def test_an_echo_state_network_refuses_options_it_does_not_have(
    rnncli: Command, data: Path, tmp_path: Path, role: str
) -> None:
    pd.read_csv(data).assign(price=1.5).to_csv(tmp_path / "priced.csv", index=False)

    outcome = rnncli(
        *("train", tmp_path / "priced.csv", *SMALL, "--cell", "esn"),
        *(f"--{role}", "price", "--output", tmp_path / "m.rnn"),
    )

    assert (outcome.code, outcome.out) == (2, "")
    assert f"--{role} price requires a cell trained by gradient steps (found esn)" in outcome.err


CARRIED = ("--horizon", 6, "--hidden", 8, "--context", 24, "--season", 24, "--bptt", 24, "--segment", 6, "--steps", 5)


def test_carried_states_depend_on_the_whole_history_up_to_the_cutoff(
    rnncli: Command, data: Path, tmp_path: Path
) -> None:
    frame = pd.read_csv(data)
    place = frame.groupby("unique_id").cumcount()
    for name, touched in (("first", place == 0), ("last", place == 479)):
        frame.assign(y=frame["y"].where(~touched, frame["y"] + 5)).to_csv(tmp_path / f"{name}.csv", index=False)
    trained = rnncli("train", data, *CARRIED, "--cell", "tcn", "--layers", 5, "--output", tmp_path / "m.rnn")
    assert trained.code == 0, trained.err
    assert "chosen: scale global" in trained.err

    backtest = ("--windows", 1, "--format", "json", "--output")
    for name, table in (("plain", data), ("last", tmp_path / "last.csv"), ("first", tmp_path / "first.csv")):
        assert rnncli("evaluate", tmp_path / "m.rnn", table, *backtest, tmp_path / f"{name}.parquet").code == 0

    plain, last, first = (
        pd.read_parquet(tmp_path / f"{name}.parquet")["rnncli"] for name in ("plain", "last", "first")
    )
    assert plain.equals(last)
    assert (plain != first).any()


def test_segments_that_do_not_divide_the_truncation_length_are_refused(
    rnncli: Command, data: Path, tmp_path: Path
) -> None:
    outcome = rnncli("train", data, *CARRIED, "--segment", 5, "--context", 25, "--output", tmp_path / "m.rnn")

    assert (outcome.code, outcome.out) == (2, "")
    assert "--bptt 24 requires a --segment that divides it" in outcome.err


def test_a_reservoir_has_the_requested_radius_or_is_refused(rnncli: Command, data: Path, tmp_path: Path) -> None:
    train = ("train", data, "--horizon", 6, "--cell", "esn", "--radius", 0.7, "--output", tmp_path / "m.rnn")

    assert rnncli(*train, "--hidden", 8, "--seed", 3).code == 0
    (weights,) = [one for name, one in load_file(tmp_path / "m.rnn").items() if name.endswith("encoder.weights")]
    assert np.abs(np.linalg.eigvals(weights.astype(float))).max() == pytest.approx(0.7, abs=1e-3)
    outcome = rnncli(*train, "--hidden", 4, "--density", 1e-9)
    assert (outcome.code, outcome.out) == (5, "")
    assert "--density" in outcome.err


def test_features_an_echo_state_network_never_has_may_be_switched_off(
    rnncli: Command, data: Path, tmp_path: Path
) -> None:
    train = ("train", data, "--horizon", 6, "--cell", "esn", "--hidden", 20, "--output", tmp_path / "m.rnn")

    assert rnncli(*train, "--no-calendar").code == 0
    assert rnncli(*train, "--calendar").code == 2


def test_the_calendar_of_a_short_series_is_chosen_by_its_own_span(rnncli: Command, data: Path, tmp_path: Path) -> None:
    options = ("--horizon", 6, "--context", 48, "--steps", 20, "--hidden", 8, "--calendar", "--output")
    assert rnncli("train", data, *options, tmp_path / "m.rnn").code == 0
    table = pd.read_csv(data)
    short = table[(table["unique_id"] != "s0") | (table["ds"] >= "2024-01-20")]
    short.to_csv(tmp_path / "beside.csv", index=False)
    short[short["unique_id"] == "s0"].to_csv(tmp_path / "alone.csv", index=False)

    beside, alone = (
        rnncli("forecast", tmp_path / "m.rnn", tmp_path / f"{name}.csv").table for name in ("beside", "alone")
    )

    assert np.allclose(beside[beside["unique_id"] == "s0"]["rnncli"], alone["rnncli"], rtol=1e-5)
