"""The context is long enough for the season, and segments divide it."""

import pytest

from rnncli.config.sections import Columns
from tests.conftest import hourly
from tests.frames import from_frame
from tests.planning.plans import plan, single, wave


@pytest.mark.parametrize("length", [40, 100, 1000])
@pytest.mark.parametrize("horizon", [1, 3, 12])
@pytest.mark.parametrize("season", [1, 7, 24])
def test_lengths_suit_the_series_the_horizon_and_the_season(length: int, horizon: int, season: int) -> None:
    architecture = plan(single(wave(length, 7)), horizon=horizon, season=season).architecture

    context, segment = architecture.context, architecture.segment
    assert max(horizon, min(2 * season, length)) <= context <= length
    assert 2 <= context // segment <= 24
    assert season == 1 or segment % season == 0 or season % segment == 0


@pytest.mark.parametrize(("context", "season", "segment"), [(7, 1, 1), (48, 1, 6), (42, 7, 1), (48, 7, 1), (100, 1, 5)])
def test_a_given_context_is_divided_by_segments_near_a_sixth_of_it_that_fit_the_season(
    context: int, season: int, segment: int
) -> None:
    architecture = plan(single(wave(300, 7)), context=context, season=season).architecture

    assert (architecture.context, architecture.segment) == (context, segment)


@pytest.mark.parametrize("horizon", [2, 3, 7, 30])
@pytest.mark.parametrize("season", [1, 7])
def test_the_recursive_decoder_has_segments_shorter_than_the_horizon(horizon: int, season: int) -> None:
    series = single(wave(300, 7))
    chosen = plan(series, horizon=horizon, season=season, decoder="recursive").architecture

    assert chosen.segment < horizon
    assert chosen.segment <= plan(series, horizon=horizon, season=season).architecture.segment


@pytest.mark.parametrize("bptt", [5, 12, 24])
def test_segments_divide_the_steps_of_truncated_backpropagation(bptt: int) -> None:
    free = plan(single(wave(300, 7)), season=1).architecture.segment

    segment = plan(single(wave(300, 7)), season=1, bptt=bptt).architecture.segment

    assert max(length for length in range(1, free + 1) if bptt % length == free % length == 0) == segment


def test_a_duration_is_a_horizon() -> None:
    assert plan(from_frame(hourly(), Columns()), horizon="2d").architecture.horizon == 48


@pytest.mark.parametrize(
    ("horizon", "season", "context"),
    [
        (24, 24, 192),  # eight days
        (1, 24, 192),  # as many for a single hour
        (24, 168, 504),  # three weeks, the least for a weekly season
        (96, 24, 720),  # a month for several days
    ],
)
def test_the_context_of_a_long_series_grows_with_horizon_and_season(horizon: int, season: int, context: int) -> None:
    chosen = plan(single(wave(9000, 24), "h"), horizon=horizon, season=season)

    assert chosen.architecture.context == context
    assert "older values" in chosen.reasons["context"]


def test_the_context_of_a_short_series_is_limited_by_its_rows() -> None:
    chosen = plan(single(wave(300, 24), "h"), horizon=24, season=24)

    assert chosen.architecture.context < 192
    assert "a series of 300 rows" in chosen.reasons["context"]
