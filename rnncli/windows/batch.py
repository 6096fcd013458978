"""Batches of windows: past, future and covariates as tensors, or as NumPy arrays of the same types and shapes."""

from typing import TYPE_CHECKING, NamedTuple

from rnncli.windows.arrays import library

if TYPE_CHECKING:
    from torch import Tensor


class OtherSeries(NamedTuple):
    """The past of S series at the U times at which B windows end."""

    past: "Tensor"  # (U, S, L, K) float64, NaN where missing
    window_time: "Tensor"  # (B,) int64: the index in U of the end of each window
    window_series: "Tensor"  # (B,) int64: the index in S of the series of each window, -1 if it is not among them


class CovariateBatch(NamedTuple):
    """The covariates of B windows of L + H steps."""

    varying: "Tensor"  # (B, L + H, C) float64, NaN where missing; the future of past covariates must not be used
    static: "Tensor"  # (B, G) float64
    calendar: "Tensor | None"  # (B, L + H, D) float32
    other_series: OtherSeries | None = None  # if the network mixes series

    def last_steps(self, context: int, horizon: int) -> "CovariateBatch":
        """Return the covariates of the same windows with a shorter past."""
        steps = context + horizon
        calendar = None if self.calendar is None else self.calendar[:, -steps:]
        others = self.other_series
        shorter = None if others is None else others._replace(past=others.past[:, :, -context:])
        return CovariateBatch(self.varying[:, -steps:], self.static, calendar, shorter)


class Batch(NamedTuple):
    """B windows: L steps up to a cutoff, and the H steps after it."""

    past: "Tensor"  # (B, L, K) float64, NaN where missing or before the series began
    future: "Tensor"  # (B, H, K) float64, NaN where missing or after the series ended
    step: "Tensor"  # (B,) int64: the number of the time step at which the future begins
    covariates: CovariateBatch
    weights: "Tensor | None"  # (B, L + H, 1) float64: the weight of each step in the loss

    def futures(self, context: int, segment: int) -> "Tensor":
        """Return the H steps after the first `context` steps and after each later segment: (F * B, H, K)."""
        whole = library(self.past).concatenate([self.past, self.future], axis=1)
        return self._after_boundaries(whole, context, segment)

    def future_weights(self, context: int, segment: int) -> "Tensor | None":
        """Return the weights of `futures`: (F * B, H, 1)."""
        return None if self.weights is None else self._after_boundaries(self.weights, context, segment)

    def _after_boundaries(self, values: "Tensor", context: int, segment: int) -> "Tensor":
        horizon, ends = self.future.shape[1], range(context, self.past.shape[1] + 1, segment)
        return library(values).concatenate([values[:, end : end + horizon] for end in ends])
