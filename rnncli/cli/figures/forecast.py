"""Figure of a forecast: each series with its point forecast and intervals."""

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from rnncli.cli import descriptions
from rnncli.cli.figures import style
from rnncli.config.intervals import interval_bounds
from rnncli.config.sections import Forecasting
from rnncli.panel import Cutoffs, Panel
from rnncli.panel.export.forecast_table import levels
from rnncli.panel.export.names import nearest

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from rnncli.panel.panel import Forecast

MAX_PANELS = 12
PAST_HORIZONS = 4  # length of the history drawn
MAX_MARKED = 60  # a history of at most so many points gets marks


class Series(NamedTuple):
    """One target of one series, up to its cutoff."""

    panel: Panel
    number: int
    end: int  # row of the first forecast step
    target: int

    @property
    def title(self) -> str:
        """The id of the series, or the target's name in a table of one series."""
        return str(self.panel.ids[self.number]) or self.panel.summary.roles.targets[self.target]

    @property
    def target_name(self) -> str:
        """The label of the values."""
        roles = self.panel.summary.roles
        return "value" if roles.wide else roles.targets[self.target]

    def values(self, rows: np.ndarray) -> np.ndarray:
        """Return the values (N,) of these rows."""
        return self.panel.series(self.number)[rows, self.target]

    def times(self, rows: np.ndarray) -> np.ndarray:
        """Return the times of these rows, in local time without a zone."""
        times = self.panel.times_at(np.full(len(rows), self.number), rows)
        return times.values if times.integer else times.local.astype("datetime64[us]")


def draw(path: Path, panel: Panel, cutoffs: Cutoffs, forecast: "Forecast", forecasting: Forecasting) -> None:
    """Draw the first series, a panel for each target."""
    pairs = [(index, target) for index in range(len(cutoffs.series)) for target in range(panel.targets)][:MAX_PANELS]
    columns = 1 if len(pairs) == 1 else 2 if len(pairs) <= 4 else 3
    rows = -(-len(pairs) // columns)
    with style.page(path, (7.2, 8.4, 10.5)[columns - 1], 0.8 + (3.0, 2.3, 2.0)[columns - 1] * rows) as figure:
        panels = style.grid(figure, len(pairs), columns)
        for axes, (index, target) in zip(panels, pairs, strict=True):
            series = Series(panel, int(cutoffs.series[index]), int(cutoffs.rows[index]), target)
            _draw_series(
                axes, series, forecast.point[index, :, target], forecast.quantiles[index, :, target], forecasting
            )
        style.legend_above(figure, panels)
        figure.supxlabel(f"{panel.summary.roles.time}, {descriptions.frequency_words(panel)}", size=8)


def _draw_series(
    axes: "Axes", series: Series, point: np.ndarray, quantiles: np.ndarray, forecasting: Forecasting
) -> None:
    """Draw one target of a series with its forecast: point (H,), quantiles (H, P)."""
    horizon = len(point)
    rows = np.arange(max(0, series.end - PAST_HORIZONS * horizon), series.end)
    past, ahead = series.times(rows), series.times(np.arange(series.end, series.end + horizon))
    mark = "." if len(rows) <= MAX_MARKED else ""
    axes.plot(past, series.values(rows), color=style.INK, marker=mark, ms=3, lw=0.9, label="data")
    axes.plot(ahead, point, color=style.BLUE, marker=mark, ms=3, lw=1.3, label="forecast")
    known, shades = levels(forecasting), np.linspace(0.18, 0.36, max(1, len(forecasting.level)))
    for percent, shade in zip(sorted(forecasting.level, reverse=True), shades, strict=False):
        low, high = (quantiles[:, nearest(known, level)] for level in interval_bounds(percent))
        axes.fill_between(ahead, low, high, color=style.BLUE, alpha=shade, lw=0, label=f"{percent:g} % interval")
        if horizon == 1:  # the area has no width
            axes.vlines(ahead, low, high, color=style.BLUE, alpha=shade, lw=6)
    axes.axvline(ahead[0], color=style.FAINT, lw=0.6, ls=":")
    axes.set_title(series.title)
    axes.set_ylabel(series.target_name)
    axes.margins(x=0.01)
    if not series.panel.times.integer:
        _use_date_ticks(axes)


def _use_date_ticks(axes: "Axes") -> None:
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    locator = AutoDateLocator(minticks=3, maxticks=7)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]
