"""Series, and their forecasts with intervals."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from rnncli.cli import descriptions
from rnncli.cli.figures import style
from rnncli.config.sections import Forecasting
from rnncli.panel import Cutoffs, Panel
from rnncli.panel.export.forecast_table import levels

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from rnncli.model.model import Forecast

PANELS = 12
HORIZONS = 4  # of the past, beside the one ahead
FEW = 60  # points that are marked, each by itself


def draw(path: Path, panel: Panel, cutoffs: Cutoffs, forecast: "Forecast", asked: Forecasting) -> None:
    """The first series, a panel for each target."""
    every = [(place, target) for place in range(len(cutoffs.series)) for target in range(panel.targets)][:PANELS]
    across = 1 if len(every) == 1 else 2 if len(every) <= 4 else 3
    down = -(-len(every) // across)
    with style.page(path, (7.2, 8.4, 10.5)[across - 1], 0.8 + (3.0, 2.3, 2.0)[across - 1] * down) as figure:
        panels = style.grid(figure, len(every), across)
        for axes, (place, target) in zip(panels, every, strict=True):
            one = Cutoffs(cutoffs.series[place : place + 1], cutoffs.rows[place : place + 1])
            _draw(axes, panel, one, target, forecast.point[place], forecast.quantiles[place], asked)
        style.legend_above(figure, panels)
        figure.supxlabel(f"{panel.summary.roles.time}, {descriptions.frequency_words(panel)}", size=8)


def _draw(
    axes: "Axes",
    panel: Panel,
    cutoff: Cutoffs,
    target: int,
    point: np.ndarray,
    quantiles: np.ndarray,
    asked: Forecasting,
) -> None:
    """One target of one series; point (H, K), quantiles (H, K, P)."""
    series, end, horizon = int(cutoff.series[0]), int(cutoff.rows[0]), len(point)
    start = max(0, end - HORIZONS * horizon)
    past, ahead = (_times(panel, series, rows) for rows in (np.arange(start, end), np.arange(end, end + horizon)))
    mark = "." if end - start <= FEW else ""
    axes.plot(past, panel.series(series)[start:end, target], color=style.INK, marker=mark, ms=3, lw=0.9, label="data")
    axes.plot(ahead, point[:, target], color=style.BLUE, marker=mark, ms=3, lw=1.3, label="forecast")
    known, shades = levels(asked), np.linspace(0.18, 0.36, max(1, len(asked.level)))
    for percent, shade in zip(sorted(asked.level, reverse=True), shades, strict=False):
        low, high = (quantiles[:, target, np.abs(known - 0.5 - side * percent / 200).argmin()] for side in (-1, 1))
        axes.fill_between(ahead, low, high, color=style.BLUE, alpha=shade, lw=0, label=f"{percent:g} % interval")
        if horizon == 1:  # an area of no width
            axes.vlines(ahead, low, high, color=style.BLUE, alpha=shade, lw=6)
    axes.axvline(ahead[0], color=style.FAINT, lw=0.6, ls=":")
    name = str(panel.ids[series])
    called = panel.summary.roles.targets[target]
    axes.set_title(name or called)
    axes.set_ylabel("value" if panel.summary.roles.wide else called)
    axes.margins(x=0.01)
    if isinstance(past, pd.DatetimeIndex):
        _date(axes)


def _times(panel: Panel, series: int, rows: np.ndarray) -> pd.Index:
    """The user's times, as the clock on the wall shows them."""
    times = panel.stamps(np.full(len(rows), series), rows)
    return times.tz_localize(None) if isinstance(times, pd.DatetimeIndex) else times


def _date(axes: "Axes") -> None:
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    locator = AutoDateLocator(minticks=3, maxticks=7)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]
