"""train --publish-if and --rollback: the last good model stays in use."""

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


def test_a_model_that_can_be_told_to_be_better_takes_the_place_and_can_be_taken_back(
    rnncli: Command, data: Path, used: Path, tmp_path: Path
) -> None:
    many = hourly(series=8)
    many.to_csv(tmp_path / "many.csv", index=False)
    before = used.read_bytes()

    better = rnncli("train", tmp_path / "many.csv", *SMALL, "--steps", 200, "--output", used, "--publish-if", "better")

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
def test_windows_of_an_integer_clock_are_newer_than_the_last_row_by_number(
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
def test_a_model_that_does_not_show_what_was_asked_for_changes_nothing(
    rnncli: Command, data: Path, used: Path, tmp_path: Path, condition: str, code: int
) -> None:
    before = used.read_bytes()
    again = ("--steps", 1, "--no-refit", "--output", used, "--publish-if", condition)  # the very same model

    outcome = rnncli("train", data, *SMALL, *again)

    assert (outcome.code, outcome.out) == (code, "")
    assert used.read_bytes() == before
    assert names(tmp_path) == {"m.rnn", "m.rnn.lock"}
    assert code == 0 or f"error: {condition}: " in outcome.err


def test_publishing_once_more_after_a_kill_keeps_the_model_before_that_one(
    rnncli: Command, data: Path, used: Path
) -> None:
    before = used.read_bytes()
    publication = ("train", data, *SMALL, "--steps", 2, "--no-refit", "--output", used, "--publish-if", "mase < 100")
    assert rnncli(*publication).code == 0

    again = rnncli(*publication)

    assert again.code == 0
    assert used.read_bytes() != before
    assert used.with_name("m.rnn.previous").read_bytes() == before


def test_without_a_model_in_use_the_first_one_is_published_if_its_own_scores_allow(
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
        (("--publish-if", "nice"), '"nice" is no condition such as'),
        (("--publish-if", "mse < 1"), '"mse" is none of'),
        (("--publish-if", "mase < current - "), "is no condition such as"),
        (("--publish-if", "better", "--horizon", "7"), "different horizons cannot be compared"),
        (("--rollback",), "Leave out DATA"),
    ],
)
def test_what_cannot_be_decided_is_refused(
    rnncli: Command, data: Path, used: Path, options: tuple[str, ...], message: str
) -> None:
    before = used.read_bytes()

    outcome = rnncli("train", data, *SMALL, "--output", used, *options)

    assert (outcome.code, outcome.out) == (2, "")
    assert message in outcome.err
    assert used.read_bytes() == before


def test_there_is_nothing_to_put_back_where_nothing_was_published(rnncli: Command, used: Path) -> None:
    outcome = rnncli("train", "--output", used, "--rollback")

    assert (outcome.code, outcome.out) == (2, "")
    assert "there is no" in outcome.err


def test_a_damaged_model_is_not_put_back(rnncli: Command, used: Path) -> None:
    before = used.read_bytes()
    used.with_name("m.rnn.previous").write_bytes(b"nothing")

    assert rnncli("train", "--output", used, "--rollback").code == 4
    assert used.read_bytes() == before


def test_train_without_a_table_says_what_is_missing(rnncli: Command, tmp_path: Path) -> None:
    outcome = rnncli("train", "--output", tmp_path / "m.rnn", "--horizon", 3)

    assert (outcome.code, outcome.out) == (2, "")
    assert "DATA is missing" in outcome.err
