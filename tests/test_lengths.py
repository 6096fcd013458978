"""How far a network looks, and what its context is cut into."""

import pytest

from rnncli.config import Columns
from rnncli.panel import from_frame
from tests.conftest import hourly
from tests.plans import plan, single, wave


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
