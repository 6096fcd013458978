"""How far a network looks ahead and back, and into what its context is cut. numpy only."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from rnncli.config.sections import Network
from rnncli.config.types import MOST_STEPS
from rnncli.errors import RequestError
from rnncli.panel import Panel
from rnncli.panel.time import frequency as clock
from rnncli.panel.time.frequency import Frequency
from rnncli.planning import seasonality

MAX_HORIZONS_IN_CONTEXT = 8  # horizons, or cycles of the calendar, in a context, unless three seasons are longer
MAX_SEASONS_IN_CONTEXT = 30

Choose = Callable[[str, Any, tuple[Any, str]], Any]  # a name, what was asked for, else what is chosen and why


def horizon_steps(network: Network, frequency: Frequency) -> int:
    """The horizon in steps of the clock. Raises RequestError where it was not said, or cannot be had."""
    if network.horizon is None:
        raise RequestError("how far to forecast is for you to say: --horizon 24, or --horizon 7d")
    horizon = network.horizon
    steps = horizon if isinstance(horizon, int) else clock.steps_in(horizon, frequency)
    if steps > MOST_STEPS:
        raise RequestError(f"--horizon {horizon} is {steps} steps, more than the {MOST_STEPS} that a network takes")
    return steps


def context_and_segment(panel: Panel, network: Network, horizon: int, season: int, choose: Choose) -> tuple[int, int]:
    """Context and segment, of which the first is made of whole ones."""
    cycle = _shortest_cycle(season, panel.frequency)
    context = choose("context", network.context, _context(panel, horizon, season, cycle))
    length = context or 6 * horizon  # with nothing seen of the past only the horizon is to be cut
    most = max(1, horizon - 1) if network.decoder == "recursive" else length  # of a whole horizon nothing is fed back
    segment = choose("segment", network.segment, _segment(horizon, cycle, length, bool(network.context), most))
    if network.bptt is not None:
        segment = math.gcd(segment, network.bptt)
    return _of_whole_segments(context, segment, network), segment


def _of_whole_segments(context: int, segment: int, network: Network) -> int:
    return context if network.context is not None else -(-context // segment) * segment


def _context(panel: Panel, horizon: int, season: int, cycle: int) -> tuple[int, str]:
    """cycle: the shortest of the calendar within a season."""
    if season == 1:
        # Series that end within the context are padded and masked: most still have rows in all of it.
        long = int(np.quantile(panel.lengths, 0.75))
        context = min(6 * horizon, max(1000, horizon), max(long - horizon, horizon))
        return context, f"6 horizons, as far as a quarter of the series, of {long} rows and more, have them"
    typical = int(np.median(panel.lengths))
    # A day of hours was foretold as well from eight days as from thirty, in a fraction of the time.
    most = min(MAX_SEASONS_IN_CONTEXT, max(3, MAX_HORIZONS_IN_CONTEXT * max(horizon, cycle) // season))
    seasons = int(np.clip(typical / season / 3, 2, most))
    wished = max(4 * horizon, seasons * season)
    context = min(wished, max(1000, 2 * season, horizon), max(typical - 2 * horizon, horizon))
    context = max(context, min(2 * season, typical))
    of = f"{seasons} seasons" if seasons * season > 4 * horizon else "4 horizons"
    if context == wished and seasons == most:
        return context, f"{of}: further back lies little that is new"
    return context, f"{of}, as far as a series of {typical} rows has them"


def _shortest_cycle(season: int, frequency: Frequency) -> int:
    """The shortest cycle of the calendar within a season: a day in a week of hours."""
    if frequency.unit == "integer":
        return season
    return min([cycle for cycle in seasonality.natural_seasons(frequency) if season % cycle == 0], default=season)


def _segment(horizon: int, cycle: int, context: int, fixed: bool, most: int) -> tuple[int, str]:
    """fixed: the context was asked for, so it has to be cut without a rest; most: steps of a segment."""
    share, least = (1.0, 6) if cycle == 1 else (0.4, 8)  # of the horizon, and steps that the context is to have
    wished = max(min(share * horizon, context / least), context / 24, 2.0)
    lengths = range(1 if fixed else min(2, most), min(context, 2 * int(wished) + cycle, most) + 1)
    lengths_cut = [length for length in lengths if not fixed or context % length == 0]
    fitting = [length for length in lengths_cut if _fits(length, cycle)] or lengths_cut
    segment = min(fitting, key=lambda length: (abs(np.log(length / wished)), -length), default=context)
    whole = f", and part or multiple of a cycle of {cycle}" if cycle > 1 else ""
    of = "the horizon" if cycle == 1 else "two fifths of the horizon"
    return segment, f"about {of}, or a part of the context{whole}"


def _fits(length: int, cycle: int) -> bool:
    return cycle == 1 or length % cycle == 0 or cycle % length == 0
