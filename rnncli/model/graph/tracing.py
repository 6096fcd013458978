"""Trace a network: record the torch functions that a forecast calls as a graph.

torch's exporters import its compiler and take seconds for each network; this takes as long as three forecasts. Sizes
are seen as plain numbers: the network is traced with three batches of different size, and whole numbers that differ
between them are linear functions of the size.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from rnncli.model.graph.graph import INPUTS, RESULTS, TYPES, Dimension, Graph, Node, Value, last_uses, values_in
from rnncli.model.graph.operators import OPERATORS
from rnncli.network.network import Network
from rnncli.windows.batch import CovariateBatch, OtherSeries

SIZES = ((3, 2), (5, 2), (3, 3))  # windows, and times at which they end
GATES = 4  # of a recurrent layer, for each of its units
VARYING = "what is computed depends on the size of the batch"
TYPE_NAMES = {getattr(torch, name): name for name in TYPES}


class UntraceableError(Exception):
    """The network does something that a graph cannot express."""


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
    recorder = _Recorder([*inputs.values(), *weights.values()])
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


# Functions that only say something about a tensor: a trace takes their result as it is.
SILENT = {"shape", "dtype", "device", "dim", "size", "ndim", "is_meta", "__len__"}
# Functions that a graph has under the same name, and others under another.
SAME = {
    *("abs", "add", "amax", "arange", "cat", "clamp", "cummax", "cumsum", "div", "eq", "exp", "flip", "gather", "ge"),
    *("gelu", "gt", "isnan", "le", "linear", "log", "log1p", "log_sigmoid", "lt", "masked_fill", "matmul", "maximum"),
    *("mean", "mul", "nan_to_num", "nansum", "neg", "relu", "remainder", "repeat", "repeat_interleave", "sigmoid"),
    *("softmax", "softplus", "sqrt", "square", "stack", "sub", "sum", "tanh", "transpose"),
}
RENAMED = {"__and__": "and", "__eq__": "eq", "__invert__": "invert", "__getitem__": "index"}
SWAPPED = {"__rsub__": "sub", "__rpow__": "pow"}
SHAPED = {"reshape": "reshape", "flatten": "reshape", "unsqueeze": "reshape", "squeeze": "reshape"}
BROADCAST = {"expand", "expand_as"}
FILLED = {"zeros": 0, "zeros_like": 0, "new_zeros": 0, "empty": 0, "ones_like": 1, "new_ones": 1}
CAST = {"to", "float", "double", "long", "contiguous"}
KEYWORDS = {"dim": 1, "min": 1, "keepdim": 2, "max": 2}  # places of arguments that are given by name
WITHOUT_EFFECT = {"dtype", "device"}  # types are those of the results, and a graph has one device


class _Recorder(TorchFunctionMode):
    """Records the functions that are called on tensors, in the operators of a graph."""

    def __init__(self, given: list[Tensor]) -> None:
        super().__init__()
        self.nodes: list[Node] = []
        self._given, self._tensors = given, list(given)  # kept, so that no other tensor gets the id of one
        self._numbers = {id(tensor): number for number, tensor in enumerate(given)}
        self.sizes = [tensor.numel() for tensor in given]
        self._unnumbered: set[int] = set()  # ids of results that a graph does not have

    def __torch_function__(self, function: Callable[..., Any], _types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        result = function(*args, **kwargs)
        name = function.__name__
        if name == "__get__":
            name = function.__self__.__name__  # type: ignore[attr-defined]  # of a descriptor: x.shape, x.mT
        if name not in SILENT:
            method = function is Tensor.where
            self._record("where_method" if method else name, list(args), dict(kwargs), result)
        return result

    def number_of(self, tensor: Tensor) -> int:
        """Return the number of a tensor."""
        return self._numbers[id(tensor)]

    def _record(self, name: str, args: list[Any], kwargs: dict[str, Any], result: Any) -> None:
        """Add the nodes of one call."""
        for key in WITHOUT_EFFECT:
            kwargs.pop(key, None)
        first = args[0] if args else None
        if name in CAST or (name == "dropout" and not kwargs["training"]):
            self._cast(first, result)
        elif name in SHAPED:
            self._add("reshape", [first, list(result.shape)], result)
        elif name in BROADCAST:
            self._add("broadcast", [first, list(result.shape)], result)
        elif name in FILLED:
            self._add("full", [list(result.shape), FILLED[name]], result)
        elif name == "full":
            self._add("full", [list(result.shape), args[1]], result)
        elif name == "new_tensor":
            self._add("cast", [result.numpy()], result)
        elif name in ("mT", "T"):
            self._add("transpose", [first, -2, -1] if result.ndim > 1 else [first, 0, 0], result)
        elif name in ("chunk", "split"):
            self._add_parts(first, kwargs.get("dim", 0), result)
        elif name == "unbind":
            for index, part in enumerate(result):
                self._add("select", [first, args[1], index], part)
        elif name in RESULTS:
            self._add_recurrent(name, args, result)
        else:
            operator, arguments = _translated(name, args, kwargs)
            self._add(operator, arguments, result)

    def _cast(self, first: Any, result: Tensor) -> None:
        """Add a conversion, or none if it changes nothing."""
        if first.dtype != result.dtype:
            self._add("cast", [first], result)
        elif result is not first:
            self._name(result, self._argument(first).number)

    def _add_parts(self, whole: Any, dim: int, parts: tuple[Tensor, ...]) -> None:
        """Add the parts that lie behind one another along an axis."""
        start = 0
        for part in parts:
            self._add("narrow", [whole, dim, start, part.shape[dim]], part)
            start += part.shape[dim]

    def _add_recurrent(self, name: str, args: list[Any], result: Any) -> None:
        """Add a stack of recurrent layers; raise UntraceableError for one that a graph does not have."""
        steps, start, weights, biased, layers, _dropout, _training, bidirectional, batch_first = args
        if not biased or bidirectional or not batch_first:
            raise UntraceableError(f"the recurrent layers ({name}) are of another kind")
        start = list(start) if isinstance(start, tuple | list) else start
        self._add(name, [steps, start, list(weights), layers], result)

    def _add(self, operator: str, arguments: list[Any], result: Any) -> None:
        """Add a node; only the first result is kept of operators that have one in a graph."""
        results = list(result) if isinstance(result, tuple) else [result]
        kept = results[: RESULTS.get(operator, 1)]
        self._unnumbered |= {id(each) for each in results[len(kept) :]}
        self._tensors += results[len(kept) :]
        types = [TYPE_NAMES.get(each.dtype, "") for each in kept]
        if "" in types:
            raise UntraceableError(f"{operator} returns {kept[0].dtype}")
        self.nodes.append(Node(operator, [self._argument(part) for part in arguments], types))
        for each in kept:
            self.sizes.append(each.numel())
            self._name(each, len(self.sizes) - 1)

    def _name(self, tensor: Tensor, number: int) -> None:
        self._tensors.append(tensor)
        self._numbers[id(tensor)] = number

    def _argument(self, argument: Any) -> Any:
        """Return an argument of a node. Tensors that no recorded function made are constants."""
        if isinstance(argument, Tensor):
            if id(argument) in self._unnumbered:
                raise UntraceableError("a result is needed that a graph does not have")
            if id(argument) in self._numbers:
                return Value(self._numbers[id(argument)])
            return argument.detach().numpy()
        if isinstance(argument, tuple) and not isinstance(argument, torch.Size):
            return tuple(self._argument(part) for part in argument)
        if isinstance(argument, list | tuple):
            return [self._argument(part) for part in argument]
        if isinstance(argument, slice):
            return slice(*(self._argument(part) for part in (argument.start, argument.stop, argument.step)))
        if argument is None or argument is Ellipsis or isinstance(argument, bool | int | float | str | np.ndarray):
            return argument
        raise UntraceableError(f"an argument of type {type(argument).__name__}")


def _translated(name: str, args: list[Any], kwargs: dict[str, Any]) -> tuple[str, list[Any]]:
    """Return operator and arguments of a call. Raise UntraceableError if a graph has no such operator."""
    match name:
        case "where":
            return name, args
        case "where_method":
            return "where", [args[1], args[0], args[2]]
        case "pad" if kwargs["mode"] == "constant":
            return name, [args[0], list(args[1]), kwargs["value"]]
        case "norm" if kwargs["p"] == "fro" and kwargs["keepdim"]:
            return name, [args[0], list(kwargs["dim"])]
        case "conv1d" if set(kwargs) <= {"dilation"} and len(args) == 3:
            return name, [*args, kwargs.get("dilation", 1)]
        case "layer_norm" if len(args[1]) == 1:
            return name, [args[0], kwargs["weight"], kwargs["bias"], kwargs["eps"]]
        case "batch_norm" if not kwargs["training"]:
            return name, [*args, kwargs["weight"], kwargs["bias"], kwargs["eps"]]
        case "embedding" if kwargs["max_norm"] is None:
            return name, args
        case "scaled_dot_product_attention" if len(args) == 4:
            return "attention", args
        case "gelu" if kwargs.get("approximate", "none") == "none":
            return name, args
    if name in SWAPPED:
        return SWAPPED[name], args[::-1]
    operator = RENAMED.get(name, name if name in SAME and name != "gelu" else "")
    if operator not in OPERATORS:
        raise UntraceableError(f"the function {name} has no operator")
    for key, value in kwargs.items():
        place = KEYWORDS.get(key)
        if place is None or (key == "dim" and operator == "repeat_interleave"):
            place = 2
        args += [None] * (place + 1 - len(args))
        args[place] = value
    return operator, args


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
