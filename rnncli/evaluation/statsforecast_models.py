"""The automatic models of statsforecast, which the extra `baselines` installs. numpy only.

Each is fitted to the whole past of each window, on every core.
"""

import importlib.util
import multiprocessing
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import numpy as np

from rnncli.config.intervals import interval_percent
from rnncli.errors import RequestError
from rnncli.messages import did_you_mean

MODELS = ("AutoETS", "AutoTheta", "AutoARIMA")
CHUNK_SIZE = 8  # windows handed to a process


def check_models(names: Sequence[str]) -> None:
    """Raise RequestError for models that there are not, or where the extra is not installed."""
    unknown = [name for name in names if name not in MODELS]
    if unknown:
        known = ", ".join(MODELS)
        raise RequestError(f'--baselines "{unknown[0]}" is none of {known}.{did_you_mean(unknown[0], list(MODELS))}')
    if names and importlib.util.find_spec("statsforecast") is None:
        raise RequestError(f'--baselines {",".join(names)} needs the extra: pip install "rnncli[baselines]"')


def forecast(
    name: str, pasts: Sequence[np.ndarray], horizon: int, season: int, levels: np.ndarray, processes: int
) -> tuple[np.ndarray, np.ndarray]:
    """Points (N, H) and quantiles (N, H, P) at levels after each past (T,) without gaps; NaN where no model fits it."""
    asked = [(name, past, horizon, season, levels) for past in pasts]
    if processes == 1 or len(asked) <= CHUNK_SIZE:
        told = list(map(_fit, asked))
    else:
        with ProcessPoolExecutor(processes, multiprocessing.get_context("spawn")) as pool:
            told = list(pool.map(_fit, asked, chunksize=CHUNK_SIZE))
    every = np.stack(told)  # (N, H, 1 + P)
    return every[..., 0], every[..., 1:]


def _fit(asked: tuple[str, np.ndarray, int, int, np.ndarray]) -> np.ndarray:
    """The point and the quantiles (H, 1 + P) that follow one past."""
    import statsforecast.models as library

    name, past, horizon, season, levels = asked
    season = season if len(past) > 2 * season else 1
    percents = sorted({round(interval_percent(level), 6) for level in levels} - {0.0})
    try:
        made: dict[str, Any] = getattr(library, name)(season_length=season).forecast(past, horizon, level=percents)
    except Exception:  # whatever a library of many authors raises for a past that it cannot fit
        return np.full((horizon, 1 + len(levels)), np.nan)
    columns = [made["mean"]]
    for level in levels:
        percent = round(interval_percent(level), 6)
        columns.append(made["mean"] if not percent else made[f"{'hi' if level > 0.5 else 'lo'}-{_key(made, percent)}"])
    return np.stack(columns, axis=1)


def _key(made: dict[str, Any], percent: float) -> str:
    """How the library writes a percentage in the names of its results."""
    return next(text for text in (str(percent), f"{percent:g}") if f"lo-{text}" in made)
