"""Automatic models of statsforecast as baselines, fitted to the whole past of each window. numpy only.

The extra `baselines` installs the library.
"""

import importlib.util
import multiprocessing
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Any, NamedTuple

import numpy as np

from rnncli.config.intervals import interval_percent
from rnncli.errors import RequestError
from rnncli.messages import did_you_mean

MODELS = ("AutoETS", "AutoTheta", "AutoARIMA")
CHUNK_SIZE = 8  # windows for a process at a time


class FittedForecasts(NamedTuple):
    """Forecasts after N pasts; NaN where the model could not be fitted."""

    point: np.ndarray  # (N, H)
    quantiles: np.ndarray  # (N, H, P)


def check_models(option: str, names: Sequence[str]) -> None:
    """Raise RequestError, naming the option, if a model is unknown or the library is not installed."""
    unknown = [name for name in names if name not in MODELS]
    if unknown:
        choices = ", ".join(MODELS)
        hint = did_you_mean(unknown[0], list(MODELS))
        raise RequestError(f'{option} "{unknown[0]}": must be one of {choices}.{hint}')
    if names and importlib.util.find_spec("statsforecast") is None:
        raise RequestError(f'{option} {",".join(names)}: needs statsforecast. Run pip install "rnncli[baselines]"')


def forecast(
    name: str, pasts: Sequence[np.ndarray], horizon: int, season: int, levels: np.ndarray, processes: int
) -> FittedForecasts:
    """Return the forecasts of a model fitted to each past (T,) without gaps; levels: (P,)."""
    fits = [_Fit(name, past, horizon, season, levels) for past in pasts]
    if processes == 1 or len(fits) <= CHUNK_SIZE:
        columns = list(map(_forecast, fits))
    else:
        with ProcessPoolExecutor(processes, multiprocessing.get_context("spawn")) as pool:
            columns = list(pool.map(_forecast, fits, chunksize=CHUNK_SIZE))
    stacked = np.stack(columns)  # (N, H, 1 + P)
    return FittedForecasts(stacked[..., 0], stacked[..., 1:])


class _Fit(NamedTuple):
    """Arguments for a process."""

    name: str
    past: np.ndarray
    horizon: int
    season: int
    levels: np.ndarray


def _forecast(fit: _Fit) -> np.ndarray:
    """Return the point forecast and the quantiles (H, 1 + P) after one past; NaN if the model cannot be fitted."""
    import statsforecast.models as library

    name, past, horizon, season, levels = fit
    season = season if len(past) > 2 * season else 1
    percents = sorted({round(interval_percent(level), 6) for level in levels} - {0.0})
    try:
        found: dict[str, Any] = getattr(library, name)(season_length=season).forecast(past, horizon, level=percents)
    except Exception:  # the library raises many kinds for a past that it cannot fit
        return np.full((horizon, 1 + len(levels)), np.nan)
    columns = [found["mean"]]
    for level in levels:
        percent = round(interval_percent(level), 6)
        side = "hi" if level > 0.5 else "lo"
        columns.append(found["mean"] if not percent else found[f"{side}-{_key(found, percent)}"])
    return np.stack(columns, axis=1)


def _key(found: dict[str, Any], percent: float) -> str:
    """Return how the library writes a percentage in the names of its results."""
    return next(text for text in (str(percent), f"{percent:g}") if f"lo-{text}" in found)
