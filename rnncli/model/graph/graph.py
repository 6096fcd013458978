"""A network as data: operators from a fixed table, and the values that they take and return.

Values are numbered: first the inputs, then the weights, then the results of the nodes in order. In the file a graph is
compressed JSON. It holds no code: what is not in the table is refused.

An argument of a node is a number, a text, None, a list of arguments, or an object with one key:

    {"v": number of a value}, {"s": [start, stop, step] of a slice}, {"e": an ellipsis}, {"c": [type, nested list]},
    {"d": [c, b, u]}: the whole number c + b * windows + u * times at which windows end
"""

import inspect
import json
import zlib
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from rnncli.model.graph.operators import MAX_VALUES, OPERATORS

INPUTS = (
    *("past", "step", "varying", "static", "calendar"),
    *("other_past", "window_time", "window_series"),  # of `OtherSeries`
)
OUTPUTS = ("quantiles", "level", "spread")  # float32 (B, H, K, Q) at unit scale, float64 (B, 1, K), float64 (B, 1, K)
TYPES = ("bool", "int32", "int64", "float32", "float64")
RESULTS = {"gru": 2, "lstm": 3, "rnn_tanh": 2, "rnn_relu": 2}  # of operators with several
MAX_JSON = 20_000_000  # bytes; a network of 100 unrolled steps has 300,000
MAX_DEPTH = 8  # of nested arguments

Shapes = Mapping[str, tuple[int, ...]]


class Value(NamedTuple):
    """An argument: a value by its number."""

    number: int


class Dimension(NamedTuple):
    """An argument: a whole number that depends on the batch."""

    constant: int
    windows: int
    times: int

    def at(self, windows: int, times: int) -> int:
        """Return the number for so many windows that end at so many times."""
        return self.constant + self.windows * windows + self.times * times


class Node(NamedTuple):
    """An operator with its arguments."""

    operator: str
    arguments: list[Any]
    types: list[str]  # of the results


class Graph(NamedTuple):
    """A network, without the values of its weights."""

    inputs: list[str]
    weights: dict[str, tuple[int, ...]]  # shapes
    nodes: list[Node]
    outputs: list[int]  # numbers of the values named in OUTPUTS
    levels: tuple[float, ...]  # of the quantiles, rising
    values_per_window: int  # that exist at once

    @property
    def given(self) -> int:
        """Return the number of inputs and weights."""
        return len(self.inputs) + len(self.weights)

    def encode(self) -> bytes:
        """Return the graph as it is stored."""
        content = self._asdict() | {
            "nodes": [[name, _encoded(arguments), types] for name, arguments, types in self.nodes]
        }
        return zlib.compress(json.dumps(content, separators=(",", ":")).encode(), 9)


def decode(content: bytes) -> Graph:
    """Return a stored graph. Raise ValueError if it is none, or not one that can be computed."""
    decompressor = zlib.decompressobj()
    try:
        text = decompressor.decompress(content, MAX_JSON)
        if not decompressor.eof:
            raise ValueError("the graph is cut off or too large")
        found = json.loads(text)
        graph = Graph(
            [str(name) for name in found["inputs"]],
            {str(name): tuple(int(length) for length in shape) for name, shape in found["weights"].items()},
            [Node(name, _decoded(arguments, 0), list(types)) for name, arguments, types in found["nodes"]],
            [int(number) for number in found["outputs"]],
            tuple(float(level) for level in found["levels"]),
            int(found["values_per_window"]),
        )
    except (zlib.error, KeyError, TypeError, AttributeError, RecursionError, OverflowError) as error:
        raise ValueError(f"no graph ({error})") from error
    _check(graph)
    return graph


