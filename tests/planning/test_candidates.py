"""What is tried beside the design that is chosen."""

import numpy as np
import pandas as pd
import pytest

from rnncli.config.sections import Columns, Network
from rnncli.errors import RequestError
from rnncli.panel import from_frame
from rnncli.planning import candidates
from tests.planning.plans import plan, single, wave


def test_a_context_shorter_than_the_season_leaves_the_bases_that_need_less() -> None:
    chosen = plan(single(wave(300, 12), "MS"), context=6)

    assert {design.base for design in (chosen.architecture, *chosen.rivals)} == {"cycle", "last"}


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


@pytest.mark.parametrize(("base", "tried"), [("cycle", {24, 168}), ("seasonal", {24}), ("smoothing", {24})])
def test_a_second_cycle_that_the_context_is_too_short_for_is_tried_where_none_of_it_is_needed(
    base: str, tried: set[int]
) -> None:
    hours = np.arange(24 * 7 * 8)
    values = 10 + 3 * np.sin(2 * np.pi * hours / 24) * (1 + (hours // 24 % 7 < 5))
    chosen = plan(single(values, "h"), season=24, context=96, base=base)

    assert {design.season for design in (chosen.architecture, *chosen.rivals)} == tried


@pytest.mark.parametrize("length", [40, 300])
def test_neighbours_fit_as_well(length: int) -> None:
    chosen = plan(single(10 + wave(length, 7))).architecture

    for design in candidates.neighbours(chosen, Network(), length):
        assert design.context % design.segment == 0
        assert design.context + design.horizon <= length
        assert design != chosen


def test_a_recursive_network_stays_one_that_feeds_back() -> None:
    made = plan(single(wave(300, 7)), decoder="recursive", segment=4, context=28)

    nearby = candidates.neighbours(made.architecture, Network(horizon=6, context=28, decoder="recursive"), 300)

    assert [one.segment for one in nearby] == [2]


def test_a_temporal_network_has_layers_for_all_that_it_reads_in_other_contexts_too() -> None:
    panel = single(wave(600, 7))
    asked = Network(horizon=6, cell="tcn", segment=2, context=16)
    found = candidates.neighbours(plan(panel, cell="tcn", segment=2, context=16).architecture, Network(cell="tcn"), 600)

    assert plan(panel, **asked.model_dump(exclude_defaults=True)).architecture.layers == 2  # 13 of 8 segments
    assert {one.context // one.segment: one.layers for one in found} == {4: 1, 16: 3}
