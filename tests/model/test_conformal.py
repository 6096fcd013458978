"""Calibrated intervals attain their coverage at any scale; without evidence nothing is corrected."""

from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from rnncli.model import conformal
from rnncli.model.quantile_values import interpolate, normal_deviates
from rnncli.network.quantile_head import QuantileHead

HEAD = QuantileHead()

LEVELS = np.array(HEAD.levels)
NORMAL = np.array([NormalDist().inv_cdf(level) for level in LEVELS])


def forecasts(windows: int, spread: float, horizon: int = 6) -> np.ndarray:
    """Return quantiles (V, H, 1, Q) of a normal distribution, for windows of very different size."""
    size = np.random.default_rng(1).lognormal(0, 2, (windows, 1, 1, 1))
    return size * np.broadcast_to(spread * NORMAL, (windows, horizon, 1, len(LEVELS)))


def happened(windows: int, horizon: int = 6, seed: int = 0) -> np.ndarray:
    size = np.random.default_rng(1).lognormal(0, 2, (windows, 1, 1))
    return size * np.random.default_rng(seed).normal(size=(windows, horizon, 1))


def learned_from(quantiles: np.ndarray, actual: np.ndarray) -> conformal.Calibration | None:
    """Return the calibration of windows of different origins."""
    return conformal.fit_calibration(quantiles, actual, LEVELS, np.arange(len(actual)))


def corrected(quantiles: np.ndarray, learned: conformal.Calibration) -> np.ndarray:
    return learned.apply(quantiles, LEVELS)


def test_rare_values_keep_their_rank_if_quantiles_are_rounded() -> None:
    raw = np.array([0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.4, 0.6, 1.2]) * np.ones((50, 2, 1, 1))
    actual = np.zeros((50, 2, 1))

    learned = conformal.fit_calibration(raw.round(), actual, LEVELS, np.arange(50), raw)

    assert learned is not None
    assert (learned.shifts == 0).all()  # zero lies within every interval
    assert (learned.ranks < -1.9).all()  # and is the least that can come


@pytest.mark.parametrize("spread", [0.4, 1.0, 2.5])
def test_intervals_attain_their_coverage_on_new_windows(spread: float) -> None:
    learned = learned_from(forecasts(2000, spread), happened(2000))
    assert learned is not None

    quantiles = corrected(forecasts(2000, spread), learned)

    actual = happened(2000, seed=5)
    for low, high, share in ((1, -2, 0.8), (0, -1, 0.95)):
        inside = (actual >= quantiles[..., low]) & (actual <= quantiles[..., high])
        assert inside.mean() == pytest.approx(share, abs=0.02)


def test_each_step_is_corrected_by_itself_if_there_are_enough_windows() -> None:
    actual = happened(2000) * np.array([0.5, 0.5, 0.5, 2, 2, 2]).reshape(1, 6, 1)
    learned = learned_from(forecasts(2000, 1.0), actual)
    assert learned is not None

    width = conformal.interval_spread(corrected(forecasts(1, 1.0), learned), LEVELS)[0, :, 0]

    assert (width[3:] > 3 * width[:3]).all()


def test_few_windows_may_widen_but_not_narrow_a_wide_interval() -> None:
    def width(windows: int, size: float) -> float:
        learned = learned_from(forecasts(windows, 1.0, 1), size * happened(windows, 1))
        assert learned is not None
        quantiles = corrected(forecasts(1, 1.0, 1), learned)[0, 0, 0]
        return float(quantiles[-1] - quantiles[0])

    raw = float(np.ptp(forecasts(1, 1.0, 1)))
    assert width(5, 0.1) == pytest.approx(raw)
    assert width(5, 10) > 1.5 * raw
    assert width(2000, 0.1) < 0.2 * raw


@given(
    hnp.arrays(np.float64, (3, 4, 2, len(LEVELS)), elements=st.floats(-100, 100)),
    hnp.arrays(np.float64, (3, 4, 2), elements=st.floats(-100, 100)),
    st.lists(st.floats(0.001, 0.999), min_size=1, max_size=12, unique=True),
)
def test_corrected_quantiles_never_cross_at_any_levels(
    quantiles: np.ndarray, actual: np.ndarray, levels: list[float]
) -> None:
    rising = np.sort(quantiles, axis=-1)
    learned = learned_from(rising, actual)
    if learned is None:
        return
    wanted = np.union1d(levels, LEVELS)
    read = interpolate(rising, normal_deviates(LEVELS), normal_deviates(wanted))

    moved = learned.apply(read, wanted)

    assert (np.diff(moved, axis=-1) >= 0).all()
    median = np.isclose(LEVELS, 0.5)
    assert np.allclose(corrected(rising, learned)[..., median], rising[..., median])


def test_missing_values_change_no_correction() -> None:
    actual = happened(500)
    holed = np.concatenate([actual, np.full((100, 6, 1), np.nan)])
    quantiles = np.concatenate([forecasts(500, 0.5), forecasts(100, 0.5)])

    whole, part = learned_from(forecasts(500, 0.5), actual), learned_from(quantiles, holed)

    assert whole is not None
    assert part is not None
    assert np.allclose(whole.shifts, part.shifts)
    assert len(part.ranks) == 500


def test_without_known_values_or_spread_there_is_no_calibration() -> None:
    assert learned_from(forecasts(4, 1.0), np.full((4, 6, 1), np.nan)) is None
    assert learned_from(np.zeros((4, 6, 1, len(LEVELS))), np.ones((4, 6, 1))) is None


def test_a_common_error_of_few_origins_is_corrected_little() -> None:
    quantiles, actual = forecasts(300, 1.0), 3 * happened(300)

    many, few = (conformal.fit_calibration(quantiles, actual, LEVELS, np.arange(300) % count) for count in (300, 3))

    assert many is not None
    assert few is not None
    assert 0 < few.shifts[..., -1].max() < 0.3 * many.shifts[..., -1].min()
    assert np.array_equal(few.shifts, -few.shifts[..., ::-1])


@given(
    hnp.arrays(np.float64, (5, 3, 2, len(LEVELS)), elements=st.floats(-100, 100)),
    hnp.arrays(np.float64, (5, 3, 2), elements=st.floats(-100, 100)),
    st.floats(0.2, 3),
    st.floats(-10, 10),
)
def test_overconfident_networks_get_the_calibrated_interval_widths(
    quantiles: np.ndarray, actual: np.ndarray, surer: float, moved: float
) -> None:
    own = np.sort(quantiles, axis=-1)
    learned = learned_from(own, actual)
    if learned is None or (conformal.interval_spread(own, LEVELS) < 1e-6).any():
        return
    median = own[..., HEAD.median, None]
    others = median + moved + (own - median) / surer

    carried = learned.transferred(own, others)

    assert np.allclose(corrected(others, carried), corrected(own, learned) + moved, atol=1e-6)
    assert carried.ranks is learned.ranks


def test_an_outlying_window_and_empty_windows_do_not_change_the_transfer() -> None:
    own = forecasts(50, 1.0)
    learned = learned_from(own, happened(50))
    assert learned is not None
    others = own / 2
    strange, silent, flat = (others.copy() for _ in range(3))
    strange[7] *= 1e6
    silent[7], flat[9] = np.nan, 0.0

    typical = learned.transferred(own, others).shifts

    assert all(np.allclose(learned.transferred(own, changed).shifts, typical) for changed in (strange, silent, flat))
    assert np.array_equal(learned.transferred(own, np.full_like(own, np.nan)).shifts, learned.shifts)
