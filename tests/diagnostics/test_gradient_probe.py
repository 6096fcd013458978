"""The probe observes the forecast itself, for every kind of network."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from rnncli.diagnostics import gradient_probe, measurements
from rnncli.model import weights_file
from rnncli.panel import Expected
from rnncli.panel.time.frequency import parse_frequency
from rnncli.windows.windows import Windows
from tests.conftest import Command
from tests.frames import from_frame

SHAPE = ("--horizon", 4, "--hidden", 8, "--context", 24, "--segment", 6, "--season", 12, "--no-refit")


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    """Three series side by side that move together."""
    generator = np.random.default_rng(0)
    wave = np.sin(np.arange(160) * 2 * np.pi / 12)
    columns = {name: 5 + wave + 0.1 * generator.standard_normal(160) for name in "abc"}
    return pd.DataFrame({"date": pd.date_range("2024-01-01", periods=160, freq="D"), **columns})


@pytest.mark.parametrize(
    "options",
    [
        ("--mix", "--steps", 5),
        ("--bptt", 24, "--steps", 5),
        ("--bptt", 24, "--decoder", "direct", "--cell", "lstm", "--steps", 5),
        ("--attention", "--normalise", "batch", "--input-dropout", 0.2, "--steps", 5),
        ("--cell", "esn"),
        ("--cell", "tcn", "--decoder", "recursive", "--steps", 5),
    ],
    ids=str,
)
def test_the_encoder_outputs_the_same_as_in_a_forecast(
    rnncli: Command, table: pd.DataFrame, tmp_path: Path, options: tuple[object, ...]
) -> None:
    table.to_csv(tmp_path / "t.csv", index=False)
    assert rnncli("train", tmp_path / "t.csv", *SHAPE, *options, "--output", tmp_path / "m.rnn").code == 0
    model = weights_file.load(tmp_path / "m.rnn")
    panel = from_frame(table, model.card.config.columns, Expected(parse_frequency("D"), model.card.inputs))
    places = measurements.select_cutoffs(panel, model.card.members)
    windows = Windows(panel, 24, 4, torch.device("cpu"), mixed_series=model.mixed_series(panel))
    (batch,) = windows.at(places, len(places.rows))

    own = gradient_probe.context_batch(model.networks[0], batch)

    found = measurements.measure(model, 0, panel, places)

    with torch.no_grad():
        trace = model.networks[0].trace(own.past, own.step, own.covariates)
    torch.testing.assert_close(found.probe.outputs[:, -1:], trace.outputs)
