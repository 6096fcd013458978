"""Trace a network: record the torch functions that a forecast calls as a graph.

torch's exporters import its compiler and take seconds for each network; this takes as long as three forecasts. Sizes
are seen as plain numbers: the network is traced with three batches of different size, and whole numbers that differ
between them are linear functions of the size.
"""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from rnncli.model.graph.graph import INPUTS, RESULTS, Dimension, Graph, Node, Value, last_uses, values_in
from rnncli.model.graph.recorder import Recorder, UntraceableError
from rnncli.network.network import Network
from rnncli.windows.batch import CovariateBatch, OtherSeries

SIZES = ((3, 2), (5, 2), (3, 3))  # windows, and times at which they end
GATES = 4  # of a recurrent layer, for each of its units
VARYING = "what is computed depends on the size of the batch"


class Example(NamedTuple):
    """The shapes of a network's inputs."""

    varying: int  # C
    static: int  # G
    calendar: int  # D
    series: int  # S, whose pasts are mixed


def trace(network: Network, example: Example) -> Graph:
    """Return the graph of a network's forecasts. Raise UntraceableError if there is none."""
    if network.architecture.bptt is not None:
        raise UntraceableError("it reads each series from its beginning (--bptt)")
    network = network.cpu().eval()
    (first, small), (more, large), (other, _) = (_record(network, example, *size) for size in SIZES)
    if len({len(graph.nodes) for graph in (first, more, other)}) > 1:
        raise UntraceableError(VARYING)
    nodes = []
    for same in zip(first.nodes, more.nodes, other.nodes, strict=True):
        if len({(node.operator, *node.types) for node in same}) > 1:
            raise UntraceableError(VARYING)
        arguments = [_for_any_size(parts) for parts in zip(*(node.arguments for node in same), strict=True)]
        nodes.append(Node(same[0].operator, arguments, same[0].types))
    sizes = [(size - before) / (SIZES[1][0] - SIZES[0][0]) for before, size in zip(small, large, strict=True)]
    return _without_unused(first._replace(nodes=nodes, values_per_window=_peak(first, sizes)))


def _peak(graph: Graph, sizes: list[float]) -> int:
    """Return the largest number of values that exist at once, from those of each result, freed after its last use.

    An operator may hold as many again as it returns, and a recurrent stack as many as its gates.
    """
    alive, largest, number = 0.0, 1.0, graph.given
    for node, done in zip(graph.nodes, last_uses(graph), strict=True):
        results = sizes[number : number + len(node.types)]
        number, alive = number + len(results), alive + sum(results)
        largest = max(largest, alive + (GATES if node.operator in RESULTS else 1) * results[0])
        alive -= sum(sizes[value] for value in done if value >= graph.given)
    return math.ceil(largest)


def _for_any_size(parts: Sequence[Any]) -> Any:
    """Return an argument for batches of any size, from those for SIZES. Raise UntraceableError if there is none."""
    first = parts[0]
    if len({type(part) for part in parts}) > 1:
        raise UntraceableError(VARYING)
    if isinstance(first, np.ndarray):
        if all(np.array_equal(first, part, equal_nan=first.dtype.kind == "f") for part in parts):
            return first
        raise UntraceableError("a constant depends on the batch")
    if type(first) in (list, tuple):
        if len({len(part) for part in parts}) > 1:
            raise UntraceableError(VARYING)
        return type(first)(_for_any_size(same) for same in zip(*parts, strict=True))
    if isinstance(first, slice):
        bounds = ((part.start, part.stop, part.step) for part in parts)
        return slice(*(_for_any_size(same) for same in zip(*bounds, strict=True)))
    if all(part is first or part == first for part in parts):  # NaN equals itself only as the same object
        return first
    if type(first) is int:
        return _dimension(parts)
    raise UntraceableError("a constant depends on the batch")


def _dimension(found: Sequence[int]) -> Dimension:
    """Return the linear function of the size of the batch that has these values for SIZES."""
    (small, few), (more, _), (_, many) = SIZES
    windows, windows_rest = divmod(found[1] - found[0], more - small)
    times, times_rest = divmod(found[2] - found[0], many - few)
    if windows_rest or times_rest:
        raise UntraceableError("a size is no linear function of that of the batch")
    return Dimension(found[0] - windows * small - times * few, windows, times)


def _record(network: Network, example: Example, windows: int, times: int) -> tuple[Graph, list[int]]:
    """Return the graph of a forecast from random inputs, for this size of the batch, and the sizes of its values."""
    inputs = _inputs(network, example, windows, times)
    weights = network.state_dict(keep_vars=True)
    recorder = Recorder([*inputs.values(), *weights.values()])
    others = OtherSeries(*(inputs[name] for name in INPUTS[-3:])) if INPUTS[-1] in inputs else None
    covariates = CovariateBatch(inputs["varying"], inputs["static"], inputs.get("calendar"), others)
    with torch.inference_mode(), recorder:
        quantiles, scale = network.trace(inputs["past"], inputs["step"], covariates).prediction
    outputs = [recorder.number_of(part) for part in (quantiles, scale.level, scale.spread)]
    shapes = {name: tuple(part.shape) for name, part in weights.items()}
    return Graph(list(inputs), shapes, recorder.nodes, outputs, tuple(network.head.levels), 1), recorder.sizes


def _inputs(network: Network, example: Example, windows: int, times: int) -> dict[str, Tensor]:
    """Return random inputs of a network, by name."""
    design, drawn = network.architecture, torch.Generator().manual_seed(windows + times)
    length = design.context + design.horizon

    def values(*shape: int) -> Tensor:
        return torch.rand(*shape, dtype=torch.float64, generator=drawn) + 1

    found = {
        "past": values(windows, design.context, network.targets),
        "step": torch.arange(windows) + 1000,
        "varying": values(windows, length, example.varying).floor(),
        "static": values(windows, example.static).floor(),
    }
    if design.calendar and example.calendar:
        found["calendar"] = values(windows, length, example.calendar).float()
    if design.mix and example.series:
        found["other_past"] = values(times, example.series, design.context, network.targets)
        found["window_time"] = torch.arange(windows) % times
        found["window_series"] = torch.arange(windows) % example.series
    return found


def _without_unused(graph: Graph) -> Graph:
    """Return the graph of the nodes that the outputs depend on."""
    nodes, given = graph.nodes, graph.given
    firsts, count = [], given
    for node in nodes:
        firsts.append(count)
        count += len(node.types)
    needed, kept = set(graph.outputs), list[int]()
    for index in range(len(nodes) - 1, -1, -1):
        if needed & set(range(firsts[index], firsts[index] + len(nodes[index].types))):
            kept.append(index)
            needed |= set(values_in(nodes[index].arguments))
    numbers, count = {number: number for number in range(given)}, given
    for index in reversed(kept):
        for offset in range(len(nodes[index].types)):
            numbers[firsts[index] + offset] = count
            count += 1
    renumbered = [
        Node(nodes[index].operator, _renumbered(nodes[index].arguments, numbers), nodes[index].types)
        for index in reversed(kept)
    ]
    return graph._replace(nodes=renumbered, outputs=[numbers[number] for number in graph.outputs])


def _renumbered(argument: Any, numbers: dict[int, int]) -> Any:
    """Return an argument with other numbers of values."""
    if isinstance(argument, Value):
        return Value(numbers[argument.number])
    if isinstance(argument, list | tuple) and not isinstance(argument, Dimension):
        return type(argument)(_renumbered(part, numbers) for part in argument)
    return argument
