"""Modules built without memory for their parameters, and without computing initial values."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.overrides import TorchFunctionMode


class _Unfilled(TorchFunctionMode):
    """Skip in-place functions: on the meta device there are no values to change.

    They would only cost time: the first use of many of them there imports torch's compiler, which takes seconds.
    """

    def __torch_function__(self, function: Callable[..., Any], _types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        name = getattr(function, "__name__", "")
        if name.endswith("_") and not name.startswith("_"):
            return (*args, *kwargs.values())[0]
        return function(*args, **kwargs)


@contextmanager
def unallocated() -> Iterator[None]:
    """Create tensors with a shape but no memory, unless code names their device."""
    with torch.device("meta"), _Unfilled():
        yield