def _check(graph: Graph) -> None:
    """Raise ValueError unless each node has a known operator, as many arguments as it takes, and earlier values."""
    if not set(graph.inputs) <= set(INPUTS) or len(graph.outputs) != len(OUTPUTS):
        raise ValueError("the graph has other inputs or outputs")
    levels = graph.levels
    if 0.5 not in levels or list(levels) != sorted({*levels}) or not 0 < levels[0] < levels[-1] < 1:
        raise ValueError("the graph has no rising levels")
    if not 0 < graph.values_per_window <= MAX_VALUES:
        raise ValueError("the graph needs too much memory")
    count = graph.given
    for name, arguments, types in graph.nodes:
        if name not in OPERATORS:
            raise ValueError(f"the graph has an unknown operator ({str(name)[:40]})")
        if not isinstance(arguments, list) or not _takes(name, len(arguments)):
            raise ValueError(f"the operator {name} does not take {len(arguments)} arguments")
        if len(types) != RESULTS.get(name, 1) or not set(types) <= set(TYPES):
            raise ValueError(f"the operator {name} has other results")
        if any(not 0 <= number < count for number in values_in(arguments)):
            raise ValueError(f"the operator {name} takes a value that does not exist")
        count += len(types)
    if any(not 0 <= number < count for number in graph.outputs):
        raise ValueError("the graph returns a value that does not exist")


def _takes(name: str, count: int) -> bool:
    """Return whether an operator takes so many arguments."""
    function = OPERATORS[name]
    if isinstance(function, np.ufunc):
        return count == function.nin
    try:
        inspect.signature(function).bind(*range(count))
    except TypeError:
        return False
    return True


def values_in(argument: Any) -> Iterator[int]:
    """Yield the numbers of the values in an argument."""
    if isinstance(argument, Value):
        yield argument.number
    elif isinstance(argument, list | tuple) and not isinstance(argument, Dimension):
        for part in argument:
            yield from values_in(part)


def last_uses(graph: Graph) -> list[list[int]]:
    """Return for each node the values that no later one takes."""
    needed, last = set(graph.outputs), list[list[int]]()
    end = graph.given + sum(len(node.types) for node in graph.nodes)
    for node in reversed(graph.nodes):
        end -= len(node.types)
        results = set(range(end, end + len(node.types)))
        used = set(values_in(node.arguments)) | results
        last.append(sorted(used - needed))
        needed |= used
    return last[::-1]


def _encoded(argument: Any) -> Any:
    """Return an argument as JSON can hold it."""
    match argument:
        case Value():
            return {"v": argument.number}
        case Dimension():
            return {"d": list(argument)}
        case slice():
            return {"s": [_encoded(part) for part in (argument.start, argument.stop, argument.step)]}
        case np.ndarray():
            return {"c": [str(argument.dtype), argument.tolist()]}
        case list():
            return [_encoded(part) for part in argument]
        case tuple():
            return {"t": [_encoded(part) for part in argument]}
    return {"e": 0} if argument is Ellipsis else argument


def _decoded(argument: Any, depth: int) -> Any:
    """Return an argument from JSON. Raise ValueError if it is none."""
    if depth > MAX_DEPTH:
        raise ValueError("the arguments of the graph are nested too deeply")
    if isinstance(argument, list):
        return [_decoded(part, depth + 1) for part in argument]
    if not isinstance(argument, dict):
        return argument
    (key, content), *others = argument.items()
    match key:
        case _ if others:
            raise ValueError("an argument of the graph has two kinds")
        case "v":
            return Value(_whole(content))
        case "d":
            constant, windows, times = map(_whole, content)
            return Dimension(constant, windows, times)
        case "s":
            start, stop, step = (_decoded(part, depth + 1) for part in content)
            return slice(start, stop, step)
        case "c":
            if content[0] not in TYPES:
                raise ValueError("a constant of the graph has another type")
            return np.array(content[1], content[0])
        case "t":
            return tuple(_decoded(part, depth + 1) for part in content)
        case "e":
            return Ellipsis
    raise ValueError(f"an argument of the graph has another kind ({key[:40]})")


def _whole(number: object) -> int:
    if not isinstance(number, int) or abs(number) > MAX_VALUES:
        raise ValueError("a number of the graph is not whole, or too large")
    return number
