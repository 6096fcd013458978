"""Compute the networks of a model from their graphs, in NumPy."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from rnncli.config.architecture import Architecture
from rnncli.errors import ModelFileError
from rnncli.model.graph.evaluate import Program
from rnncli.model.quantile_values import interpolate, mean_of, normal_deviates
from rnncli.panel import Cutoffs
from rnncli.windows.batch import Batch
from rnncli.windows.windows import Windows

VALUES_AT_ONCE = 2_000_000  # of one batch: what fits into a cache is computed faster
MAX_BATCH = 1024


class GraphEngine:
    """The graphs of a model's networks."""

    device = None

    def __init__(self, architectures: Sequence[Architecture], programs: Sequence[Program]) -> None:
        self._networks = list(zip(architectures, programs, strict=True))

    @property
    def context(self) -> int:
        """Steps of the past that the networks take."""
        return max(design.context for design, _ in self._networks)

    @property
    def batch_size(self) -> int:
        """Windows to forecast at once."""
        largest = max(program.graph.values_per_window for _, program in self._networks)
        return min(MAX_BATCH, max(1, VALUES_AT_ONCE // largest))

    def members(
        self, _windows: Windows, _cutoffs: Cutoffs, batch: Batch, levels: np.ndarray, take_mean: bool
    ) -> list[np.ndarray]:
        """Return the point forecast and quantiles (B, H, K, 1 + P) of each network. Raise ModelFileError for none."""
        try:
            return [_forecast(design, program, batch, levels, take_mean) for design, program in self._networks]
        except ValueError as error:
            raise ModelFileError(f"the graph does not fit its card ({error}). Train the model again") from error


def graph_inputs(batch: Batch, context: int, horizon: int) -> dict[str, np.ndarray]:
    """Return the inputs of graphs with this context, from windows that may be longer."""
    covariates = batch.covariates.last_steps(context, horizon)
    inputs: dict[str, Any] = {
        "past": batch.past[:, batch.past.shape[1] - context :],
        "step": batch.step,
        "varying": covariates.varying,
        "static": covariates.static,
    }
    if covariates.calendar is not None:
        inputs["calendar"] = covariates.calendar
    if covariates.other_series is not None:
        names = ("other_past", "window_time", "window_series")
        inputs |= dict(zip(names, covariates.other_series, strict=True))
    return inputs


def _forecast(design: Architecture, program: Program, batch: Batch, levels: np.ndarray, take_mean: bool) -> np.ndarray:
    """Return the point forecast and quantiles (B, H, K, 1 + P) in the data's units; NaN without any value."""
    inputs = graph_inputs(batch, design.context, design.horizon)
    past, known = inputs["past"], np.array(program.graph.levels)
    scaled, level, spread = program.compute(inputs)
    expected = len(past), design.horizon, past.shape[2], len(known)
    if scaled.shape != expected or not level.shape == spread.shape == (len(past), 1, past.shape[2]):
        raise ValueError(f"quantiles of shape {scaled.shape} instead of {expected}")
    quantiles = scaled.astype(np.float64)

    def undone(values: np.ndarray) -> np.ndarray:
        """Return values (B, H, K, ...) at unit scale in the data's units, as `Scale.undo` does."""
        values = values * spread[..., None] + level[..., None]
        return np.exp(values) if design.scale == "log" else values

    output = np.empty((*expected[:3], 1 + len(levels)))
    with np.errstate(over="ignore"):
        if take_mean:
            output[..., 0] = mean_of(undone(quantiles), normal_deviates(known))
        else:
            output[..., :1] = undone(quantiles[..., [int(np.searchsorted(known, 0.5))]])
        if not np.array_equal(levels, known):
            quantiles = interpolate(quantiles, normal_deviates(known), normal_deviates(levels))
        output[..., 1:] = undone(quantiles)
    if design.context:
        output[np.broadcast_to(np.isnan(past).all(axis=1)[:, None], output.shape[:3])] = np.nan
    return output
