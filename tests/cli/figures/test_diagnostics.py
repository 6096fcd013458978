"""inspect --plot: the figure contains the learning curve and the diagnostics."""

from pathlib import Path
from typing import Any

from rnncli.model import card_file
from tests.cli.figures.conftest import lines
from tests.conftest import Command


def test_learning_curves_and_diagnostics_are_drawn(
    rnncli: Command, model: Path, data: Path, tmp_path: Path, drawn: list[Any]
) -> None:
    assert rnncli("inspect", model, "--plot", tmp_path / "t.pdf").code == 0
    assert rnncli("inspect", model, data, "--plot", tmp_path / "h.png").code == 0

    (member,) = card_file.read_card(model).members
    assert member.course is not None and member.trial is not None
    curves = lines(drawn[0].axes[0])
    assert tuple(curves["training"].get_ydata()) == member.course.losses
    assert tuple(curves["validation (trial)"].get_ydata()) == member.trial.validations
    titles = [axes.get_title("left") for axes in drawn[1].axes]
    for title in ("gradient by lag", "memory of the state", "gates along a series"):
        assert title in titles
