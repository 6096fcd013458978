"""forecast --plot: the figure contains the data and the forecasts."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.cli.figures.conftest import lines
from tests.conftest import Command, hourly


def test_each_series_is_drawn_with_its_forecast_and_intervals(
    rnncli: Command, model: Path, data: Path, tmp_path: Path, drawn: list[Any]
) -> None:
    table = rnncli("forecast", model, data, "--plot", tmp_path / "f.png").table
    known = hourly()

    (figure,) = drawn
    assert [axes.get_title("left") for axes in figure.axes] == ["s0", "s1", "s2"]
    assert {axes.get_ylabel() for axes in figure.axes} == {"y"}
    assert figure.get_supxlabel() == "ds, hourly (h)"
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.texts] == ["data", "forecast", "95 % interval", "80 % interval"]
    for axes, name in zip(figure.axes, ("s0", "s1", "s2"), strict=True):
        made, past = table[table["unique_id"] == name], known[known["unique_id"] == name].tail(24)
        np.testing.assert_allclose(lines(axes)["forecast"].get_ydata(), made["rnncli"], rtol=1e-5)
        np.testing.assert_array_equal(lines(axes)["data"].get_ydata(), past["y"])
        assert lines(axes)["forecast"].get_xdata()[0] == pd.Timestamp("2024-01-21 00:00")
        outer = axes.collections[0].get_paths()[0].vertices[:, 1]
        assert outer.min() == pytest.approx(made["rnncli-lo-95"].min())
        assert outer.max() == pytest.approx(made["rnncli-hi-95"].max())


def test_time_zones_gaps_wide_tables_and_integer_times_are_drawn(rnncli: Command, model: Path, tmp_path: Path) -> None:
    frame = hourly(series=2)
    frame["y"] = frame["y"].mask(frame.index % 7 == 0)
    frame.assign(ds=frame["ds"].dt.tz_localize("Europe/Berlin")).to_parquet(tmp_path / "zone.parquet")
    assert rnncli("forecast", model, tmp_path / "zone.parquet", "--plot", tmp_path / "zone.png").code == 0
    plain = pd.DataFrame({"t": range(200), "a": np.sin(np.arange(200)), "b": np.cos(np.arange(200))})
    plain.to_csv(tmp_path / "plain.csv", index=False)
    targets = ("--time", "t", "--target", "a,b")
    options = ("--horizon", 1, "--steps", 3, "--hidden", 4, "--context", 12, "--season", 1)
    assert rnncli("train", tmp_path / "plain.csv", *targets, *options, "-o", tmp_path / "p.rnn").code == 0

    assert rnncli("forecast", tmp_path / "p.rnn", tmp_path / "plain.csv", "--plot", tmp_path / "p.png").code == 0
    told = rnncli("inspect", tmp_path / "p.rnn", tmp_path / "plain.csv", "--plot", tmp_path / "h.png")
    assert told.code == 0
