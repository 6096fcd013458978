"""evaluate --plot: the figure contains the scores by horizon step."""

from pathlib import Path
from typing import Any

import numpy as np

from rnncli.cli.figures import backtest
from tests.cli.figures.conftest import lines
from tests.conftest import Command


def test_scores_are_drawn_by_horizon_step(
    rnncli: Command, model: Path, data: Path, tmp_path: Path, drawn: list[Any]
) -> None:
    options = ("--windows", 3, "--metrics", "mae,coverage")
    table = rnncli("evaluate", model, data, *options, "--plot", tmp_path / "e.svg", "--by", "horizon").table

    errors, held = drawn[0].axes
    assert errors.get_xlabel() == held.get_xlabel() == "steps ahead (h)"
    for method, rows in table.groupby("model"):
        np.testing.assert_allclose(lines(errors)[str(method)].get_ydata(), rows["MAE"])
    own = table[table["model"] == "rnncli"]
    np.testing.assert_allclose(lines(held)["80 % interval"].get_ydata(), 100 * own["coverage-80"])
    plain = rnncli("evaluate", model, data, *options, "--by", "series").out
    assert rnncli("evaluate", model, data, *options, "--by", "series", "--plot", tmp_path / "e.svg").out == plain


def test_saved_forecasts_give_the_figure_of_the_model(
    rnncli: Command, model: Path, data: Path, tmp_path: Path, drawn: list[Any]
) -> None:
    options = ("--windows", 3, "--metrics", "mae,coverage")
    made = ("--output", tmp_path / "made.parquet")
    assert rnncli("evaluate", model, data, *options, *made, "--plot", tmp_path / "m.png").code == 0
    assert rnncli("evaluate", tmp_path / "made.parquet", data, *options[2:], "--plot", tmp_path / "a.png").code == 0

    of_model, of_archive = (lines(figure.axes[0])["rnncli"].get_ydata() for figure in drawn)
    np.testing.assert_allclose(of_archive, of_model)


def test_a_dozen_methods_have_different_line_styles() -> None:
    assert len({str(backtest.line_style(number)) for number in range(12)}) == 12
