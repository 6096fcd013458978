"""train --publish-if and --rollback: the current model is only replaced by one that meets the conditions."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from rnncli.model import card_file
from tests.conftest import Command, hourly

SMALL = ("--horizon", 6, "--hidden", 8, "--context", 48, "--season", 24)


@pytest.fixture
def used(rnncli: Command, data: Path, tmp_path: Path) -> Path:
    """A model that hardly learned anything."""
    assert rnncli("train", data, *SMALL, "--steps", 1, "--no-refit", "--output", tmp_path / "m.rnn").code == 0
    return tmp_path / "m.rnn"


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_significantly_better_model_replaces_the_current_one_and_can_be_rolled_back(
    rnncli: Command, data: Path, used: Path, tmp_path: Path
) -> None:
    many = hourly(series=8)
    many.to_csv(tmp_path / "many.csv", index=False)
    before = used.read_bytes()

    better = rnncli("train", tmp_path / "many.csv", *SMALL, "--steps", 80, "--output", used, "--publish-if", "better")

    assert better.code == 0
    assert "MASE: better than the current model by" in better.err
    assert used.read_bytes() != before
    assert used.with_name("m.rnn.previous").read_bytes() == before
    assert "current" not in card_file.read_card(used).scores
    assert rnncli("forecast", used, data).code == 0

    back = rnncli("train", "--output", used, "--rollback")

    assert (back.code, back.out) == (0, "")
    assert used.read_bytes() == before
    assert not used.with_name("m.rnn.previous").exists()


@pytest.mark.parametrize(("last", "overlap"), [(999, False), (1050, True)])
def test_cutoffs_of_an_integer_time_index_are_compared_as_numbers(
    rnncli: Command, tmp_path: Path, last: int, overlap: bool
) -> None:
    rows = pd.DataFrame({"ds": range(900, 1060), "y": np.random.default_rng(0).random(160)})
    rows[rows["ds"] <= last].to_csv(tmp_path / "early.csv", index=False)
    rows.to_csv(tmp_path / "all.csv", index=False)
    small = ("--horizon", 6, "--hidden", 4, "--context", 12, "--season", 12, "--steps", 1, "--no-refit")
    output = ("--output", tmp_path / "m.rnn")
    assert rnncli("train", tmp_path / "early.csv", *small, *output).code == 0

    outcome = rnncli("train", tmp_path / "all.csv", *small, *output, "--publish-if", "mase < 100")

    assert outcome.code == 0
    assert ("including windows of this comparison" in outcome.err) is overlap


@pytest.mark.parametrize(
    ("condition", "code"),
    [
        ("mase < current - 0.3", 6),
        ("mase < current + 1", 0),
        ("mase <= 0.0001", 6),
        ("MASE > 0.001", 0),
        ("coverage-80 >= 1.5", 6),
        ("better", 6),
    ],
)
def test_a_model_that_fails_the_condition_changes_no_file(
    rnncli: Command, data: Path, used: Path, tmp_path: Path, condition: str, code: int
) -> None:
    before = used.read_bytes()
    again = ("--steps", 1, "--no-refit", "--output", used, "--publish-if", condition)  # the very same model

    outcome = rnncli("train", data, *SMALL, *again)

    assert (outcome.code, outcome.out) == (code, "")
    assert used.read_bytes() == before
    assert names(tmp_path) == {"m.rnn", "m.rnn.lock"}
    assert code == 0 or f"error: --publish-if {condition}: " in outcome.err


def test_publishing_the_same_model_again_keeps_the_previous_model(rnncli: Command, data: Path, used: Path) -> None:
    before = used.read_bytes()
    publication = ("train", data, *SMALL, "--steps", 2, "--no-refit", "--output", used, "--publish-if", "mase < 100")
    assert rnncli(*publication).code == 0

    again = rnncli(*publication)

    assert again.code == 0
    assert used.read_bytes() != before
    assert used.with_name("m.rnn.previous").read_bytes() == before


def test_the_first_model_is_published_if_its_scores_meet_the_conditions(
    rnncli: Command, data: Path, tmp_path: Path
) -> None:
    train = ("train", data, *SMALL, "--steps", 1, "--output", tmp_path / "m.rnn")

    assert rnncli(*train, "--publish-if", "mase < 0.0001").code == 6
    assert not (tmp_path / "m.rnn").exists()
    assert rnncli(*train, "--publish-if", "better", "--publish-if", "mase < current - 1").code == 0
    assert (tmp_path / "m.rnn").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--publish-if", "nice"), '"nice": not a condition'),
        (("--publish-if", "mse < 1"), '"mse" must be one of'),
        (("--publish-if", "mase < current - "), "not a condition"),
        (("--publish-if", "better", "--horizon", "7"), "different horizons cannot be compared"),
        (("--rollback",), "Leave out DATA"),
    ],
)
def test_conditions_that_cannot_be_tested_are_refused(
    rnncli: Command, data: Path, used: Path, options: tuple[str, ...], message: str
) -> None:
    before = used.read_bytes()

    outcome = rnncli("train", data, *SMALL, "--output", used, *options)

    assert (outcome.code, outcome.out) == (2, "")
    assert message in outcome.err
    assert used.read_bytes() == before


def test_rollback_without_a_previous_model_is_refused(rnncli: Command, used: Path) -> None:
    outcome = rnncli("train", "--output", used, "--rollback")

    assert (outcome.code, outcome.out) == (2, "")
    assert "there is no" in outcome.err


def test_a_damaged_previous_model_is_not_restored(rnncli: Command, used: Path) -> None:
    before = used.read_bytes()
    used.with_name("m.rnn.previous").write_bytes(b"nothing")

    assert rnncli("train", "--output", used, "--rollback").code == 4
    assert used.read_bytes() == before


def test_train_without_a_table_is_refused(rnncli: Command, tmp_path: Path) -> None:
    outcome = rnncli("train", "--output", tmp_path / "m.rnn", "--horizon", 3)

    assert (outcome.code, outcome.out) == (2, "")
    assert "DATA is missing" in outcome.err
