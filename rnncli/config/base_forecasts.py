"""The base forecasts that a network can correct, and their traits.

A new base forecast is a row here and a class in `network/base_forecasts.py`.
"""

from typing import Literal, NamedTuple

BaseName = Literal["none", "last", "seasonal", "smoothing", "cycle"]


class BaseTraits(NamedTuple):
    """Traits of a base forecast on which other modules depend."""

    seasonal: bool = False  # it has one value for each phase of the season
    from_context: bool = False  # it is computed from the context, which must hold a whole season
    learned: bool = False  # it has parameters that are trained with the network


BASES: dict[BaseName, BaseTraits] = {
    "none": BaseTraits(),
    "last": BaseTraits(),
    "seasonal": BaseTraits(seasonal=True, from_context=True),
    "smoothing": BaseTraits(seasonal=True, from_context=True, learned=True),
    "cycle": BaseTraits(seasonal=True, learned=True),
}
