"""The models of statsforecast as baselines."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from rnncli.evaluation import statsforecast_models
from tests.conftest import Command

LEVELS = np.array([0.1, 0.5, 0.9])


@pytest.mark.parametrize(
    ("names", "message"),
    [("AutoEts,Prophet", '"Prophet": must be one of AutoETS, AutoTheta, AutoARIMA'), ("autoetss", "Did you mean")],
)
def test_unknown_models_are_refused(rnncli: Command, model: Path, data: Path, names: str, message: str) -> None:
    outcome = rnncli("evaluate", model, data, "--baselines", names)

    assert (outcome.code, outcome.out) == (2, "")
    assert message in outcome.err


def test_a_missing_extra_is_named(rnncli: Command, model: Path, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)

    outcome = rnncli("evaluate", model, data, "--baselines", "autoets")

    assert (outcome.code, outcome.out) == (2, "")
    assert 'pip install "rnncli[baselines]"' in outcome.err


def test_a_model_that_cannot_be_fitted_forecasts_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        def __init__(self, season_length: int) -> None:
            raise ValueError(season_length)

    monkeypatch.setitem(sys.modules, "statsforecast", type(sys)("statsforecast"))
    monkeypatch.setitem(sys.modules, "statsforecast.models", type(sys)("models"))
    monkeypatch.setattr(sys.modules["statsforecast"], "models", sys.modules["statsforecast.models"], raising=False)
    monkeypatch.setattr(sys.modules["statsforecast.models"], "AutoETS", Broken, raising=False)

    point, quantiles = statsforecast_models.forecast("AutoETS", [np.arange(9.0)], 3, 4, LEVELS, 1)

    assert np.isnan(point).all()
    assert np.isnan(quantiles).all()
    assert quantiles.shape == (1, 3, 3)


def test_forecasts_are_those_of_statsforecast(rnncli: Command, model: Path, data: Path, tmp_path: Path) -> None:
    library = pytest.importorskip("statsforecast.models", reason="needs the extra baselines")

    outcome = rnncli("evaluate", model, data, "--baselines", "AutoTheta", "--output", tmp_path / "cv.parquet")

    assert outcome.code == 0, outcome.err
    assert outcome.table["model"].tolist()[-1] == "AutoTheta"
    frame = pd.read_csv(data)
    past = frame.loc[frame["unique_id"] == "s0", "y"].to_numpy()[:-6]
    expected = library.AutoTheta(season_length=24).forecast(past, 6, level=[80.0])
    table = pd.read_parquet(tmp_path / "cv.parquet").query("unique_id == 's0'")
    assert np.allclose(table["AutoTheta"], expected["mean"])
    assert np.allclose(
        table["AutoTheta-lo-80"], next(value for name, value in expected.items() if name.startswith("lo"))
    )
