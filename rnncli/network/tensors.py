"""The tensors that pass between the parts of a network."""

from typing import NamedTuple

from torch import Tensor
from torch.nn import functional

from rnncli.network.cells import State
from rnncli.network.scaling import Scale


class Prediction(NamedTuple):
    """Quantiles of the future at unit scale, and the scale of each window."""

    quantiles: Tensor  # (F * B, H, K, Q) float32
    scale: Scale


class Trace(NamedTuple):
    """A prediction with intermediate results."""

    prediction: Prediction
    outputs: Tensor  # (F * B, 1, hidden) the encoder's last outputs
    state: State  # of the encoder, at the end of the past
    attention: Tensor | None  # (F * B, M, N) weights of each decoder step on the encoder's steps; each row sums to 1


class EncoderInput(NamedTuple):
    """T steps of B sequences."""

    values: Tensor  # (B, T, K) at unit scale, 0 where missing
    observed: Tensor  # (B, T, K) 0 or 1
    waited: Tensor | None  # (B, T, K) log(1 + steps since a positive value)
    features: Tensor  # (B, T, R) of covariates
    calendar: Tensor  # (B, T, D)
    mixed: Tensor | None = None  # (B, T, X) mixtures of the other series

    def pad_front(self, length: int) -> "EncoderInput":
        """Return the same steps after `length` unobserved ones."""
        padded = {
            name: functional.pad(part, (0, 0, length, 0)) for name, part in self._asdict().items() if part is not None
        }
        return self._replace(**padded)


class EncoderOutput(NamedTuple):
    """The encoder's results for F * B windows."""

    last: Tensor  # (F * B, 1, hidden) the last output
    state: State
    final_state: State  # of the B sequences, at the end of the past
    outputs: Tensor | None  # (F * B, N, hidden) all outputs, if the decoder attends to them
    visible: Tensor | None  # (F * B, N) bool: which of them belong to the window's past


class KnownFuture(NamedTuple):
    """Known features of the M * segment steps of the horizon, for F * B windows."""

    features: Tensor  # (F * B, M * segment, P)
    amounts: Tensor  # (F * B, M * segment, A) numeric covariates, less the base forecast of them
    series: Tensor  # (F * B, 1, hidden) embedding of static covariates and of the level of the others

    def slice(self, start: int, length: int) -> "KnownFuture":
        """Return `length` of the steps."""
        end = start + length
        return KnownFuture(self.features[:, start:end], self.amounts[:, start:end], self.series)


class DecoderInput(NamedTuple):
    """All that a decoder receives, for F * B windows."""

    scale: Scale
    residuals: Tensor  # (F * B, L, K) the past that the network reads: residuals of some base forecasts, else values
    base: Tensor  # (F * B, H, K) the base forecast
    known: KnownFuture
    mixed: Tensor | None  # (B, T, X) mixtures of the other series
    waited: Tensor | None  # (F * B, 1, K) int64, steps since the last positive value
    encoded: EncoderOutput


class CarriedState(NamedTuple):
    """The encoder's state carried over from steps before those that it reads."""

    state: State | None  # None before all sequences began
    begun: Tensor  # (B,) bool: whether the sequence has had a value
