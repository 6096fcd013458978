"""A white page of panels, and the file that it goes to. No display is ever asked for."""

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

KINDS = (".png", ".svg", ".pdf")
# Told apart by most of those who see fewer colours (Okabe and Ito 2008), and by their lightness in grey.
BLUE, ORANGE, GREEN, PURPLE, SKY, YELLOW = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00"
INK, FAINT = "#222222", "#888888"
ABOVE: dict[str, Any] = {"loc": "lower right", "bbox_to_anchor": (1.0, 1.0), "ncols": 4, "borderaxespad": 0.1}
ABOVE |= {"handlelength": 1.4, "columnspacing": 1.0}  # a panel, on the line of its title
STYLE: dict[Any, Any] = {
    "figure.facecolor": "white",
    "text.parse_math": False,  # a name may hold a dollar
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
    "svg.hashsalt": "rnncli",  # the same figure is the same file
}


def check(path: Path | None, *inputs: Path) -> None:
    """Raise RequestError now where a figure could not be drawn to `path` after the work is done."""
    if path is None:
        return
    if path.suffix.lower() not in KINDS:
        raise RequestError(f"--plot {path}: a figure's name ends in {', '.join(KINDS[:-1])} or {KINDS[-1]}")
    if importlib.util.find_spec("matplotlib") is None:
        raise RequestError('--plot needs the extra: pip install "rnncli[plots]"')
    atomic.check_writable(path, *inputs)


@contextmanager
def page(path: Path, width: float, height: float) -> Iterator["Figure"]:
    """A figure of so many inches, which becomes the file once the block ends well."""
    import matplotlib
    from matplotlib.figure import Figure

    kind = path.suffix.lower()[1:]
    with matplotlib.rc_context(STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph")  # a name in a script that the font lacks shows as boxes
        figure = Figure(figsize=(width, height), layout="constrained")
        yield figure
        undated = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(kind)
        with atomic.atomic_writer(path) as stream:
            figure.savefig(stream, format=kind, metadata=undated)


def grid(figure: "Figure", count: int, most_across: int) -> list["Axes"]:
    """So many panels in rows, as wide as they are high or wider."""
    across = min(most_across, count)
    down = math.ceil(count / across)
    return [figure.add_subplot(down, across, place + 1) for place in range(count)]


def legend_above(figure: "Figure", panels: Sequence["Axes"]) -> None:
    """One legend for all panels, above them, where it covers nothing."""
    known = {text: mark for panel in panels for mark, text in zip(*panel.get_legend_handles_labels(), strict=True)}
    figure.legend(list(known.values()), list(known), loc="outside upper left", ncols=len(known))


def titled(axes: "Axes", title: str, along: str, up: str) -> None:
    """What the panel shows, and what its axes are."""
    axes.set_title(title)
    axes.set_xlabel(along)
    axes.set_ylabel(up)
    axes.margins(x=0.01)


def legend(axes: "Axes") -> None:
    """Above the panel, to the right of its title."""
    if axes.get_legend_handles_labels()[0]:
        axes.legend(**ABOVE)


def logarithmic(axes: "Axes") -> None:
    """With plain numbers at the marks: a few in each power of ten. Where nothing is above zero it stays as it was."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    if not any(value > 0 for line in axes.get_lines() for value in cast(Sequence[float], line.get_ydata())):
        return
    axes.set_yscale("log")
    low, high = axes.get_ylim()
    steps = (1.0, 2.0, 5.0) if high < 100 * low else (1.0,)
    axes.yaxis.set_major_locator(LogLocator(subs=steps))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _place: f"{value:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
