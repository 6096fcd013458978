"""Plans choose what the user leaves open, from the data."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from rnncli.config.sections import Columns, NetworkOptions, Training
from rnncli.errors import DataError, RequestError
from rnncli.panel import Table, from_table
from rnncli.planning import defaults
from rnncli.planning.plan import make_plan
from tests.conftest import SAMPLES, hourly
from tests.frames import from_frame
from tests.planning.plans import plan, single, wave


@pytest.mark.parametrize(
    ("freq", "season"), [("h", 24), ("15min", 96), ("D", 7), ("MS", 12), ("QE", 4), ("W", 52), ("B", 5), ("min", 60)]
)
def test_the_season_is_the_cycle_of_the_calendar_in_the_data(freq: str, season: int) -> None:
    assert plan(single(wave(max(200, 6 * season), season), freq)).architecture.season == season


def test_a_random_walk_has_no_season() -> None:
    walk = np.random.default_rng(0).standard_normal(400).cumsum()

    assert plan(single(walk, "D")).architecture.season == 1


def test_the_season_of_an_integer_time_index_is_found_in_the_data() -> None:
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


@pytest.mark.parametrize(
    ("rows", "batch", "steps"),
    [
        (400, 64, 300),  # at least
        (10_000, 256, 150 * (10_000 // 6) // 256),  # 150 epochs of windows without overlap
        (10_000, 512, 150 * (10_000 // 6) // 512),
        (10_000, 8, 2000),  # at most
    ],
)
def test_steps_grow_with_the_horizons_in_the_data(rows: int, batch: int, steps: int) -> None:
    panel = from_frame(pd.DataFrame({"ds": range(rows), "y": np.arange(rows) % 7.0}), Columns())

    assert make_plan(panel, NetworkOptions(horizon=6), Training(batch=batch, synthetic=0)).steps == steps


def test_validation_comes_after_every_training_window() -> None:
    panel = from_frame(hourly(series=4), Columns())
    chosen = plan(panel)

    parts = chosen.split
    assert (parts.last + 6 <= panel.lengths - parts.held_out).all()
    assert (parts.validation.rows >= (panel.lengths - parts.held_out)[parts.validation.series]).all()
    assert (parts.validation.rows + 6 <= panel.lengths[parts.validation.series]).all()


@pytest.mark.parametrize("length", [20, 60, 200, 3000])
def test_overlapping_validation_windows_count_as_the_windows_that_would_fit_without_overlap(length: int) -> None:
    parts = plan(single(wave(length, 7)), horizon=6).split

    independent, end = 0, 0
    for rows in sorted(parts.validation.rows):
        if rows >= end:
            independent, end = independent + 1, rows + 6
    assert independent <= parts.independent_windows(6) < independent + 1


def test_settings_of_the_user_are_not_chosen() -> None:
    settings = {"season": 5, "context": 30, "segment": 10, "base": "none", "scale": "mean", "hidden": 9}

    chosen = plan(single(wave(300, 7)), **settings)

    assert {name: getattr(chosen.architecture, name) for name in settings} == settings
    assert set(chosen.reasons) == {"history", "steps", "calendar", "pretrained"}


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

    assert defaults.hidden_units("gru", panel, Training(**training)).value == units


@pytest.mark.parametrize(
    ("network", "message"),
    [
        ({"context": 30, "segment": 7}, "--context 30"),
        ({"context": 6, "season": 12, "base": "seasonal"}, "--base seasonal requires a context"),
        ({"horizon": "1h"}, "not an integer number of steps"),
    ],
)
def test_settings_that_do_not_fit_together_are_refused(network: dict[str, object], message: str) -> None:
    with pytest.raises(RequestError, match=message):
        plan(single(wave(300, 7)), **network)


def test_series_that_are_all_too_short_are_refused_with_the_rows_they_need() -> None:
    with pytest.raises(DataError, match=r"has 9 rows \(horizon 6 requires 10\)"):
        plan(single(wave(9, 7)))


def test_twenty_rows_in_each_of_many_series_are_enough() -> None:
    frame = pd.DataFrame({"unique_id": np.repeat(range(50), 20), "ds": np.tile(range(20), 50), "y": wave(1000, 7)})

    chosen = plan(from_frame(frame, Columns()))

    assert (chosen.split.last >= chosen.split.first).all()


@pytest.mark.parametrize(("name", "seasons"), [("demand", [168, 24]), ("passengers", [12]), ("retail", [7])])
def test_the_seasons_of_the_sample_tables_are_detected(name: str, seasons: list[int]) -> None:
    from rnncli.planning.seasonality import detected_seasons
    from rnncli.tables import reading

    panel = from_table(Table(reading.read(str(SAMPLES / f"{name}.csv"))), Columns())

    assert list(detected_seasons(panel)) == seasons


@pytest.mark.parametrize(
    ("settings", "decoder"),
    [
        ({}, "parallel"),
        ({"cell": "tcn"}, "parallel"),
        ({"cell": "esn"}, "direct"),
        ({"bidirectional": True}, "encoder-decoder"),
        ({"decoder_segment": 2}, "encoder-decoder"),
    ],
)
def test_the_decoder_suits_the_encoder(settings: dict[str, object], decoder: str) -> None:
    assert plan(single(wave(300, 7)), **settings).architecture.decoder == decoder


def test_rectified_units_are_initialised_with_the_identity() -> None:
    architecture = plan(single(wave(300, 7)), cell="rnn", activation="relu").architecture

    assert architecture.initialisation == "identity"


def test_with_carried_states_the_only_scale_is_global() -> None:
    chosen = plan(single(wave(300, 7)), bptt=12)

    assert {architecture.scale for architecture in (chosen.architecture, *chosen.candidates)} == {"global"}


def test_without_enough_rows_to_compare_seasons_the_base_is_the_last_value() -> None:
    chosen = plan(single(wave(15, 12)), horizon=4, season=12)

    assert chosen.architecture.base == "last"
    assert "too short" in chosen.reasons["base"]


def test_the_plan_tells_the_table_from_the_panel_to_train_on() -> None:
    table = single(wave(30, 7), "YS")

    chosen = make_plan(table, NetworkOptions(horizon=6), Training(synthetic=5))

    assert chosen.table is table
    assert len(chosen.training_panel.ids) == len(table.ids) + chosen.augmented.synthetic == 6
    assert chosen.settings["synthetic"] == 5
