"""Stacks of recurrent layers in NumPy, for all steps of a sequence: the equations of `network.cells.recurrent_step`.

The products with the inputs are computed for all steps at once, steps first, so that what a step reads is contiguous.
A step writes into the arrays of the step before: to take new memory costs as much as to compute. The sigmoid is
(1 + tanh(x / 2)) / 2; the weights of gates are halved beforehand, which is exact.
"""

from collections.abc import Callable, Sequence

import numpy as np

Weights = Sequence[np.ndarray]  # for each layer: from the input, from the state, and the biases of both
State = tuple[np.ndarray, ...]  # (B, hidden) each
# From the part of the inputs (N, B, gates * hidden), the weights from the state (hidden, gates * hidden), the bias of
# the state's part, and the first state: fill the outputs (N, B, hidden) and return the last state.
Layer = Callable[[np.ndarray, np.ndarray, np.ndarray, State, np.ndarray], State]


def gru(steps: np.ndarray, start: np.ndarray, weights: Weights, layers: int) -> tuple[np.ndarray, ...]:
    """Map steps (B, N, inputs) to outputs (B, N, hidden) and the last state (layers, B, hidden); start: the first."""
    return _stack(_gru, (0, 1), 3, steps, (start,), weights, layers)


def lstm(steps: np.ndarray, start: Sequence[np.ndarray], weights: Weights, layers: int) -> tuple[np.ndarray, ...]:
    """Map steps as `gru` does; start and the last two results are states and memories."""
    return _stack(_lstm, (0, 1, 3), 4, steps, tuple(start), weights, layers)


def rnn_tanh(steps: np.ndarray, start: np.ndarray, weights: Weights, layers: int) -> tuple[np.ndarray, ...]:
    """Map steps as `gru` does."""
    return _stack(_tanh, (), 1, steps, (start,), weights, layers)


def rnn_relu(steps: np.ndarray, start: np.ndarray, weights: Weights, layers: int) -> tuple[np.ndarray, ...]:
    """Map steps as `gru` does."""
    return _stack(_relu, (), 1, steps, (start,), weights, layers)


def _stack(
    layer: Layer,
    sigmoids: tuple[int, ...],
    parts: int,
    steps: np.ndarray,
    start: State,
    weights: Weights,
    layers: int,
) -> tuple[np.ndarray, ...]:
    """Run the layers one after another; sigmoids: which of a layer's parts are gates.

    Raise ValueError if there are not four weights for each layer, or if they are of another size.
    """
    if len(weights) != 4 * layers or not layers:
        raise ValueError(f"{len(weights)} weights of {layers} recurrent layers")
    values, ends = np.ascontiguousarray(np.swapaxes(steps, 0, 1)), list[State]()  # (N, B, inputs)
    for number in range(layers):
        state = tuple(part[number] for part in start)
        units = state[0].shape[1]
        if any(own.shape[0] != parts * units for own in weights[4 * number : 4 * number + 4]):
            raise ValueError("the weights of a recurrent layer have another size than its state")
        factor = np.ones(parts * units, values.dtype)
        for part in sigmoids:
            factor[part * units : (part + 1) * units] = 0.5
        entering, recurrent, entering_bias, bias = (own.T * factor for own in weights[4 * number : 4 * number + 4])
        count, batch, width = values.shape
        added = values.reshape(-1, width) @ entering
        added += entering_bias
        values = np.empty((count, batch, units), added.dtype)
        ends.append(layer(added.reshape(count, batch, -1), recurrent, bias, state, values))
    return np.swapaxes(values, 0, 1), *(np.stack(same) for same in zip(*ends, strict=True))


def _gru(added: np.ndarray, recurrent: np.ndarray, bias: np.ndarray, state: State, outputs: np.ndarray) -> State:
    (reached,) = state
    units = reached.shape[1]
    before, gates, new = np.empty_like(added[0]), np.empty_like(added[0, :, units:]), np.empty_like(reached)
    for given, output in zip(added, outputs, strict=True):
        np.matmul(reached, recurrent, out=before)
        before += bias
        np.add(given[:, : 2 * units], before[:, : 2 * units], out=gates)
        _sigmoid_of_half(gates)  # reset, update
        np.multiply(before[:, 2 * units :], gates[:, :units], out=new)
        new += given[:, 2 * units :]
        np.tanh(new, out=new)
        np.subtract(reached, new, out=output)
        output *= gates[:, units:]
        output += new
        reached = output
    return (reached,)


def _lstm(added: np.ndarray, recurrent: np.ndarray, bias: np.ndarray, state: State, outputs: np.ndarray) -> State:
    reached, memory = state[0], state[1].copy()
    units = reached.shape[1]
    before, new = np.empty_like(added[0]), np.empty_like(memory)
    enter, keep, unit, show = (before[:, part * units : (part + 1) * units] for part in range(4))
    for given, output in zip(added, outputs, strict=True):
        np.matmul(reached, recurrent, out=before)
        before += bias
        before += given
        np.tanh(before, out=before)
        before[:, : 2 * units] += 1
        before[:, : 2 * units] *= 0.5
        np.multiply(enter, unit, out=new)
        memory *= keep
        memory += new
        show += 1
        show *= 0.5
        np.tanh(memory, out=output)
        output *= show
        reached = output
    return reached, memory


def _tanh(added: np.ndarray, recurrent: np.ndarray, bias: np.ndarray, state: State, outputs: np.ndarray) -> State:
    return _elman(np.tanh, added, recurrent, bias, state, outputs)


def _relu(added: np.ndarray, recurrent: np.ndarray, bias: np.ndarray, state: State, outputs: np.ndarray) -> State:
    return _elman(lambda total, out: np.maximum(total, 0, out=out), added, recurrent, bias, state, outputs)


def _elman(
    activation: Callable[..., np.ndarray],
    added: np.ndarray,
    recurrent: np.ndarray,
    bias: np.ndarray,
    state: State,
    outputs: np.ndarray,
) -> State:
    (reached,) = state
    for given, output in zip(added, outputs, strict=True):
        np.matmul(reached, recurrent, out=output)
        output += bias
        output += given
        reached = activation(output, out=output)
    return (reached,)


def _sigmoid_of_half(values: np.ndarray) -> None:
    """Replace halves x / 2 by 1 / (1 + exp(-x))."""
    np.tanh(values, out=values)
    values += 1
    values *= 0.5
