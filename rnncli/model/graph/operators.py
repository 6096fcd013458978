"""The operators that a graph may consist of, in NumPy. Their arguments are those of torch's functions.

Results have the type that NumPy gives them; the evaluation casts them to the recorded one. Operators whose result can
be larger than their arguments check its size first, so that no graph can take all memory.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from rnncli.model.elementwise import gelu, log_sigmoid, sigmoid, softplus
from rnncli.model.recurrent import gru, lstm, rnn_relu, rnn_tanh

MAX_VALUES = 2**27  # of one result; batches are cut such that those of a network stay far below


def sized(shape: Sequence[int]) -> tuple[int, ...]:
    """Return a shape whose values fit into memory. Raise ValueError for others."""
    if min(shape, default=0) < 0 or math.prod(shape) > MAX_VALUES:
        raise ValueError(f"a result of shape {tuple(shape)} is too large")
    return tuple(shape)


def _broadcasting(function: Callable[..., np.ndarray]) -> Callable[..., np.ndarray]:
    """Return the function of two arguments with a check of the size that they are broadcast to."""

    def checked(left: Any, right: Any) -> np.ndarray:
        if np.size(left) * np.size(right) > MAX_VALUES:  # faster than the shape of each result
            sized(np.broadcast_shapes(np.shape(left), np.shape(right)))
        return function(left, right)

    return checked


def _index(values: np.ndarray, index: Any) -> np.ndarray:
    """Return the part of values (...) at an index, in which rows are picked from the first or the last axis only."""
    parts = index if isinstance(index, tuple) else (index,)
    for place, part in enumerate(parts):
        if isinstance(part, list | np.ndarray):
            if 0 < place < len(parts) - 1:
                raise ValueError("rows of a middle axis are picked")
            sized((np.size(part), values.size // max(1, values.shape[-1 if place else 0])))
    return values[index]


def _narrow(values: np.ndarray, dim: int, start: int, length: int) -> np.ndarray:
    """Return `length` entries of an axis."""
    index: list[slice] = [slice(None)] * values.ndim
    index[dim] = slice(start, start + length)
    return values[tuple(index)]


def _select(values: np.ndarray, dim: int, index: int) -> np.ndarray:
    """Return one entry of an axis, without the axis."""
    return np.take(values, index, axis=dim)


def _clamp(values: np.ndarray, min: float | None = None, max: float | None = None) -> np.ndarray:
    """Return values (...) limited to min..max; NaN stays NaN."""
    return np.clip(values, min, max)


def _sum(values: np.ndarray, dim: int, keepdim: bool = False) -> np.ndarray:
    return values.sum(axis=dim, keepdims=keepdim)


def _nansum(values: np.ndarray, dim: int, keepdim: bool = False) -> np.ndarray:
    return np.where(np.isnan(values), 0, values).sum(axis=dim, keepdims=keepdim)


def _mean(values: np.ndarray, dim: int, keepdim: bool = False) -> np.ndarray:
    return values.mean(axis=dim, keepdims=keepdim)


def _amax(values: np.ndarray, dim: int, keepdim: bool = False) -> np.ndarray:
    return values.max(axis=dim, keepdims=keepdim)


def _norm(values: np.ndarray, dim: Sequence[int]) -> np.ndarray:
    """Return the Euclidean norm over some axes, which stay with length 1."""
    return np.sqrt(np.square(values).sum(axis=tuple(dim), keepdims=True))


def _softmax(values: np.ndarray, dim: int) -> np.ndarray:
    exponents = np.exp(values - values.max(axis=dim, keepdims=True))
    return exponents / exponents.sum(axis=dim, keepdims=True)


def _flip(values: np.ndarray, dim: int) -> np.ndarray:
    return np.flip(values, dim)


def _gather(values: np.ndarray, dim: int, index: np.ndarray) -> np.ndarray:
    return np.take_along_axis(values, index, axis=dim)


def _cummax(values: np.ndarray, dim: int) -> np.ndarray:
    return np.maximum.accumulate(values, axis=dim)


def _cumsum(values: np.ndarray, dim: int) -> np.ndarray:
    return np.cumsum(values, axis=dim)


def _reshape(values: np.ndarray, shape: Sequence[int]) -> np.ndarray:
    return values.reshape(sized(shape))


def _broadcast(values: np.ndarray, shape: Sequence[int]) -> np.ndarray:
    return np.broadcast_to(values, sized(shape))


def _transpose(values: np.ndarray, first: int, second: int) -> np.ndarray:
    return np.swapaxes(values, first, second)


def _full(shape: Sequence[int], value: float) -> np.ndarray:
    return np.full(sized(shape), value)


def _arange(*limits: int) -> np.ndarray:
    sized([len(range(*limits))])
    return np.arange(*limits)


def _cat(parts: Sequence[np.ndarray], dim: int = 0) -> np.ndarray:
    sized([sum(part.size for part in parts)])
    return np.concatenate(parts, axis=dim)


def _stack(parts: Sequence[np.ndarray], dim: int = 0) -> np.ndarray:
    sized([sum(part.size for part in parts)])
    return np.stack(parts, axis=dim)


def _repeat(values: np.ndarray, *times: int) -> np.ndarray:
    sized([values.size, *times])
    return np.tile(values, times)


def _repeat_interleave(values: np.ndarray, times: int, dim: int = 0) -> np.ndarray:
    sized([values.size, times])
    return np.repeat(values, times, axis=dim)


def _pad(values: np.ndarray, widths: Sequence[int], value: float | None = None) -> np.ndarray:
    """Pad the last axes; widths: before and after the last axis, then those of the one before it."""
    axes = len(widths) // 2
    pairs = [(widths[2 * number], widths[2 * number + 1]) for number in range(axes)][::-1]
    every = [(0, 0)] * (values.ndim - axes) + pairs
    shape = sized([length + sum(pair) for length, pair in zip(values.shape, every, strict=True)])
    result = np.full(shape, 0 if value is None else value, values.dtype)
    inner = tuple(slice(before, before + length) for length, (before, _) in zip(values.shape, every, strict=True))
    result[inner] = values
    return result


def _matmul(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    sized([*np.broadcast_shapes(left.shape[:-2], right.shape[:-2]), left.shape[-2], right.shape[-1]])
    return np.matmul(left, right)


def _linear(values: np.ndarray, weight: np.ndarray, bias: np.ndarray | None = None) -> np.ndarray:
    """Map values (..., I) by weights (O, I): (..., O). One product of matrices."""
    shape = sized((*values.shape[:-1], weight.shape[0]))
    result = values.reshape(-1, values.shape[-1]) @ weight.T
    if bias is not None:
        result += bias
    return result.reshape(shape)


def _embedding(codes: np.ndarray, weight: np.ndarray) -> np.ndarray:
    sized((*codes.shape, weight.shape[1]))
    return weight[codes]


def _layer_norm(values: np.ndarray, weight: np.ndarray, bias: np.ndarray | None, eps: float) -> np.ndarray:
    """Normalise the last axis."""
    centred = values - values.mean(axis=-1, keepdims=True)
    scaled = centred / np.sqrt(np.square(centred).mean(axis=-1, keepdims=True) + eps) * weight
    return scaled if bias is None else scaled + bias


def _batch_norm(
    values: np.ndarray, mean: np.ndarray, variance: np.ndarray, weight: np.ndarray, bias: np.ndarray, eps: float
) -> np.ndarray:
    """Normalise rows (N, C) by stored statistics (C,)."""
    return (values - mean) / np.sqrt(variance + eps) * weight + bias


def _conv1d(values: np.ndarray, weight: np.ndarray, bias: np.ndarray, dilation: int) -> np.ndarray:
    """Convolve (B, I, T) with weights (O, I, W): (B, O, T - (W - 1) * dilation). A product for each of the W taps."""
    width = weight.shape[2]
    length = values.shape[2] - (width - 1) * dilation
    sized((values.shape[0], weight.shape[0], length))
    result = bias[:, None] + weight[..., 0] @ values[..., :length]
    for tap in range(1, width):
        result += weight[..., tap] @ values[..., tap * dilation : tap * dilation + length]
    return result


def _attention(queries: np.ndarray, keys: np.ndarray, values: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """Return the mixtures of values (..., N, C) by scaled dot products of queries and keys, plus a bias."""
    scores = _matmul(queries, np.swapaxes(keys, -1, -2)) / math.sqrt(queries.shape[-1])
    return _matmul(_softmax(scores + bias, -1), values)


def _nan_to_num(values: np.ndarray, nan: float) -> np.ndarray:
    """Replace NaN; infinite values become the largest of the type."""
    return np.nan_to_num(values, nan=nan)


def _masked_fill(values: np.ndarray, mask: np.ndarray, value: float) -> np.ndarray:
    sized(np.broadcast_shapes(values.shape, mask.shape))
    return np.where(mask, values.dtype.type(value), values)


def _where(mask: np.ndarray, left: Any, right: Any) -> np.ndarray:
    sized(np.broadcast_shapes(mask.shape, np.shape(left), np.shape(right)))
    return np.where(mask, left, right)


# A graph names its operators by these keys; their order and number of arguments are part of the file format.
OPERATORS: dict[str, Callable[..., Any]] = {
    "abs": np.abs,
    "add": _broadcasting(np.add),
    "amax": _amax,
    "and": _broadcasting(np.logical_and),
    "arange": _arange,
    "attention": _attention,
    "batch_norm": _batch_norm,
    "broadcast": _broadcast,
    "cast": lambda values: values,
    "cat": _cat,
    "clamp": _clamp,
    "conv1d": _conv1d,
    "cummax": _cummax,
    "cumsum": _cumsum,
    "div": _broadcasting(np.true_divide),
    "embedding": _embedding,
    "eq": _broadcasting(np.equal),
    "exp": np.exp,
    "flip": _flip,
    "full": _full,
    "gather": _gather,
    "ge": _broadcasting(np.greater_equal),
    "gelu": gelu,
    "gru": gru,
    "gt": _broadcasting(np.greater),
    "index": _index,
    "invert": np.logical_not,
    "isnan": np.isnan,
    "layer_norm": _layer_norm,
    "le": _broadcasting(np.less_equal),
    "linear": _linear,
    "log": np.log,
    "log1p": np.log1p,
    "log_sigmoid": log_sigmoid,
    "lstm": lstm,
    "lt": _broadcasting(np.less),
    "masked_fill": _masked_fill,
    "matmul": _matmul,
    "maximum": _broadcasting(np.maximum),
    "mean": _mean,
    "mul": _broadcasting(np.multiply),
    "nan_to_num": _nan_to_num,
    "nansum": _nansum,
    "narrow": _narrow,
    "neg": np.negative,
    "norm": _norm,
    "pad": _pad,
    "pow": _broadcasting(np.power),
    "relu": lambda values: np.maximum(values, 0),
    "remainder": _broadcasting(np.remainder),
    "repeat": _repeat,
    "repeat_interleave": _repeat_interleave,
    "reshape": _reshape,
    "rnn_relu": rnn_relu,
    "rnn_tanh": rnn_tanh,
    "select": _select,
    "sigmoid": sigmoid,
    "softmax": _softmax,
    "softplus": softplus,
    "sqrt": np.sqrt,
    "square": np.square,
    "stack": _stack,
    "sub": _broadcasting(np.subtract),
    "sum": _sum,
    "tanh": np.tanh,
    "transpose": _transpose,
    "where": _where,
}
