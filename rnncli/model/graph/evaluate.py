"""Compute a graph in NumPy."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from rnncli.model.graph.graph import Dimension, Graph, Value, last_uses
from rnncli.model.graph.operators import OPERATORS

Arrays = Mapping[str, np.ndarray]
Resolve = Callable[[list[Any], "tuple[int, int]"], Any]  # values by number, and windows and times -> an argument


class Program:
    """A graph with its weights, ready to compute batches."""

    def __init__(self, graph: Graph, weights: Arrays) -> None:
        """Raise ValueError if the weights do not have the names and shapes that the graph takes."""
        if {name: array.shape for name, array in weights.items()} != graph.weights:
            raise ValueError("the weights do not fit the graph")
        self.graph = graph
        self._weights = [weights[name] for name in graph.weights]
        last = last_uses(graph)
        self._steps = [
            (OPERATORS[node.operator], [_resolver(part) for part in node.arguments], node.types, last[number])
            for number, node in enumerate(graph.nodes)
        ]

    def compute(self, inputs: Arrays) -> list[np.ndarray]:
        """Return the outputs for a batch of windows. Raise ValueError if a value does not have the expected shape."""
        times = len(inputs["other_past"]) if "other_past" in inputs else 0
        size = len(inputs["step"]), times
        values: list[Any] = [*(inputs[name] for name in self.graph.inputs), *self._weights]
        try:
            with np.errstate(all="ignore"):
                for function, arguments, types, done in self._steps:
                    found = function(*(resolve(values, size) for resolve in arguments))
                    results = (found,) if len(types) == 1 else found
                    values += [
                        result if result.dtype == kind else result.astype(kind)
                        for result, kind in zip(results, types, strict=True)
                    ]
                    for number in done:
                        values[number] = None
        except (IndexError, TypeError, AttributeError, KeyError, ArithmeticError) as error:
            raise ValueError(f"the graph cannot be computed ({error})") from error
        return [values[number] for number in self.graph.outputs]


def _resolver(argument: Any) -> Resolve:
    """Return the function that makes an argument from the values and the size of the batch."""
    match argument:
        case Value():
            number = argument.number
            return lambda values, _size: values[number]
        case Dimension():
            return lambda _values, size: argument.at(*size)
        case slice():
            bounds = [_resolver(part) for part in (argument.start, argument.stop, argument.step)]
            if not _varies(argument):
                return lambda _values, _size: argument
            return lambda values, size: slice(*(resolve(values, size) for resolve in bounds))
        case list() | tuple():
            if not _varies(argument):
                return lambda _values, _size: argument
            kind, parts = type(argument), [_resolver(part) for part in argument]
            return lambda values, size: kind(resolve(values, size) for resolve in parts)
    return lambda _values, _size: argument


def _varies(argument: Any) -> bool:
    """Return whether an argument depends on values or on the size of the batch."""
    match argument:
        case Value() | Dimension():
            return True
        case slice():
            return any(isinstance(part, Dimension | Value) for part in (argument.start, argument.stop, argument.step))
        case list() | tuple():
            return any(_varies(part) for part in argument)
    return False
