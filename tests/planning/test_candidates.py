"""Candidates vary what the user leaves open."""

import numpy as np
import pandas as pd
import pytest

from rnncli.config.sections import Columns, NetworkOptions
from rnncli.errors import RequestError
from rnncli.planning import candidates
from tests.frames import from_frame
from tests.planning.plans import plan, single, wave


def test_a_context_shorter_than_the_season_excludes_bases_that_need_a_season() -> None:
    chosen = plan(single(wave(300, 12), "MS"), context=6)

    assert {architecture.base for architecture in (chosen.architecture, *chosen.candidates)} == {"cycle", "last"}


def test_each_scale_that_the_data_allows_has_a_candidate_with_each_of_two_bases() -> None:
    chosen = plan(single(10 + wave(300, 7)))

    values = {(architecture.scale, architecture.base) for architecture in (chosen.architecture, *chosen.candidates)}
    assert values == {(scale, base) for scale in ("log", "spread", "mean") for base in ("cycle", "smoothing")}


def test_settings_of_the_user_are_not_varied() -> None:
    assert plan(single(10 + wave(300, 7)), scale="log", base="last", calendar=False).candidates == ()


def test_the_calendar_is_varied_if_it_has_features() -> None:
    dated, numbered = (
        plan(single(wave(300, 7))),
        plan(from_frame(pd.DataFrame({"ds": range(300), "y": range(300)}), Columns())),
    )

    assert {architecture.calendar for architecture in (dated.architecture, *dated.candidates)} == {False, True}
    assert {architecture.calendar for architecture in (numbered.architecture, *numbered.candidates)} == {False}


@pytest.mark.parametrize(("setting", "expected"), [(None, {True, False}), (True, {True}), (False, {False})])
def test_covariates_are_varied_unless_the_user_set_them(setting: bool | None, expected: set[bool]) -> None:
    frame = pd.DataFrame({"ds": range(300), "y": wave(300, 7), "price": range(300)})
    chosen = plan(from_frame(frame, Columns(target=("y",), known=("price",))), covariates=setting)

    assert {architecture.covariates for architecture in (chosen.architecture, *chosen.candidates)} == expected
    assert ("covariates" in chosen.reasons) == (setting is None)


def test_without_covariates_there_is_nothing_to_vary() -> None:
    chosen = plan(single(wave(300, 7)))

    assert all(architecture.covariates for architecture in (chosen.architecture, *chosen.candidates))
    with pytest.raises(RequestError, match="--covariates requires columns"):
        plan(single(wave(300, 7)), covariates=True)


@pytest.mark.parametrize(("setting", "expected"), [(None, {24, 168}), (24, {24, 168}), (168, {168}), (1, set())])
def test_a_second_cycle_is_a_candidate(setting: int | None, expected: set[int]) -> None:
    generator = np.random.default_rng(0)
    hours = np.arange(24 * 7 * 8)
    values = (
        10 + 3 * np.sin(2 * np.pi * hours / 24) * (1 + (hours // 24 % 7 < 5)) + 0.1 * generator.normal(size=len(hours))
    )
    chosen = plan(single(values, "h"), season=setting)

    seasons = {
        architecture.season
        for architecture in (chosen.architecture, *chosen.candidates)
        if architecture.base == "cycle"
    }
    assert seasons == expected


@pytest.mark.parametrize(("base", "expected"), [("cycle", {24, 168}), ("seasonal", {24}), ("smoothing", {24})])
def test_a_cycle_longer_than_the_context_is_a_candidate_if_the_base_needs_no_season_in_it(
    base: str, expected: set[int]
) -> None:
    hours = np.arange(24 * 7 * 8)
    values = 10 + 3 * np.sin(2 * np.pi * hours / 24) * (1 + (hours // 24 % 7 < 5))
    chosen = plan(single(values, "h"), season=24, context=96, base=base)

    assert {architecture.season for architecture in (chosen.architecture, *chosen.candidates)} == expected


@pytest.mark.parametrize(
    ("settings", "longest", "lengths"),
    [
        ({}, 300, {(12, 48), (3, 42), (6, 24), (6, 84)}),  # contexts are rounded up to whole segments
        ({}, 60, {(12, 48), (3, 42), (6, 24)}),  # 84 steps and the horizon are longer than any series
        ({"context": 42}, 300, {(3, 42)}),  # not 12, which does not divide it
        ({"segment": 6}, 300, {(6, 24), (6, 84)}),
        ({"segment": 6, "context": 42}, 300, set()),
        ({"base": "seasonal", "season": 28}, 300, {(12, 48), (3, 42), (6, 84)}),  # 24 steps are less than a season
        ({"bptt": 12}, 300, {(12, 48), (3, 42), (6, 24), (6, 84)}),
        ({"bptt": 6}, 300, {(3, 42), (6, 24), (6, 84)}),
    ],
)
def test_neighbours_have_twice_and_half_the_lengths_as_far_as_these_fit(
    settings: dict[str, object], longest: int, lengths: set[tuple[int, int]]
) -> None:
    parts = {name: value for name, value in settings.items() if name not in ("segment", "context")}
    chosen = plan(single(10 + wave(300, 7)), segment=6, context=42, **parts).architecture

    found = candidates.neighbours(chosen, NetworkOptions.model_validate(settings), longest)

    assert {(architecture.segment, architecture.context) for architecture in found} == lengths
    assert len(found) == len(lengths)


def test_neighbours_of_a_recursive_network_still_feed_back() -> None:
    chosen = plan(single(wave(300, 7)), decoder="recursive", segment=4, context=28)

    nearby = candidates.neighbours(chosen.architecture, NetworkOptions(horizon=6, context=28, decoder="recursive"), 300)

    assert [neighbour.segment for neighbour in nearby] == [2]


def test_neighbours_of_a_tcn_have_layers_for_their_context() -> None:
    panel = single(wave(600, 7))
    setting = NetworkOptions(horizon=6, cell="tcn", segment=2, context=16)
    found = candidates.neighbours(
        plan(panel, cell="tcn", segment=2, context=16).architecture, NetworkOptions(cell="tcn"), 600
    )

    assert plan(panel, **setting.model_dump(exclude_defaults=True)).architecture.layers == 2  # 13 of 8 segments
    assert {neighbour.context // neighbour.segment: neighbour.layers for neighbour in found} == {4: 1, 16: 3}
