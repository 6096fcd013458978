"""Synthetic series augment short tables."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnncli.config.fields import SYNTHETIC_SERIES
from rnncli.config.sections import Columns, NetworkOptions, Training
from rnncli.model import card_file
from rnncli.panel import Panel
from rnncli.planning import plan as choices
from rnncli.planning import synthetic_series
from rnncli.planning.validation_split import split
from tests.conftest import Command, hourly
from tests.frames import from_frame
from tests.planning.plans import plan, single, wave


def growing(series: int = 1, years: int = 24, seed: int = 0) -> pd.DataFrame:
    """Return a long table of randomly growing yearly sales."""
    generator = np.random.default_rng(seed)
    growth = generator.normal(0.04, 0.03, (series, years)).cumsum(axis=1)
    values = generator.uniform(10, 1000, (series, 1)) * np.exp(growth)
    years_of = pd.date_range("1990-01-01", periods=years, freq="YS").to_numpy()
    names = np.repeat([f"s{number}" for number in range(series)], years)
    return pd.DataFrame({"unique_id": names, "ds": np.tile(years_of, series), "y": values.ravel()})


def panel(frame: pd.DataFrame) -> Panel:
    return from_frame(frame, Columns())


def of_numbers(values: np.ndarray) -> Panel:
    """Return a single series with an integer time index."""
    return panel(pd.DataFrame({"ds": range(len(values)), "y": values}))


@pytest.mark.parametrize(("series", "years"), [(1, 11), (1, 24), (5, 24)])
def test_few_short_series_are_augmented(series: int, years: int) -> None:
    asked = NetworkOptions(horizon=6), Training(pretrained=False)
    chosen = choices.make_plan(panel(growing(series, years)), *asked)

    assert chosen.settings["synthetic"] == SYNTHETIC_SERIES
    assert len(chosen.training_panel.ids) == series + SYNTHETIC_SERIES
    assert len(chosen.split.validation.rows) >= SYNTHETIC_SERIES
    assert "too few to learn from" in chosen.reasons["synthetic"]


@pytest.mark.parametrize(
    "table",
    [
        panel(growing(series=400)),
        single(wave(60, 7)),
        of_numbers(np.random.default_rng(0).poisson(0.5, 40)),
        of_numbers(np.arange(120.0) + np.random.default_rng(0).normal(size=120)),
        of_numbers(np.random.default_rng(0).normal(size=40)),
        from_frame(growing().assign(price=1.0), Columns(target=("y",), known=("price",))),
    ],
    ids=["many", "seasonal", "intermittent", "long", "always back where it was", "with a column beside"],
)
def test_other_tables_are_not_augmented(table: Panel) -> None:
    chosen = plan(table)

    assert chosen.training_panel is table
    assert chosen.settings["synthetic"] == 0
    assert "synthetic" not in chosen.reasons


@given(
    lengths=st.lists(st.integers(1, 40), max_size=3).map(lambda lengths: [*lengths, 9]),
    season=st.sampled_from([1, 4, 12]),
    low=st.sampled_from([-5.0, 0.0, 3.0]),
    gaps=st.floats(0, 0.6),
    seed=st.integers(0, 99),
)
def test_synthetic_series_have_the_end_the_gaps_and_the_domain_of_the_originals(
    lengths: list[int], season: int, low: float, gaps: float, seed: int
) -> None:
    generator = np.random.default_rng(seed)
    values = [low + generator.exponential(2.0, length) for length in lengths]
    for one in values:
        one[:-1][generator.random(len(one) - 1) < gaps] = np.nan
        one[0] = np.nan_to_num(one[0], nan=low)
    names = np.repeat(range(len(lengths)), lengths)
    steps = np.concatenate([np.arange(length) for length in lengths])
    real = panel(pd.DataFrame({"unique_id": names, "ds": steps, "y": np.concatenate(values)}))

    both = synthetic_series.append_synthetic(real, 20, 6, season, seed)
    again = synthetic_series.append_synthetic(real, 20, 6, season, seed)

    own, count = len(real.ids), len(real.values)
    assert np.array_equal(both.values, again.values, equal_nan=True)
    assert np.array_equal(both.values[:count], real.values, equal_nan=True)
    assert both.offsets[: own + 1].tolist() == real.offsets.tolist()
    assert both.offsets[-1] == len(both.values)
    assert (both.lengths[own:] >= 4 + synthetic_series.MIN_WINDOWS * 6).all()
    of = dict(zip(real.ids.tolist(), range(own), strict=True))
    for number in range(own, own + 20):
        like, made = real.series(of[both.ids[number]]), both.series(number)
        assert both.firsts[number] + len(made) == real.firsts[of[both.ids[number]]] + len(like)
        assert np.array_equal(np.isnan(made[-len(like) :]), np.isnan(like))
        assert not np.isinf(made).any()
    lowest = np.nanmin(real.values)
    assert lowest < 0 or np.nanmin(both.values) >= 0
    assert lowest <= 0 or np.nanmin(both.values) > 0


@given(
    times=st.floats(0.01, 1000), plus=st.floats(-1000, 1000), season=st.sampled_from([1, 4]), seed=st.integers(0, 99)
)
def test_synthetic_series_scale_with_the_units_of_the_table(times: float, plus: float, season: int, seed: int) -> None:
    values = np.random.default_rng(seed).normal(size=30).cumsum() - 100  # below zero, whatever comes
    other = times * values + plus - times * 1000

    one, two = (
        synthetic_series.append_synthetic(of_numbers(each), 10, 6, season, 0).values for each in (values, other)
    )

    below = other.max() < 0
    assert not below or np.allclose(times * one + plus - times * 1000, two, rtol=1e-6, atol=1e-6 * times)


def test_synthetic_series_have_the_size_and_drift_of_the_originals() -> None:
    generator = np.random.default_rng(0)
    calm = 100 + 3.0 * np.arange(60) + generator.normal(size=60)
    wild = 5000 - 40.0 * np.arange(60) + 10 * generator.normal(size=60)
    real = panel(pd.DataFrame({"unique_id": [0] * 60 + [1] * 60, "ds": [*range(60)] * 2, "y": [*-calm, *wild]}))
    both = synthetic_series.append_synthetic(real, 400, 6, 1, 0)

    made = {0: list[np.ndarray](), 1: list[np.ndarray]()}
    for number in range(2, 402):
        made[both.ids[number]].append(np.diff(both.series(number)[:, 0]))
    for name, drift, size in ((0, -3.0, 1.4), (1, -40.0, 14.0)):
        typical = np.median([np.abs(changes - np.median(changes)).mean() for changes in made[name]])
        assert 0.5 * size < typical < 2 * size
        assert 0.3 < np.median([changes[:5].mean() for changes in made[name]]) / drift < 1.5


@pytest.mark.parametrize("horizon", [6, 24])
def test_synthetic_series_revert_like_the_originals(horizon: int) -> None:
    generator = np.random.default_rng(0)
    season = np.tile(np.cos(np.arange(12) / 2), 6)
    real = of_numbers(np.exp(5 + season + 0.3 * generator.normal(size=72)))
    both = synthetic_series.append_synthetic(real, 200, horizon, 12, 0)

    spreads = [np.log(both.series(number)).std() for number in range(1, 201)]
    assert 0.8 < np.median(spreads) / np.log(real.values).std() < 1.5
    assert np.quantile(spreads, 0.95) < 4 * np.log(real.values).std()


@given(series=st.integers(1, 3), years=st.integers(13, 60), horizon=st.integers(1, 8), seed=st.integers(0, 99))
def test_traits_do_not_depend_on_validation_rows(series: int, years: int, horizon: int, seed: int) -> None:
    table = growing(series, years, seed)
    real = panel(table)
    both = synthetic_series.append_synthetic(real, 5, horizon, 1, 0)
    unseen = split(both, horizon, None).validation
    told = min([years, *unseen.rows[unseen.series < series]])

    table["y"] = table["y"].where(table.groupby("unique_id").cumcount() < told, table["y"] * 17)
    other = synthetic_series.append_synthetic(panel(table), 5, horizon, 1, 0)

    own = len(real.values)
    assert np.array_equal(both.values[own:], other.values[own:])


def test_synthetic_series_have_the_season_of_the_originals() -> None:
    season = np.tile([5.0, -3.0, 1.0, -3.0], 12)
    real = of_numbers(-100 + season + 0.1 * np.random.default_rng(0).normal(size=48))
    both = synthetic_series.append_synthetic(real, 50, 4, 4, 0)

    for number in range(1, 51):
        changes = np.diff(both.series(number)[:, 0])
        assert np.corrcoef(changes, np.diff(season))[0, 1] > 0.9


@pytest.mark.parametrize(
    ("options", "what"),
    [
        (("--known", "price"), 'covariates ("price")'),
        (("--weight", "price"), "--weight price"),
        (("--holidays", "DE", "--calendar"), "--holidays DE"),
        (("--context", 0), "--context 0"),
        (("--bptt", 12), "--bptt 12"),
    ],
)
def test_inputs_that_cannot_be_synthesised_are_refused(
    rnncli: Command, tmp_path: Path, options: tuple[object, ...], what: str
) -> None:
    hourly(series=1).assign(price=1.0).to_csv(tmp_path / "t.csv", index=False)

    outcome = rnncli(
        *("train", tmp_path / "t.csv", "--target", "y", "--horizon", 6, "--synthetic", 9, *options),
        *("--output", tmp_path / "m.rnn"),
    )

    assert (outcome.code, outcome.out) == (2, "")
    assert f"error: --synthetic cannot be used with {what}. Leave out one of them" in outcome.err
    assert not (tmp_path / "m.rnn").exists()


def test_mixed_series_are_not_augmented(rnncli: Command, tmp_path: Path) -> None:
    frame = growing(series=3).pivot(index="ds", columns="unique_id", values="y").reset_index()
    frame.to_csv(tmp_path / "wide.csv", index=False)
    command = ("train", tmp_path / "wide.csv", "--horizon", 2, "--steps", 5, "--mix", "--output", tmp_path / "m.rnn")

    assert rnncli(*command).code == 0
    outcome = rnncli(*command, "--synthetic", 9)

    assert outcome.code == 2
    assert "--synthetic cannot be used with --mix" in outcome.err
    assert "synthetic" not in card_file.read_card(tmp_path / "m.rnn").reasons


@pytest.fixture(scope="module")
def years(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("years") / "years.csv"
    growing(series=2).to_csv(path, index=False)
    return path


def test_scores_and_card_are_of_the_series_of_the_table_only(rnncli: Command, years: Path, tmp_path: Path) -> None:
    outcome = rnncli(
        *("train", years, "--horizon", 4, "--steps", 40, "--hidden", 8, "--output", tmp_path / "m.rnn"),
    )

    assert outcome.code == 0
    assert f"chosen: synthetic {SYNTHETIC_SERIES} (12 horizons without overlap are too few" in outcome.err
    told = card_file.read_card(tmp_path / "m.rnn")
    assert told.seen.series == 2
    assert set(told.seen.sizes) == {"s0", "s1"}
    assert told.validation.windows == 2 * 3
    assert f"({told.validation.windows} windows, not used to train" in outcome.err
    made = rnncli("forecast", tmp_path / "m.rnn", years).table
    assert made["unique_id"].tolist() == ["s0"] * 4 + ["s1"] * 4


def test_a_single_validation_window_is_counted_as_one(rnncli: Command, tmp_path: Path) -> None:
    growing().to_csv(tmp_path / "one.csv", index=False)

    outcome = rnncli(
        *("train", tmp_path / "one.csv", "--horizon", 6, "--steps", 5, "--synthetic", 0),
        *("--output", tmp_path / "m.rnn"),
    )

    assert "(1 window, cross-calibrated" in outcome.err
    assert "(1 window, not used to train" in outcome.err


def test_series_too_short_for_validation_have_calibrated_intervals(rnncli: Command, tmp_path: Path) -> None:
    growing(years=11).to_csv(tmp_path / "short.csv", index=False)

    outcome = rnncli("train", tmp_path / "short.csv", "--horizon", 6, "--steps", 40, "--output", tmp_path / "m.rnn")

    assert outcome.code == 0
    assert "no series is long enough for validation" in outcome.err
    corrected, plain = (
        rnncli("forecast", tmp_path / "m.rnn", tmp_path / "short.csv", *more).table
        for more in ((), ("--no-conformal",))
    )
    assert (corrected["rnncli"] == plain["rnncli"]).all()
    assert (corrected["rnncli-hi-80"] != plain["rnncli-hi-80"]).any()


def test_the_same_seed_gives_the_same_bits(rnncli: Command, years: Path, tmp_path: Path) -> None:
    for name in ("one.rnn", "two.rnn"):
        command = ("train", years, "--horizon", 4, "--steps", 5, "--output", tmp_path / name)
        assert rnncli(*command).code == 0

    assert (tmp_path / "one.rnn").read_bytes() == (tmp_path / "two.rnn").read_bytes()


def test_fine_tuning_uses_synthetic_series_but_validates_on_new_rows_only(
    rnncli: Command, years: Path, tmp_path: Path
) -> None:
    first, second = tmp_path / "first.rnn", tmp_path / "second.rnn"
    later = tmp_path / "later.csv"
    growing(series=2, years=30).to_csv(later, index=False)
    asked = ("--horizon", 4, "--steps", 10, "--hidden", 8)
    assert rnncli("train", years, *asked, "--output", first).code == 0

    same = rnncli("train", years, "--from", first, "--steps", 5, "--output", second)
    assert "warning: too few new rows for validation" in same.err
    assert card_file.read_card(second).scores == card_file.read_card(first).scores

    newer = rnncli("train", later, "--from", first, "--steps", 5, "--output", second)
    assert newer.code == 0
    assert "warning" not in newer.err
    assert 0 < card_file.read_card(second).validation.windows <= 2 * 3


def test_retraining_and_cell_comparison_use_synthetic_series_too(rnncli: Command, years: Path, tmp_path: Path) -> None:
    asked = ("--horizon", 2, "--steps", 5, "--hidden", 4)
    assert rnncli("train", years, *asked, "--output", tmp_path / "m.rnn").code == 0

    refitted = rnncli("evaluate", tmp_path / "m.rnn", years, "--windows", 2, "--refit", 1)
    compared = rnncli("evaluate", "--compare", "gru,lstm", years, *asked)

    assert (refitted.code, compared.code) == (0, 0)
    assert refitted.table["MASE"].notna().all()
    assert compared.table["model"].tolist()[:2] == ["gru", "lstm"]


def test_a_given_number_of_synthetic_series_has_no_reason(rnncli: Command, data: Path) -> None:
    outcome = rnncli("train", data, "--horizon", 6, "--synthetic", 7, "--steps", 5, "--dry-run", "--output", "m.rnn")

    assert outcome.code == 0
    assert "chosen: synthetic" not in outcome.err
    panels = panel(hourly())
    assert choices.make_plan(panels, NetworkOptions(horizon=6), Training(synthetic=7)).augmented.synthetic == 7
