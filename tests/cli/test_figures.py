"""--plot at the prompt: what is drawn is what was forecast, scored and recorded."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from rnncli.cli.figures import backtest, style
from rnncli.model import card_file
from tests.conftest import Command, hourly

HEADS = {".png": b"\x89PNG", ".svg": b"<?xml", ".pdf": b"%PDF"}


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The figures that are drawn from here on."""
    figures = list[Any]()
    real = style.page

    @contextmanager
    def watched(path: Path, width: float, height: float) -> Iterator[Any]:
        with real(path, width, height) as figure:
            figures.append(figure)
            yield figure

    monkeypatch.setattr(style, "page", watched)
    return figures


def lines(axes: Any) -> dict[str, Any]:
    return {line.get_label(): line for line in axes.get_lines()}


def test_a_forecast_is_drawn_beside_its_data_series_by_series(
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


def test_zones_gaps_wide_tables_and_plain_clocks_are_drawn(rnncli: Command, model: Path, tmp_path: Path) -> None:
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


def test_scores_are_drawn_along_the_horizon(
    rnncli: Command, model: Path, data: Path, tmp_path: Path, drawn: list[Any]
) -> None:
    options = ("--windows", 3, "--metrics", "mae,coverage")
    table = rnncli("evaluate", model, data, *options, "--plot", tmp_path / "e.svg", "--by", "horizon").table

    errors, held = drawn[0].axes
    assert errors.get_xlabel() == held.get_xlabel() == "steps ahead (h)"
    for method, rows in table.groupby("model"):
        np.testing.assert_allclose(lines(errors)[str(method)].get_ydata(), rows["MAE"])
    own = table[table["model"] == "rnncli"]
    np.testing.assert_allclose(lines(held)["the 80 % interval"].get_ydata(), 100 * own["coverage-80"])
    plain = rnncli("evaluate", model, data, *options, "--by", "series").out
    assert rnncli("evaluate", model, data, *options, "--by", "series", "--plot", tmp_path / "e.svg").out == plain


def test_forecasts_made_earlier_are_drawn_as_those_of_the_model(
    rnncli: Command, model: Path, data: Path, tmp_path: Path, drawn: list[Any]
) -> None:
    options = ("--windows", 3, "--metrics", "mae,coverage")
    made = ("--output", tmp_path / "made.parquet")
    assert rnncli("evaluate", model, data, *options, *made, "--plot", tmp_path / "m.png").code == 0
    assert rnncli("evaluate", tmp_path / "made.parquet", data, *options[2:], "--plot", tmp_path / "a.png").code == 0

    of_model, of_archive = (lines(figure.axes[0])["rnncli"].get_ydata() for figure in drawn)
    np.testing.assert_allclose(of_archive, of_model)


def test_a_dozen_methods_look_each_their_own_way() -> None:
    assert len({str(backtest._look(place)) for place in range(12)}) == 12


def test_a_training_and_a_network_at_work_are_drawn(
    rnncli: Command, model: Path, data: Path, tmp_path: Path, drawn: list[Any]
) -> None:
    assert rnncli("inspect", model, "--plot", tmp_path / "t.pdf").code == 0
    assert rnncli("inspect", model, data, "--plot", tmp_path / "h.png").code == 0

    (member,) = card_file.read_card(model).members
    assert member.course is not None and member.trial is not None
    curves = lines(drawn[0].axes[0])
    assert tuple(curves["training"].get_ydata()) == member.course.losses
    assert tuple(curves["validation, in the trial before"].get_ydata()) == member.trial.validations
    titles = [axes.get_title("left") for axes in drawn[1].axes]
    for title in ("gradient by lag", "how long the state remembers a change", "gates along a series"):
        assert title in titles


@pytest.mark.parametrize("kind", list(HEADS))
def test_the_same_figure_is_the_same_file_of_its_kind(rnncli: Command, model: Path, tmp_path: Path, kind: str) -> None:
    for name in ("one", "two"):
        assert rnncli("inspect", model, "--plot", tmp_path / f"{name}{kind}").code == 0

    content = (tmp_path / f"one{kind}").read_bytes()
    assert content.startswith(HEADS[kind])
    assert content == (tmp_path / f"two{kind}").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("forecast", "MODEL", "DATA", "--plot", "f.gif"), "a figure's name ends in .png, .svg or .pdf"),
        (("forecast", "MODEL", "DATA", "--plot", "none/f.png"), "there is no folder"),
        (("forecast", "MODEL", "DATA", "--future-template", "t.csv", "--plot", "f.png"), "--future"),
        (("evaluate", "DATA", "DATA", "--plot", "f.gif"), "a figure's name ends in .png, .svg or .pdf"),
        (("inspect", "DATA", "--plot", "f.png"), "--plot cannot be used here: it needs a model file"),
        (
            ("inspect", "MODEL", "--importance", "DATA", "--plot", "f.png"),
            "--plot cannot be used here: --importance is only shown as a table",
        ),
    ],
)
def test_what_cannot_be_drawn_is_refused(
    rnncli: Command, model: Path, data: Path, tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    places = {"MODEL": model, "DATA": data, "f.png": tmp_path / "f.png", "f.gif": tmp_path / "f.gif"}

    outcome = rnncli(*(places.get(part, part) for part in arguments))

    assert (outcome.code, outcome.out) == (2, "")
    assert message in outcome.err
    assert list(tmp_path.iterdir()) == []


def test_without_the_extra_its_name_is_told(
    rnncli: Command, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)

    outcome = rnncli("inspect", model, "--plot", tmp_path / "t.png")

    assert (outcome.code, outcome.err) == (2, 'error: --plot needs the extra: pip install "rnncli[plots]"\n')


def test_a_command_that_fails_draws_nothing(rnncli: Command, model: Path, tmp_path: Path) -> None:
    hourly(days=10).assign(y=np.nan).to_csv(tmp_path / "d.csv", index=False)
    (tmp_path / "f.png").write_text("before")

    assert rnncli("forecast", model, tmp_path / "d.csv", "--plot", tmp_path / "f.png").code == 3
    assert (tmp_path / "f.png").read_text() == "before"
