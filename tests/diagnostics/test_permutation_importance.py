"""Inputs that determine the target are important, others are not."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from rnncli.cli import app
from rnncli.diagnostics import permutation_importance
from rnncli.diagnostics.permutation_importance import Importance
from rnncli.model import weights_file
from rnncli.panel import Expected
from rnncli.panel.time.frequency import parse_frequency
from tests.conftest import Command, hourly
from tests.frames import from_frame


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table `t.csv` that lives on `heat` and not on `noise`, and a model `m.rnn` of it."""
    folder = tmp_path_factory.mktemp("told")
    frame = hourly(series=3, days=14)
    frame["heat"], frame["noise"] = np.random.default_rng(0).standard_normal((2, len(frame)))
    frame["y"] += 5 * frame["heat"]
    frame.to_csv(folder / "t.csv", index=False)
    options = ("-H", "6", "--target", "y", "--known", "heat", "--past", "noise", "--steps", "150", "--hidden", "8")
    assert app.run(["train", str(folder / "t.csv"), *options, "--season", "24", "-o", str(folder / "m.rnn")]) == 0
    return folder


def effects(folder: Path) -> dict[str, Importance]:
    model = weights_file.load(folder / "m.rnn")
    frame = pd.read_csv(folder / "t.csv")
    panel = from_frame(frame, model.card.config.columns, Expected(parse_frequency("h"), model.card.inputs))
    return {effect.part: effect for effect in permutation_importance.importances(model, panel, torch.device("cpu"))}


def test_the_input_that_determines_the_target_is_the_most_important(folder: Path) -> None:
    found = effects(folder)

    assert found["heat"].increase > 0.5
    assert abs(found["noise"].increase) < 0.1
    assert found["heat"] == max(found.values(), key=lambda effect: effect.increase)


def test_all_kinds_of_inputs_are_measured(folder: Path) -> None:
    kinds = {effect.kind for effect in effects(folder).values()}

    assert {"target", "known", "past"} <= kinds


def test_importance_is_shown_as_a_table_with_bars(rnncli: Command, folder: Path) -> None:
    outcome = rnncli("inspect", folder / "m.rnn", "--importance", folder / "t.csv")

    assert outcome.code == 0
    first = next(line for line in outcome.out.splitlines() if line.startswith("heat"))
    assert "known" in first
    assert first.count("█") == 30


def test_importance_needs_a_model_and_two_windows(rnncli: Command, folder: Path, tmp_path: Path) -> None:
    assert rnncli("inspect", folder / "t.csv", "--importance", folder / "t.csv").code == 2
    hourly(series=1, days=1).assign(heat=0, noise=0).head(8).to_csv(tmp_path / "short.csv", index=False)

    outcome = rnncli("inspect", folder / "m.rnn", "--importance", tmp_path / "short.csv")

    assert outcome.code == 3
    assert "at least two windows" in outcome.err
