"""CPU settings for fast float32 arithmetic during training, without loss of precision."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache

import torch

MAX_RELATIVE_ERROR = 1e-5  # of a matrix product: float32 stays far below, bfloat16 above


@contextmanager
def fast_float32() -> Iterator[None]:
    """Apply the settings within the block; afterwards the process computes as before."""
    with ExitStack() as settings:
        settings.enter_context(_flushed_denormals())
        if onednn_is_faster():
            settings.enter_context(_products_by_onednn())
        yield


@contextmanager
def _flushed_denormals() -> Iterator[None]:
    """Replace numbers below the smallest normal one by zero.

    Vanishing gradients of long sequences become that small, and a CPU is many times slower with them: flushing saves a
    fifth to a third of an update.
    """
    torch.set_flush_denormal(True)
    try:
        yield
    finally:  # numpy, except for its newest versions, warns in a process that flushes
        torch.set_flush_denormal(False)


@contextmanager
def _products_by_onednn() -> Iterator[None]:
    """Compute float32 matrix products by oneDNN, which torch calls only if it may round to bfloat16."""
    matmul = torch.backends.mkldnn.matmul  # type: ignore[attr-defined]  # not in the type stubs of all versions
    before, matmul.fp32_precision = matmul.fp32_precision, "bf16"
    try:
        yield
    finally:
        matmul.fp32_precision = before


@cache
def onednn_is_faster() -> bool:
    """Return whether oneDNN multiplies faster than MKL, and does not round to bfloat16 although it may.

    MKL uses half of AVX-512 on CPUs that are not from Intel: there an update takes a quarter less time with oneDNN.
    """
    capabilities = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    if not (capabilities.get("avx512_f") and "AMD" in capabilities.get("cpu_name", "")):
        return False
    left, right = torch.rand(2, 128, 128, generator=torch.Generator().manual_seed(0)).unbind()
    with _products_by_onednn():
        product = (left @ right).double()
    exact = left.double() @ right.double()
    return bool(((product - exact).abs() <= MAX_RELATIVE_ERROR * exact).all())
