"""Style, layout and file of all figures. Needs no display."""

import importlib.util
import math
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from rnncli.errors import RequestError
from rnncli.files import atomic

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SUFFIXES = (".png", ".svg", ".pdf")
# Distinguishable for most colour-blind people (Okabe and Ito 2008), and by lightness in greyscale.
BLUE, ORANGE, GREEN, PURPLE, SKY, YELLOW = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00"
INK, FAINT = "#222222", "#888888"
ABOVE: dict[str, Any] = {"loc": "lower right", "bbox_to_anchor": (1.0, 1.0), "ncols": 4, "borderaxespad": 0.1}
ABOVE |= {"handlelength": 1.4, "columnspacing": 1.0}  # next to the title of a panel
STYLE: dict[Any, Any] = {
    "figure.facecolor": "white",
    "text.parse_math": False,  # a name may contain a dollar sign
    "savefig.dpi": 150,
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "axes.labelsize": 8,
    "axes.labelcolor": INK,
    "axes.edgecolor": FAINT,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "grid.color": "#e6e6e6",
    "grid.linewidth": 0.6,
    "xtick.labelsize": 7.5,
    "ytick.labelsize": 7.5,
    "xtick.color": FAINT,
    "ytick.color": FAINT,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "lines.linewidth": 1.1,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "svg.hashsalt": "rnncli",  # makes files reproducible
}


def check(path: Path | None, *inputs: Path) -> None:
    """Raise RequestError if a figure cannot be drawn to `path`."""
    if path is None:
        return
    if path.suffix.lower() not in SUFFIXES:
        raise RequestError(f"--plot {path}: the file name must end in {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}")
    if importlib.util.find_spec("matplotlib") is None:
        raise RequestError('--plot needs an extra. Run: pip install "rnncli[plots]"')
    atomic.check_writable(path, *inputs)


@contextmanager
def page(path: Path, width: float, height: float) -> Iterator["Figure"]:
    """Yield a figure, sizes in inches, and write it to `path` when the block ends without an error."""
    import matplotlib
    from matplotlib.figure import Figure

    file_format = path.suffix.lower()[1:]
    with matplotlib.rc_context(STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph")  # missing characters are drawn as boxes
        figure = Figure(figsize=(width, height), layout="constrained")
        yield figure
        undated = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(file_format)
        with atomic.atomic_writer(path) as stream:
            figure.savefig(stream, format=file_format, metadata=undated)


def grid(figure: "Figure", count: int, max_columns: int) -> list["Axes"]:
    """Return this many panels, row by row."""
    columns = min(max_columns, count)
    rows = math.ceil(count / columns)
    return [figure.add_subplot(rows, columns, number) for number in range(1, count + 1)]


def legend_above(figure: "Figure", panels: Sequence["Axes"]) -> None:
    """Draw one legend for all panels above them."""
    entries = {text: mark for panel in panels for mark, text in zip(*panel.get_legend_handles_labels(), strict=True)}
    figure.legend(list(entries.values()), list(entries), loc="outside upper left", ncols=len(entries))


def label(axes: "Axes", title: str, x: str, y: str) -> None:
    """Set the title of a panel and the labels of its axes."""
    axes.set_title(title)
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.margins(x=0.01)


def legend(axes: "Axes") -> None:
    """Draw a legend to the right of the panel's title."""
    if axes.get_legend_handles_labels()[0]:
        axes.legend(**ABOVE)


def use_log_scale(axes: "Axes") -> None:
    """Use a logarithmic y axis with plain numbers at its ticks, if any value is positive."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    if not any(value > 0 for line in axes.get_lines() for value in cast(Sequence[float], line.get_ydata())):
        return
    axes.set_yscale("log")
    low, high = axes.get_ylim()
    multiples = (1.0, 2.0, 5.0) if high < 100 * low else (1.0,)
    axes.yaxis.set_major_locator(LogLocator(subs=multiples))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _position: f"{value:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
