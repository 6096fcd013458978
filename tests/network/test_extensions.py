"""A new cell, decoder, base forecast or head works everywhere without a change to any other module.

Each stands in for an existing one in its `build`, in place of a new name there, and runs through the command line.
"""

import ast
from pathlib import Path

import pandas as pd
import pytest
import torch
from torch import Tensor
from torch.nn import functional

import rnncli
from rnncli.cli import descriptions
from rnncli.config.base_forecasts import BASES
from rnncli.config.cells import CELLS, CellTraits
from rnncli.model import card_file
from rnncli.network import base_forecasts, cells, decoders, quantile_head
from rnncli.network.base_forecasts import BaseForecast
from rnncli.network.cells import Part, Record, State
from rnncli.network.decoders import Decoded, Decoder, NetworkParts
from rnncli.network.quantile_head import QuantileHead
from rnncli.network.teacher_forcing import TeacherForcing
from rnncli.network.tensors import DecoderInput
from tests.conftest import Command, hourly

SHAPE = ("--horizon", 6, "--hidden", 8, "--context", 24, "--segment", 6, "--season", 24, "--steps", 20)


class LeakyAverage(torch.nn.Module):
    """A cell that outputs the running average of its input."""

    def forward(
        self, steps: Tensor, state: State | None = None, _record: Record | None = None, **_: Record
    ) -> tuple[Tensor, State]:
        average = steps.new_zeros(1, len(steps), steps.shape[2]) if state is None else state[0]
        outputs = []
        for step in steps.unbind(1):
            average = 0.5 * average + 0.5 * step
            outputs.append(average[0])
        return torch.stack(outputs, dim=1), (average,)

    def recurrent_weights(self) -> list[dict[Part, Tensor]]:
        return []


class MeanForecast(BaseForecast):
    """A base forecast of the mean of the past."""

    repeats_context = True

    def __init__(self, horizon: int) -> None:
        super().__init__()
        self.horizon = horizon

    def forward(self, past: Tensor, _step: Tensor) -> tuple[Tensor, Tensor]:
        return past, past.nanmean(dim=1, keepdim=True).nan_to_num(0.0).expand(-1, self.horizon, -1)


class RepeatingDecoder(Decoder):
    """A decoder that reads all segments from the encoder's last output and their position."""

    positional = True

    def decode(
        self, network: NetworkParts, view: DecoderInput, _correction: Tensor, _teacher: TeacherForcing | None
    ) -> Decoded:
        return network.read_out(view.encoded.last + network.position_inputs(view.known), view.encoded, view.known)


class NormalHead(QuantileHead):
    """A head of another number of parameters and levels: mean and deviation of a normal distribution."""

    levels = (0.1, 0.5, 0.9)  # type: ignore[assignment]
    median = 1
    width = 2

    def quantiles(self, parameters: Tensor, centre: Tensor) -> Tensor:
        deviates = torch.special.ndtri(torch.tensor(self.levels, dtype=parameters.dtype))
        mean = parameters[..., :1] + centre.unsqueeze(-1)
        return mean + functional.softplus(parameters[..., 1:]) * deviates


def runs_everywhere(rnncli: Command, folder: Path, *options: object) -> pd.DataFrame:
    """Train, evaluate and inspect a model, and return its forecasts."""
    data, model = folder / "t.csv", folder / "m.rnn"
    hourly(series=2, days=12).to_csv(data, index=False)
    for command in (
        ("train", data, *SHAPE, *options, "--output", model),
        ("evaluate", model, data),
        ("inspect", model),
        ("inspect", model, data, "--json"),
        ("inspect", model, "--importance", data),
    ):
        outcome = rnncli(*command)
        assert outcome.code == 0, outcome.err
    outcome = rnncli("forecast", model, data, "--level", "60,80")
    assert outcome.code == 0, outcome.err
    return outcome.table


def test_a_new_cell(rnncli: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cells, "build", lambda _design, _inputs: LeakyAverage())
    monkeypatch.setitem(CELLS, "tcn", CellTraits("Averaging", flops=0.1))

    forecasts = runs_everywhere(rnncli, tmp_path, "--cell", "tcn")

    assert forecasts["rnncli"].notna().all()
    (architecture,) = card_file.read_card(tmp_path / "m.rnn").architectures
    assert "Averaging of 8 units" in descriptions.encoder_words(architecture)


def test_a_new_base_forecast(rnncli: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base_forecasts, "build", lambda design, _targets: MeanForecast(design.horizon))

    assert runs_everywhere(rnncli, tmp_path, "--base", "last")["rnncli"].notna().all()


def test_a_new_decoder(rnncli: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoders, "build", lambda _design: RepeatingDecoder())

    assert runs_everywhere(rnncli, tmp_path, "--decoder", "direct")["rnncli"].notna().all()


def test_a_new_head(rnncli: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quantile_head, "build", lambda _design: NormalHead())

    forecasts = runs_everywhere(rnncli, tmp_path)

    assert (forecasts["rnncli-lo-80"] <= forecasts["rnncli-lo-60"]).all()
    assert (forecasts["rnncli-lo-60"] <= forecasts["rnncli"]).all()


def compared_names(path: Path) -> set[str]:
    """Return the strings that a module compares with something or matches."""
    found = set[str]()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Compare | ast.MatchValue):
            found |= {
                part.value for part in ast.walk(node) if isinstance(part, ast.Constant) and str is type(part.value)
            }
    return found


def test_only_the_cells_package_compares_names_of_cells() -> None:
    root = Path(rnncli.__file__).parent
    for path in root.rglob("*.py"):
        if path.parent != root / "network" / "cells":
            assert not compared_names(path) & set(CELLS), path


def test_only_their_modules_compare_names_of_base_forecasts() -> None:
    root = Path(rnncli.__file__).parent
    own = {root / "config" / "architecture.py", root / "network" / "base_forecasts.py"}
    for path in root.rglob("*.py"):
        if path not in own and "panel" not in path.parts:  # there "last" is a rule for duplicate rows
            assert not compared_names(path) & (set(BASES) - {"none"}), path
