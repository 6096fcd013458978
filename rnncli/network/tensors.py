"""What a network knows on its way from the past of a window to the quantiles of its future. Pure tensors."""

from typing import NamedTuple

from torch import Tensor
from torch.nn import functional

from rnncli.network.cells import State
from rnncli.network.scaling import Scale


class Prediction(NamedTuple):
    """Quantiles of the future at unit scale, and the scale that brings them back to the data's units."""

    quantiles: Tensor  # (B, H, K, Q) float32
    scale: Scale


class Trace(NamedTuple):
    """A prediction, and how the network came to it."""

    prediction: Prediction
    activity: Tensor  # (B, 1, hidden) the encoder's last outputs
    state: State  # the encoder's, at the end of the past
    looked: Tensor | None  # (B, M, N) how much each step of the decoder looks at each of the encoder's, summing to 1


class EncoderInput(NamedTuple):
    """What a network reads of each of T steps."""

    values: Tensor  # (B, T, K) at unit scale, 0 where missing
    observed: Tensor  # (B, T, K)
    waited: Tensor | None  # (B, T, K) time since the last sale
    features: Tensor  # (B, T, R) of what is known beside the targets
    calendar: Tensor  # (B, T, D)
    mixed: Tensor | None = None  # (B, T, M) mixtures of the other series

    def behind(self, length: int) -> "EncoderInput":
        """The same behind so many steps of which nothing is known."""
        longer = {
            name: functional.pad(part, (0, 0, length, 0)) for name, part in self._asdict().items() if part is not None
        }
        return self._replace(**longer)


class EncoderOutput(NamedTuple):
    """What an encoder came to, for F * B windows."""

    output: Tensor  # (F * B, 1, hidden) the last one
    state: State
    last: State  # of the B sequences, at the end of all that was read
    every: Tensor | None  # (F * B, N, hidden) all of them, where they are looked back at
    known: Tensor | None  # (F * B, N) whether the window's past reaches there


class KnownFuture(NamedTuple):
    """What is known of the M * segment steps to come."""

    features: Tensor  # (B, M * segment, P)
    surprise: Tensor  # (B, M * segment, N) amounts, less what the base repeats of them
    window: Tensor  # (B, 1, hidden) what is known of the series

    def part(self, start: int, length: int) -> "KnownFuture":
        """Some of the steps."""
        end = start + length
        return KnownFuture(self.features[:, start:end], self.surprise[:, start:end], self.window)


class DecoderInput(NamedTuple):
    """What a network knows of F * B windows before it decodes."""

    scale: Scale
    left: Tensor  # (F * B, L, K) the past, less what the base takes from it
    expected: Tensor  # (F * B, H, K) the base forecast
    ahead: KnownFuture
    mixed: Tensor | None  # (B, T, M) mixtures of the other series
    waited: Tensor | None  # (F * B, 1, K) int64, steps since the last value above zero
    past: EncoderOutput


class CarriedState(NamedTuple):
    """What an encoder brings along from further back than it is shown."""

    state: State | None  # none where nothing has begun
    begun: Tensor  # (B,) whether a sequence had a value before
