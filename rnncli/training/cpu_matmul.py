"""How a processor computes while networks are trained: no slower than it can, and as exactly as float32 allows."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache

import torch

MAX_RELATIVE_ERROR = (
    1e-5  # error of a product, as a share of what was added up: float32 stays far below, bfloat16 above
)


@contextmanager
def fast_float32() -> Iterator[None]:
    """Compute quickly while this lasts; the process computes as before afterwards."""
    with ExitStack() as lasting:
        lasting.enter_context(_vanishing())
        if _faster_by_onednn():
            lasting.enter_context(_products_by_onednn())
        yield


@contextmanager
def _vanishing() -> Iterator[None]:
    """Take numbers below the smallest normal one for zero.

    Gradients that fade on their way back through many steps come to that, and a processor takes many times as long
    over each of them: a fifth to a third of an update.
    """
    torch.set_flush_denormal(True)
    try:
        yield
    finally:  # numpy, but for its newest versions, warns of a process that has it so
        torch.set_flush_denormal(False)


@contextmanager
def _products_by_onednn() -> Iterator[None]:
    """Leave products of float32 matrices to oneDNN, which is asked for them only where it may round to bfloat16."""
    matmul = torch.backends.mkldnn.matmul  # type: ignore[attr-defined]
    before, matmul.fp32_precision = matmul.fp32_precision, "bf16"
    try:
        yield
    finally:
        matmul.fp32_precision = before


@cache
def _faster_by_onednn() -> bool:
    """Whether oneDNN multiplies faster than MKL here, without rounding to bfloat16 although it may.

    MKL leaves half of AVX-512 unused where the processor is not Intel's: an update takes a quarter less with oneDNN.
    """
    known = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    if not (known.get("avx512_f") and "AMD" in known.get("cpu_name", "")):
        return False
    one, other = torch.rand(2, 128, 128, generator=torch.Generator().manual_seed(0)).unbind()
    with _products_by_onednn():
        product = (one @ other).double()
    exact = one.double() @ other.double()
    return bool(((product - exact).abs() <= MAX_RELATIVE_ERROR * exact).all())
