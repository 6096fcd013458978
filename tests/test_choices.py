"""What is chosen where nothing is said."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from rnncli import choices, designs
from rnncli.choices import Plan
from rnncli.config import Columns, Network, Training
from rnncli.errors import DataError, RequestError
from rnncli.panel import Panel, from_frame
from tests.conftest import SAMPLES, hourly


def plan(panel: Panel, **network: object) -> Plan:
    return choices.make(panel, Network.model_validate({"horizon": 6} | network), Training())


def single(values: np.ndarray, freq: str = "D", start: str = "2000-01-01") -> Panel:
    stamps = pd.date_range(start, periods=len(values), freq=freq)
    return from_frame(pd.DataFrame({"ds": stamps, "y": values}), Columns())


def wave(length: int, season: int) -> np.ndarray:
    noise = np.random.default_rng(0).standard_normal(length)
    return 50 + 10 * np.sin(2 * np.pi * np.arange(length) / season) + 0.5 * noise


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

    assert designs.hidden("gru", panel, Training(**training))[0] == units


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


def test_a_context_shorter_than_the_season_leaves_the_bases_that_need_less() -> None:
    chosen = plan(single(wave(300, 12), "MS"), context=6)

    assert {design.base for design in (chosen.architecture, *chosen.rivals)} == {"cycle", "last"}


def test_a_duration_is_a_horizon() -> None:
    assert plan(from_frame(hourly(), Columns()), horizon="2d").architecture.horizon == 48


@pytest.mark.parametrize(
    ("network", "message"),
    [
        ({"context": 30, "segment": 7}, "--context 30 is no multiple of --segment 7"),
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
    from rnncli import tables
    from rnncli.seasons import seasons_seen

    panel = from_frame(tables.read(str(SAMPLES / f"{name}.csv")), Columns())

    assert list(seasons_seen(panel)) == seasons


def test_every_scale_that_the_data_allows_is_tried_with_two_bases() -> None:
    chosen = plan(single(10 + wave(300, 7)))

    tried = {(design.scale, design.base) for design in (chosen.architecture, *chosen.rivals)}
    assert tried == {(scale, base) for scale in ("log", "spread", "mean") for base in ("cycle", "smoothing")}


def test_what_is_asked_for_has_no_rivals() -> None:
    assert plan(single(10 + wave(300, 7)), scale="log", base="last", calendar=False).rivals == ()


def test_the_calendar_is_tried_where_it_says_something() -> None:
    dated, numbered = (
        plan(single(wave(300, 7))),
        plan(from_frame(pd.DataFrame({"ds": range(300), "y": range(300)}), Columns())),
    )

    assert {design.calendar for design in (dated.architecture, *dated.rivals)} == {False, True}
    assert {design.calendar for design in (numbered.architecture, *numbered.rivals)} == {False}


@pytest.mark.parametrize(("asked", "tried"), [(None, {True, False}), (True, {True}), (False, {False})])
def test_columns_beside_are_tried_with_and_without_unless_said(asked: bool | None, tried: set[bool]) -> None:
    frame = pd.DataFrame({"ds": range(300), "y": wave(300, 7), "price": range(300)})
    chosen = plan(from_frame(frame, Columns(target=("y",), known=("price",))), covariates=asked)

    assert {design.covariates for design in (chosen.architecture, *chosen.rivals)} == tried
    assert ("covariates" in chosen.reasons) == (asked is None)


def test_there_is_nothing_to_try_without_columns_beside() -> None:
    chosen = plan(single(wave(300, 7)))

    assert all(design.covariates for design in (chosen.architecture, *chosen.rivals))
    with pytest.raises(RequestError, match="--covariates needs columns to tell"):
        plan(single(wave(300, 7)), covariates=True)


@pytest.mark.parametrize(("asked", "tried"), [(None, {24, 168}), (24, {24, 168}), (168, {168}), (1, set())])
def test_a_second_cycle_is_tried_as_well(asked: int | None, tried: set[int]) -> None:
    generator = np.random.default_rng(0)
    hours = np.arange(24 * 7 * 8)
    values = (
        10 + 3 * np.sin(2 * np.pi * hours / 24) * (1 + (hours // 24 % 7 < 5)) + 0.1 * generator.normal(size=len(hours))
    )
    chosen = plan(single(values, "h"), season=asked)

    seasons = {design.season for design in (chosen.architecture, *chosen.rivals) if design.base == "cycle"}
    assert seasons == tried


@pytest.mark.parametrize("length", [40, 300])
def test_neighbours_fit_as_well(length: int) -> None:
    chosen = plan(single(10 + wave(length, 7))).architecture

    for design in choices.neighbours(chosen, Network(), length):
        assert design.context % design.segment == 0
        assert design.context + design.horizon <= length
        assert design != chosen


def test_a_recursive_network_stays_one_that_feeds_back() -> None:
    made = plan(single(wave(300, 7)), decoder="recursive", segment=4, context=28)

    nearby = choices.neighbours(made.architecture, Network(horizon=6, context=28, decoder="recursive"), 300)

    assert [one.segment for one in nearby] == [2]


def test_a_temporal_network_has_layers_for_all_that_it_reads_in_other_contexts_too() -> None:
    panel = single(wave(600, 7))
    asked = Network(horizon=6, cell="tcn", segment=2, context=16)
    found = choices.neighbours(plan(panel, cell="tcn", segment=2, context=16).architecture, Network(cell="tcn"), 600)

    assert plan(panel, **asked.model_dump(exclude_defaults=True)).architecture.layers == 2  # 13 of 8 segments
    assert {one.context // one.segment: one.layers for one in found} == {4: 1, 16: 3}


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
