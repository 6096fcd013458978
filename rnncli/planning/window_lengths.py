"""Choose the lengths of a window: horizon, context, and the segments that the context is cut into."""

import math

import numpy as np

from rnncli.config.sections import NetworkOptions
from rnncli.errors import RequestError
from rnncli.panel import Panel
from rnncli.panel.time.frequency import Frequency, steps_in
from rnncli.planning import data_checks, seasonality
from rnncli.planning.choice import Choice, Choices

HORIZONS = 6  # in the context of series without a season
SEASONAL_HORIZONS = 4  # in the context of seasonal series, at least
MAX_HORIZONS_IN_CONTEXT = 8  # horizons, or cycles of the calendar, in a context, unless three seasons are longer
MAX_SEASONS_IN_CONTEXT = 30
LONG_CONTEXT = 1000  # steps beyond which a context grows only with the horizon or two seasons


def horizon_steps(network: NetworkOptions, frequency: Frequency) -> int:
    """Return the horizon in time steps. Raise RequestError if it is not set, or is no whole number of steps."""
    horizon = network.horizon
    if horizon is None:
        raise RequestError("the forecast horizon is missing. Set --horizon, as in --horizon 24 or --horizon 7d")
    steps = horizon if isinstance(horizon, int) else steps_in(horizon, frequency)
    data_checks.check_horizon(network, steps)
    return steps


def context_and_segment(
    panel: Panel, network: NetworkOptions, horizon: int, season: int, choices: Choices
) -> tuple[int, int]:
    """Return the context, a multiple of the segment, and the segment, in time steps."""
    cycle = _shortest_cycle(season, panel.frequency)
    context = choices.choose("context", network.context, _context(panel, horizon, season, cycle))
    length = context or HORIZONS * horizon  # without a context only the horizon is cut
    # The recursive decoder feeds segments back: one as long as the horizon would leave nothing to feed back.
    longest = max(1, horizon - 1) if network.decoder == "recursive" else length
    chosen = _segment(horizon, cycle, length, fixed=bool(network.context), longest=longest)
    segment = choices.choose("segment", network.segment, chosen)
    if network.bptt is not None:
        segment = math.gcd(segment, network.bptt)
    return context if network.context is not None else -(-context // segment) * segment, segment


def _context(panel: Panel, horizon: int, season: int, cycle: int) -> Choice[int]:
    """cycle: the shortest cycle of the calendar within a season."""
    if season == 1:
        # Series shorter than the context are padded and masked. Most still have rows in all of it.
        long = int(np.quantile(panel.lengths, 0.75))
        context = min(HORIZONS * horizon, max(LONG_CONTEXT, horizon), max(long - horizon, horizon))
        return Choice(context, f"{HORIZONS} horizons, or as much as a quarter of the series has ({long} rows or more)")
    typical = int(np.median(panel.lengths))
    # On hourly data, one day was forecast as accurately from 8 days as from 30, in a fraction of the time.
    most = min(MAX_SEASONS_IN_CONTEXT, max(3, MAX_HORIZONS_IN_CONTEXT * max(horizon, cycle) // season))
    seasons = int(np.clip(typical / season / 3, 2, most))
    wanted = max(SEASONAL_HORIZONS * horizon, seasons * season)
    context = min(wanted, max(LONG_CONTEXT, 2 * season, horizon), max(typical - 2 * horizon, horizon))
    context = max(context, min(2 * season, typical))
    unit = f"{seasons} seasons" if seasons * season > SEASONAL_HORIZONS * horizon else f"{SEASONAL_HORIZONS} horizons"
    if context == wanted and seasons == most:
        return Choice(context, f"{unit}: older values add little")
    return Choice(context, f"{unit}, or as much as a series of {typical} rows has")


def _shortest_cycle(season: int, frequency: Frequency) -> int:
    """Return the shortest cycle of the calendar within a season, such as a day in a week of hours."""
    if frequency.unit == "integer":
        return season
    return min([cycle for cycle in seasonality.natural_seasons(frequency) if season % cycle == 0], default=season)


def _segment(horizon: int, cycle: int, context: int, fixed: bool, longest: int) -> Choice[int]:
    """fixed: the context is given, so that it must be a multiple of the segment."""
    share, least = (1.0, 6) if cycle == 1 else (0.4, 8)  # of the horizon, and segments in the context
    wanted = max(min(share * horizon, context / least), context / 24, 2.0)
    lengths = range(1 if fixed else min(2, longest), min(context, 2 * int(wanted) + cycle, longest) + 1)
    whole = [length for length in lengths if not fixed or context % length == 0]
    fitting = [length for length in whole if _fits(length, cycle)] or whole
    segment = min(fitting, key=lambda length: (abs(np.log(length / wanted)), -length), default=context)
    multiple = f", fitted to a cycle of {cycle}" if cycle > 1 else ""
    unit = "the horizon" if cycle == 1 else "two fifths of the horizon"
    return Choice(segment, f"about {unit}, or a share of the context{multiple}")


def _fits(length: int, cycle: int) -> bool:
    return cycle == 1 or length % cycle == 0 or cycle % length == 0
