"""rnncli inspect MODEL DATA on the command line."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from rnncli.cli.inspect import diagnostics
from rnncli.diagnostics.measurements import Diagnostics
from rnncli.model import card_file
from tests.conftest import Command, hourly


def test_diagnostics_have_a_finding_for_each_measure(rnncli: Command, model: Path, data: Path) -> None:
    outcome = rnncli("inspect", model, data)

    assert outcome.code == 0
    for measure in ("gradient reaches back", "effective memory", "spectral radius", "saturated", "dead units"):
        assert measure in outcome.out
    assert "on 15 windows" in outcome.out  # five of each series
    assert "gradient of the loss by lag" in outcome.out
    assert "validation loss of the trial" in outcome.out


def test_every_network_is_measured_in_the_table_and_in_json(rnncli: Command, data: Path, tmp_path: Path) -> None:
    options = ("--horizon", 6, "--steps", 5, "--hidden", 4, "--context", 24, "--season", 24, "--members", 2)
    recursive = ("--segment", 3, "--decoder", "recursive", "--cell", "lstm", "--layers", 2)
    assert rnncli("train", data, *options, *recursive, "--output", tmp_path / "m.rnn").code == 0

    shown = rnncli("inspect", tmp_path / "m.rnn", data)
    outcome = rnncli("inspect", tmp_path / "m.rnn", data, "--json")

    assert [line.split()[0] for line in shown.out.split("drift")[1].splitlines()[2:4]] == ["1", "2"]

    told = json.loads(outcome.out)
    assert (outcome.code, told["season"], len(told["networks"])) == (0, 24, 2)
    first = told["networks"][0]
    assert first["architecture"]["cell"] == "lstm"
    assert 0 < first["reach"] <= 24
    assert len(first["read"]) == len(first["kept"]) == 8
    assert first["gap"]["free"] > 0
    assert first["findings"]["dead units"] == {"found": "0 of 4", "verdict": "all units are used"}


@pytest.mark.parametrize(
    ("options", "lines", "missing"),
    [
        (("--cell", "esn"), ("reservoir 0.90", "closed form"), "gate"),
        (("--cell", "transformer", "--steps", 3), ("gradient reaches back", "effective memory"), "spectral radius"),
        (
            ("--cell", "gru", "--attention", "--normalise", "layer", "--steps", 3),
            ("reset gate", "saturated"),
            "reservoir",
        ),
    ],
)
def test_each_kind_of_encoder_has_its_measures_and_figure(
    rnncli: Command, data: Path, tmp_path: Path, options: tuple[object, ...], lines: tuple[str, ...], missing: str
) -> None:
    shape = ("--horizon", 6, "--hidden", 8, "--context", 24, "--segment", 6, "--season", 24, "--no-refit")
    assert rnncli("train", data, *shape, *options, "--output", tmp_path / "m.rnn").code == 0

    outcome = rnncli("inspect", tmp_path / "m.rnn", data, "--plot", tmp_path / "m.svg")

    assert outcome.code == 0
    assert all(line in outcome.out for line in lines)
    assert missing not in outcome.out
    assert (tmp_path / "m.svg").exists()


def test_constant_series_give_no_gradient_and_no_plot_of_it(rnncli: Command, model: Path, tmp_path: Path) -> None:
    hourly().assign(y=5.0).to_csv(tmp_path / "flat.csv", index=False)

    outcome = rnncli("inspect", model, tmp_path / "flat.csv", "--plot", tmp_path / "flat.png")

    assert outcome.code == 0
    assert "0 of 48 steps" in outcome.out
    assert "gradient of the loss by lag" not in outcome.out
    assert (tmp_path / "flat.png").exists()


def test_measurements_that_are_not_finite_are_null_in_json(model: Path) -> None:
    card = card_file.read_card(model)
    read, whole, kept = np.array([1.0, np.nan]), np.zeros(2), np.ones(2)
    health = Diagnostics(card.members[0].architecture, 5, read, whole, 24, kept, 24, None, None, 0, math.inf, None)

    network = json.loads(diagnostics.to_json(card, [health]))["networks"][0]

    assert network["drift"] is None
    assert network["read"] == [1.0, None]
    assert network["radii"] is None


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("MODEL", "daily.csv"), 3, "daily.csv: the frequency must be that of the training data (found D, expected h)"),
        (("MODEL", "short.csv"), 3, "short.csv: no series has 7 rows"),
        (("MODEL", "none.csv"), 3, "none.csv: there is no such file"),
        (("short.csv", "short.csv"), 4, "short.csv: not a model file"),
        (("MODEL", "short.csv", "--importance", "short.csv"), 2, "--importance names its table itself"),
    ],
)
def test_tables_that_do_not_fit_the_model_are_refused(
    rnncli: Command, model: Path, tmp_path: Path, arguments: tuple[str, ...], code: int, message: str
) -> None:
    frame = hourly(series=1, days=12)
    frame.head(6).to_csv(tmp_path / "short.csv", index=False)
    frame.iloc[::24].to_csv(tmp_path / "daily.csv", index=False)

    files = [model if part == "MODEL" else tmp_path / part if part.endswith("csv") else part for part in arguments]
    outcome = rnncli("inspect", *files)

    assert (outcome.code, outcome.out) == (code, "")
    assert message in outcome.err
