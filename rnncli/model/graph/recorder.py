"""Record the torch functions that are called on tensors, in the operators of a graph."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from rnncli.model.graph.graph import RESULTS, TYPES, Node, Value
from rnncli.model.graph.operators import OPERATORS

TYPE_NAMES = {getattr(torch, name): name for name in TYPES}
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


class UntraceableError(Exception):
    """The network does something that a graph cannot express."""


class Recorder(TorchFunctionMode):
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
