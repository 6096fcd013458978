"""--plot: file formats, and requests that are refused."""

from pathlib import Path

import numpy as np
import pytest

from tests.conftest import Command, hourly

FIRST_BYTES = {".png": b"\x89PNG", ".svg": b"<?xml", ".pdf": b"%PDF"}


@pytest.mark.parametrize("kind", list(FIRST_BYTES))
def test_figure_files_are_reproducible_and_of_the_format_in_the_name(
    rnncli: Command, model: Path, tmp_path: Path, kind: str
) -> None:
    for name in ("one", "two"):
        assert rnncli("inspect", model, "--plot", tmp_path / f"{name}{kind}").code == 0

    content = (tmp_path / f"one{kind}").read_bytes()
    assert content.startswith(FIRST_BYTES[kind])
    assert content == (tmp_path / f"two{kind}").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("forecast", "MODEL", "DATA", "--plot", "f.gif"), "the file name must end in .png, .svg or .pdf"),
        (("forecast", "MODEL", "DATA", "--plot", "none/f.png"), "there is no folder"),
        (("forecast", "MODEL", "DATA", "--future-template", "t.csv", "--plot", "f.png"), "--future"),
        (("evaluate", "DATA", "DATA", "--plot", "f.gif"), "the file name must end in .png, .svg or .pdf"),
        (("inspect", "DATA", "--plot", "f.png"), "--plot cannot be used here: it needs a model file"),
        (
            ("inspect", "MODEL", "--importance", "DATA", "--plot", "f.png"),
            "--plot cannot be used here: --importance is only shown as a table",
        ),
    ],
)
def test_unsuitable_requests_are_refused(
    rnncli: Command, model: Path, data: Path, tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    places = {"MODEL": model, "DATA": data, "f.png": tmp_path / "f.png", "f.gif": tmp_path / "f.gif"}

    outcome = rnncli(*(places.get(part, part) for part in arguments))

    assert (outcome.code, outcome.out) == (2, "")
    assert message in outcome.err
    assert list(tmp_path.iterdir()) == []


def test_a_missing_extra_is_named(
    rnncli: Command, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)

    outcome = rnncli("inspect", model, "--plot", tmp_path / "t.png")

    assert (outcome.code, outcome.err) == (2, 'error: --plot needs an extra. Run: pip install "rnncli[plots]"\n')


def test_a_command_that_fails_draws_nothing(rnncli: Command, model: Path, tmp_path: Path) -> None:
    hourly(days=10).assign(y=np.nan).to_csv(tmp_path / "d.csv", index=False)
    (tmp_path / "f.png").write_text("before")

    assert rnncli("forecast", model, tmp_path / "d.csv", "--plot", tmp_path / "f.png").code == 3
    assert (tmp_path / "f.png").read_text() == "before"
