"""How far a network looks, and what its context is cut into."""

import pytest

from rnncli.config.sections import Columns
from rnncli.panel import from_frame
from tests.conftest import hourly
from tests.planning.plans import plan, single, wave


@pytest.mark.parametrize("context", [7, 50, 97])
def test_a_context_that_is_asked_for_is_cut_without_a_rest(context: int) -> None:
    design = plan(single(wave(300, 7)), context=context).architecture

    assert design.context == context
    assert context % design.segment == 0


@pytest.mark.parametrize("horizon", [2, 3, 7, 30])
@pytest.mark.parametrize("season", [1, 7])
def test_a_decoder_that_feeds_back_gets_segments_shorter_than_the_horizon(horizon: int, season: int) -> None:
    series = single(wave(300, 7))
    chosen = plan(series, horizon=horizon, season=season, decoder="recursive").architecture

    assert chosen.segment < horizon
    assert chosen.segment <= plan(series, horizon=horizon, season=season).architecture.segment


def test_a_duration_is_a_horizon() -> None:
    assert plan(from_frame(hourly(), Columns()), horizon="2d").architecture.horizon == 48


@pytest.mark.parametrize(
    ("horizon", "season", "context"),
    [
        (24, 24, 192),  # eight days
        (1, 24, 192),  # of which a single hour needs as many
        (24, 168, 504),  # three weeks, for none is told by less
        (96, 24, 720),  # a month, for days to come that are many
    ],
)
def test_a_long_series_is_looked_back_at_as_far_as_its_horizon_and_cycles_need(
    horizon: int, season: int, context: int
) -> None:
    made = plan(single(wave(9000, 24), "h"), horizon=horizon, season=season)

    assert made.architecture.context == context
    assert made.reasons["context"].endswith("further back lies little that is new")


def test_a_short_series_is_looked_back_at_as_far_as_it_has_rows() -> None:
    made = plan(single(wave(300, 24), "h"), horizon=24, season=24)

    assert made.architecture.context < 192
    assert made.reasons["context"].endswith("as far as a series of 300 rows has them")
