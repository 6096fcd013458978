"""Access to the figures that a command draws."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from rnncli.cli.figures import style


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """All figures drawn in the test."""
    figures = list[Any]()
    real = style.page

    @contextmanager
    def recorded_page(path: Path, width: float, height: float) -> Iterator[Any]:
        with real(path, width, height) as figure:
            figures.append(figure)
            yield figure

    monkeypatch.setattr(style, "page", recorded_page)
    return figures


def lines(axes: Any) -> dict[str, Any]:
    """Label to line."""
    return {line.get_label(): line for line in axes.get_lines()}
