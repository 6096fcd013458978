"""What is chosen where nothing is said."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from rnncli.config.sections import Columns, Training
from rnncli.errors import DataError, RequestError
from rnncli.panel import from_frame
from rnncli.planning import defaults
from tests.conftest import SAMPLES, hourly
from tests.planning.plans import plan, single, wave


@pytest.mark.parametrize(
    ("freq", "season"), [("h", 24), ("15min", 96), ("D", 7), ("MS", 12), ("QE", 4), ("W", 52), ("B", 5), ("min", 60)]
)
def test_the_season_is_the_cycle_of_the_calendar_that_shows(freq: str, season: int) -> None:
    assert plan(single(wave(max(200, 6 * season), season), freq)).architecture.season == season


def test_no_season_where_none_shows() -> None:
    steps = np.random.default_rng(0).standard_normal(400).cumsum()

    assert plan(single(steps, "D")).architecture.season == 1


def test_a_plain_clock_tells_its_season_by_the_data() -> None:
    panel = from_frame(pd.DataFrame({"ds": range(300), "y": wave(300, 12)}), Columns())

    assert plan(panel).architecture.season == 12


@pytest.mark.parametrize(
    ("values", "scale"),
    [
        (wave(300, 7), "log"),
        (wave(300, 7) - 50, "spread"),
        (np.random.default_rng(0).poisson(0.7, 300), "mean"),
    ],
)
def test_the_scale_suits_the_values(values: np.ndarray, scale: str) -> None:
    assert plan(single(values)).architecture.scale == scale


@pytest.mark.parametrize("length", [40, 100, 1000])
@pytest.mark.parametrize("horizon", [1, 3, 12])
@pytest.mark.parametrize("season", [1, 7, 24])
def test_every_choice_fits_the_others(length: int, horizon: int, season: int) -> None:
    chosen = plan(single(wave(length, 7)), horizon=horizon, season=season)

    design = chosen.architecture
    assert design.context % design.segment == 0
    assert design.base != "smoothing" or design.season <= design.context
    assert chosen.steps >= 1


def test_validation_comes_after_every_training_window() -> None:
    panel = from_frame(hourly(series=4), Columns())
    chosen = plan(panel)

    parts = chosen.split
    assert (parts.last + 6 <= panel.lengths - parts.held_out).all()
    assert (parts.validation.rows >= (panel.lengths - parts.held_out)[parts.validation.series]).all()
    assert (parts.validation.rows + 6 <= panel.lengths[parts.validation.series]).all()


@pytest.mark.parametrize("length", [20, 60, 200, 3000])
def test_validation_windows_that_overlap_count_as_those_that_would_not(length: int) -> None:
    parts = plan(single(wave(length, 7)), horizon=6).split

    apart, free = 0, 0
    for rows in sorted(parts.validation.rows):
        if rows >= free:
            apart, free = apart + 1, rows + 6
    assert apart <= parts.apart(6) < apart + 1


def test_what_is_asked_for_is_not_chosen() -> None:
    chosen = plan(single(wave(300, 7)), season=5, context=30, segment=10, base="none", scale="mean", hidden=9)

    asked = {"season": 5, "context": 30, "segment": 10, "base": "none", "scale": "mean", "hidden": 9}
    assert {name: getattr(chosen.architecture, name) for name in asked} == asked
    assert set(chosen.reasons) == {"history", "steps", "calendar"}


@pytest.mark.parametrize(
    ("count", "training", "units"),
    [
        (100, {}, 32),
        (10_000, {}, 64),
        (200_000, {}, 128),
        (200_000, {"budget": "10m"}, 128),
        (200_000, {"preset": "fast"}, 64),
        (200_000, {"preset": "fast", "members": 2}, 128),
        (200_000, {"preset": "best", "budget": "1m"}, 64),
    ],
)
def test_a_layer_is_as_wide_as_values_and_time_allow(count: int, training: dict[str, Any], units: int) -> None:
    panel = from_frame(pd.DataFrame({"ds": range(count), "y": np.arange(count) % 7.0}), Columns())

    assert defaults.hidden_units("gru", panel, Training(**training))[0] == units


@pytest.mark.parametrize(
    ("network", "message"),
    [
        ({"context": 30, "segment": 7}, "--context 30 requires a --segment that divides it"),
        ({"context": 6, "season": 12, "base": "seasonal"}, "--base seasonal needs a --context of at least"),
        ({"horizon": "1h"}, "no whole number of steps"),
    ],
)
def test_what_does_not_fit_together_is_refused(network: dict[str, object], message: str) -> None:
    with pytest.raises(RequestError, match=message):
        plan(single(wave(300, 7)), **network)


def test_series_that_are_all_too_short_are_refused_with_what_it_takes() -> None:
    with pytest.raises(DataError, match="has 9 rows; horizon 6 needs 10"):
        plan(single(wave(9, 7)))


def test_a_panel_of_twenty_rows_a_series_is_enough() -> None:
    frame = pd.DataFrame({"unique_id": np.repeat(range(50), 20), "ds": np.tile(range(20), 50), "y": wave(1000, 7)})

    chosen = plan(from_frame(frame, Columns()))

    assert (chosen.split.last >= chosen.split.first).all()


@pytest.mark.parametrize(("name", "seasons"), [("demand", [168, 24]), ("passengers", [12]), ("retail", [7])])
def test_the_seasons_of_the_samples_are_seen(name: str, seasons: list[int]) -> None:
    from rnncli.planning.seasonality import detected_seasons
    from rnncli.tables import reading

    panel = from_frame(reading.read(str(SAMPLES / f"{name}.csv")), Columns())

    assert list(detected_seasons(panel)) == seasons


@pytest.mark.parametrize(
    ("asked", "decoder"),
    [
        ({}, "parallel"),
        ({"cell": "tcn"}, "parallel"),
        ({"cell": "esn"}, "direct"),
        ({"bidirectional": True}, "encoder-decoder"),
        ({"decoder_segment": 2}, "encoder-decoder"),
    ],
)
def test_the_decoder_is_one_that_the_encoder_leaves_room_for(asked: dict[str, object], decoder: str) -> None:
    assert plan(single(wave(300, 7)), **asked).architecture.decoder == decoder


def test_rectified_units_start_at_the_identity() -> None:
    made = plan(single(wave(300, 7)), cell="rnn", activation="relu").architecture

    assert made.initialisation == "identity"


def test_with_states_carried_over_one_scale_is_all_there_is() -> None:
    made = plan(single(wave(300, 7)), bptt=12)

    assert {design.scale for design in (made.architecture, *made.rivals)} == {"global"}
    assert 12 % made.architecture.segment == 0
    assert made.architecture.context % made.architecture.segment == 0


def test_series_too_short_to_compare_seasons_are_said_to_be() -> None:
    chosen = plan(single(wave(15, 12)), horizon=4, season=12)

    assert chosen.architecture.base == "last"
    assert chosen.reasons["base"] == "the series are too short to tell what a season is worth"
