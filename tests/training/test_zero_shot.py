"""The pretrained network on a table: seasons, calibration by rolling origins, and plain series continued plainly."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from rnncli.config.sections import Columns, Config, NetworkOptions
from rnncli.model.model import Model
from rnncli.model.pretrained.forecaster import View
from rnncli.model.pretrained.simple_forecasts import Seasons
from rnncli.panel import Cutoffs, Panel
from rnncli.training.zero_shot import MAX_ORIGINS, MAX_WINDOWS, rolling_origins, zero_shot
from tests.frames import from_frame


def table(values: np.ndarray, freq: str = "MS") -> Panel:
    times = pd.date_range("2015-01-05", periods=len(values), freq=freq)
    return from_frame(pd.DataFrame({"ds": times, "y": values}), Columns())


def views_of(panel: Panel, config: Config | None = None) -> tuple[View, ...]:
    forecaster = zero_shot(panel, config or Config(), 6).model.pretrained
    assert forecaster is not None
    return forecaster.views


def forecast(model: Model, panel: Panel) -> np.ndarray:
    """The quantiles (H, 3) at 10, 50 and 90 % of the only series."""
    ends = Cutoffs(np.arange(1), panel.lengths)
    return model.forecast(panel, ends, np.array([0.1, 0.5, 0.9]), None).quantiles[0, :, 0]


def continued(values: np.ndarray, horizon: int, freq: str = "MS") -> tuple[float, float]:
    """The error of a forecast of the last values relative to the best of four simple ones, and its coverage."""
    past, future = values[:-horizon], values[-horizon:]
    panel = table(past, freq)
    result = zero_shot(panel, Config(), horizon)
    low, middle, high = forecast(result.model, panel).T
    steps, season = np.arange(1, horizon + 1), result.model.card.season
    drift = (past[-1] - past[0]) / (len(past) - 1)
    repeated = np.resize(past[-season:], horizon) if season > 1 else np.full(horizon, past[-1])
    rise = (past[season:] - past[:-season]).mean() * np.ceil(steps / season)
    simple = [np.full(horizon, past[-1]), past[-1] + drift * steps, repeated, repeated + rise]
    best = min(np.abs(one - future).mean() for one in simple)
    return float(np.abs(middle - future).mean() / best), float(((future >= low) & (future <= high)).mean())


@pytest.mark.parametrize(
    ("freq", "season", "expected"),
    [
        ("YS", 1, Seasons(1)),
        ("QS", 4, Seasons(4)),
        ("MS", 12, Seasons(12)),
        ("W-MON", 52, Seasons(52)),
        ("D", 7, Seasons(7, 364)),
        ("B", 5, Seasons(5, 260)),
        ("h", 24, Seasons(24, 168)),
        ("30min", 48, Seasons(48, 336)),
    ],
)
def test_the_calendar_tells_the_network_its_seasons(freq: str, season: int, expected: Seasons) -> None:
    values = 50 + 9 * np.sin(2 * np.pi * np.arange(60) / max(season, 2)) + np.random.default_rng(0).normal(0, 1, 60)

    views = views_of(table(values, freq))
    assert views[0].seasons == expected
    assert sum(view.weight for view in views) == pytest.approx(1)


def test_a_given_season_is_the_only_one() -> None:
    config = Config(network=NetworkOptions(season=10))

    assert [view.seasons for view in views_of(table(np.arange(40.0)), config)] == [Seasons(10)]


def test_a_strong_season_takes_nearly_all_the_weight_and_a_missing_one_does_not() -> None:
    time, noise = np.arange(96), np.random.default_rng(0).normal(0, 1, 96)

    strong = views_of(table(100 + 20 * np.sin(2 * np.pi * time / 12) + noise))
    missing = views_of(table(100 + np.cumsum(noise)))
    assert strong[0].weight > 0.95
    assert missing[0].weight < strong[0].weight


@pytest.mark.parametrize("rows", [2, 3, 5, 12, 30, 200])
def test_rolling_origins_have_rows_before_and_after_them(rows: int) -> None:
    panel = table(np.arange(float(rows)))
    origins = rolling_origins(panel, 6, 12, MAX_WINDOWS)

    assert len(origins.rows) <= MAX_ORIGINS
    assert (origins.rows >= 1).all()
    assert (origins.rows < rows).all()
    assert len(origins.rows) > 0 or rows <= 3


@pytest.mark.parametrize("rows", [2, 3, 4, 8])
def test_a_few_rows_are_enough_for_a_forecast_with_intervals(rows: int) -> None:
    panel = table(np.array([5.0, 6.0, 8.0, 7.0, 9.0, 9.0, 11.0, 10.0])[:rows])

    low, middle, high = forecast(zero_shot(panel, Config(), 6).model, panel).T
    assert np.isfinite(middle).all()
    assert (low < middle).all()
    assert (middle < high).all()


def test_calibration_widens_intervals_that_were_too_narrow() -> None:
    rng = np.random.default_rng(1)
    jumps = np.where(rng.random(300) < 0.15, rng.normal(0, 60, 300), rng.normal(0, 1, 300))
    panel = table(500 + np.cumsum(jumps), "D")
    model = zero_shot(panel, Config(), 7).model

    calibrated, raw = (
        forecast(Model(model.card, (), model.calibration, corrected, model.pretrained), panel)
        for corrected in (True, False)
    )
    assert model.calibration is not None
    assert not np.allclose(calibrated, raw)
    assert np.allclose(calibrated[:, 1], raw[:, 1])


def test_nonnegative_tables_have_nonnegative_forecasts_and_counts_whole_quantiles() -> None:
    counts = np.random.default_rng(0).poisson(0.7, 60).astype(float)
    panel = table(counts)

    found = forecast(zero_shot(panel, Config(), 6).model, panel)
    assert (found >= 0).all()
    assert (found == np.round(found)).all()


SHAPES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "trend and season": lambda t: 200 + 8 * t + 30 * np.sin(2 * np.pi * t / 12),
    "season": lambda t: 200 + 40 * np.sin(2 * np.pi * t / 12),
    "decline": lambda t: 900 - 9.5 * t,
    "level": lambda t: 300 + 0 * t,
    "growth": lambda t: 100 * np.exp(0.015 * t),
}


@pytest.mark.parametrize("rows", [24, 36, 60])
def test_plain_series_are_continued_nearly_as_well_as_by_the_best_simple_method(rows: int) -> None:
    results = []
    for number, shape in enumerate(SHAPES.values()):
        for seed in range(3):
            noise = np.random.default_rng([number, seed]).normal(0, 6, rows + 12)
            results.append(continued(shape(np.arange(rows + 12)) + noise, 12))
    ratios, covered = np.array(results).T

    assert np.exp(np.log(ratios).mean()) < 1.35  # the best of four is known only afterwards
    assert 0.7 < covered.mean() <= 1


def test_a_level_shift_is_kept() -> None:
    noise = np.random.default_rng(0).normal(0, 3, 400)
    values = np.where(np.arange(400) < 380, 50.0, 90.0) + noise
    panel = table(values, "D")

    middle = forecast(zero_shot(panel, Config(), 30).model, panel)[:, 1]
    assert middle.mean() == pytest.approx(90, abs=5)
