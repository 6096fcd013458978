"""The arguments [MODEL] DATA."""

from pathlib import Path

import pytest

from rnncli.cli.model_argument import split
from rnncli.errors import ModelFileError, RequestError


def test_one_table_is_for_the_pretrained_network() -> None:
    assert split(["sales.csv"], "forecast") == (None, "sales.csv")
    assert split(["pretrained", "sales.csv"], "forecast") == (None, "sales.csv")
    assert split(["-"], "forecast") == (None, "-")


def test_two_files_are_a_model_and_a_table() -> None:
    assert split(["m.rnn", "sales.csv"], "forecast") == (Path("m.rnn"), "sales.csv")


@pytest.mark.parametrize("paths", [["m.rnn"], ["pretrained"]])
def test_a_missing_table_is_named(paths: list[str]) -> None:
    with pytest.raises(RequestError, match="DATA is missing"):
        split(paths, "forecast")


def test_too_many_arguments_are_refused() -> None:
    with pytest.raises(RequestError, match='at most two arguments.*the third is "c.csv"'):
        split(["m.rnn", "a.csv", "c.csv"], "forecast")


def test_a_table_before_the_model_is_a_clear_error() -> None:
    with pytest.raises(ModelFileError, match="MODEL must come before DATA"):
        split(["sales.csv", "m.rnn"], "forecast")
