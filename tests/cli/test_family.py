"""Every encoder and decoder through the command line: trained, written, read again, forecast with."""

from pathlib import Path

import numpy as np
import pytest

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


def test_an_echo_state_network_is_told_nothing_of_the_steps_to_come(
    rnncli: Command, data: Path, tmp_path: Path
) -> None:
    table = Path(data).read_text().splitlines()
    priced = [table[0] + ",price", *(f"{line},{place % 7}" for place, line in enumerate(table[1:]))]
    (tmp_path / "priced.csv").write_text("\n".join(priced))

    outcome = rnncli(
        *("train", tmp_path / "priced.csv", *SMALL, "--cell", "esn"),
        *("--known", "price", "--output", tmp_path / "m.rnn"),
    )

    assert (outcome.code, outcome.out) == (2, "")
    assert "--known price needs a cell that is trained, not esn" in outcome.err
