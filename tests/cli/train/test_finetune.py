"""train --from: fine-tuning of a model on new rows."""

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from rnncli.model import card_file
from tests.conftest import Command, hourly


@pytest.fixture
def newer(tmp_path: Path) -> Path:
    """The table of the model, three days later."""
    hourly(days=23).to_csv(tmp_path / "newer.csv", index=False)
    return tmp_path / "newer.csv"


def test_training_starts_from_the_weights_of_the_model(
    rnncli: Command, model: Path, newer: Path, tmp_path: Path
) -> None:
    outcome = rnncli(
        *("train", newer, "--output", tmp_path / "m.rnn", "--from", model),
        *("--steps", 1, "--learning-rate", 1e-12, "--weight-decay", 0),
    )

    assert outcome.code == 0
    old, new = load_file(model), load_file(tmp_path / "m.rnn")
    assert old.keys() == new.keys()
    assert all(np.allclose(old[name], new[name], atol=1e-6) for name in old)
    assert "fine-tuning: 1 network trained on rows up to 2024-01-20 23:00, 1 update" in outcome.err


def test_it_learns_and_is_scored_on_windows_after_the_rows_of_the_model(
    rnncli: Command, model: Path, newer: Path, tmp_path: Path
) -> None:
    assert rnncli("train", newer, "--output", tmp_path / "m.rnn", "--from", model, "--steps", 60).code == 0

    before, after = card_file.read_card(model), card_file.read_card(tmp_path / "m.rnn")
    assert after.seen.last == "2024-01-23 23:00"
    assert after.validation.windows < before.validation.windows
    assert after.members[0].architecture == before.members[0].architecture
    assert after.config.training.learning_rate == before.config.training.learning_rate
    old, new = (rnncli("evaluate", one, newer).table.iloc[0]["MASE"] for one in (model, tmp_path / "m.rnn"))
    assert new < old


def test_without_newer_rows_scores_and_intervals_are_unchanged(
    rnncli: Command, model: Path, data: Path, tmp_path: Path
) -> None:
    outcome = rnncli("train", data, "--output", tmp_path / "m.rnn", "--from", model, "--steps", 5)

    assert outcome.code == 0
    assert "warning: too few new rows for validation" in outcome.err
    before, after = card_file.read_card(model), card_file.read_card(tmp_path / "m.rnn")
    assert (after.scores, after.validation) == (before.scores, before.validation)
    names = [name for name in load_file(model) if name.startswith("calibration")]
    assert names
    assert all((load_file(model)[name] == load_file(tmp_path / "m.rnn")[name]).all() for name in names)


def test_a_better_fine_tuned_model_replaces_the_model_it_started_from(
    rnncli: Command, model: Path, newer: Path, tmp_path: Path
) -> None:
    used = tmp_path / "m.rnn"
    used.write_bytes(model.read_bytes())

    outcome = rnncli("train", newer, "--output", used, "--from", used, "--steps", 80, "--publish-if", "mase < current")

    assert outcome.code == 0
    assert "including windows of this comparison" not in outcome.err  # none of the windows was among them
    assert (tmp_path / "m.rnn.previous").read_bytes() == model.read_bytes()


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (("--hidden", 16), 2, "--hidden changes the networks"),
        (("--horizon", 7), 2, "--horizon changes the networks"),
        (("--target", "z"), 3, 'no column "z"'),
        (("--freq", "2h"), 3, "does not match its frequency"),
    ],
)
def test_options_that_change_the_networks_are_refused(
    rnncli: Command, model: Path, newer: Path, tmp_path: Path, options: tuple[object, ...], code: int, message: str
) -> None:
    outcome = rnncli("train", newer, "--output", tmp_path / "m.rnn", "--from", model, *options)

    assert (outcome.code, outcome.out) == (code, "")
    assert message in outcome.err
    assert not (tmp_path / "m.rnn").exists()


def test_a_file_other_than_a_model_is_refused(rnncli: Command, newer: Path, tmp_path: Path) -> None:
    assert rnncli("train", newer, "--output", tmp_path / "m.rnn", "--from", newer).code == 4


def test_conflicting_options_are_refused(rnncli: Command, model: Path, newer: Path, tmp_path: Path) -> None:
    outcome = rnncli("train", newer, "--output", tmp_path / "m.rnn", "--from", model, "--momentum", 0.9)

    assert (outcome.code, outcome.out) == (2, "")
    assert "--momentum 0.9 requires --optimiser sgd or rmsprop" in outcome.err
