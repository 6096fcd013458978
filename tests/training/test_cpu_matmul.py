"""CPU settings during training keep float32 precision."""

from itertools import product

import pytest
import torch

from rnncli.training import cpu_matmul

SIZES = (1, 7, 48, 128, 513)


@pytest.mark.parametrize(("rows", "added", "columns"), list(product(SIZES, repeat=3)))
def test_products_have_float32_precision(rows: int, added: int, columns: int) -> None:
    generator = torch.Generator().manual_seed(0)
    one = torch.randn(rows, added, generator=generator)
    other = torch.randn(added, columns, generator=generator)

    with cpu_matmul.fast_float32():
        products = [one @ other, one.T.contiguous().T @ other, one @ other.T.contiguous().T]

    exact, added_up = one.double() @ other.double(), one.double().abs() @ other.double().abs()
    for found in products:
        assert ((found - exact).abs() <= 1e-6 * added_up).all()  # bfloat16 errs by some 4e-3 of a product


def test_the_settings_are_restored() -> None:
    matmul = getattr(torch.backends.mkldnn, "matmul", None)
    before = getattr(matmul, "fp32_precision", None)

    with pytest.raises(RuntimeError), cpu_matmul.fast_float32():
        raise RuntimeError

    assert getattr(matmul, "fp32_precision", None) == before


@pytest.mark.skipif(not hasattr(torch.backends.mkldnn, "matmul"), reason="needs a torch that asks oneDNN")
def test_onednn_is_not_used_if_it_rounds_more_than_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    told = {"avx512_f": True, "cpu_name": "AMD EPYC"}
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: told, raising=False)
    monkeypatch.setattr(cpu_matmul, "MAX_RELATIVE_ERROR", 1e-9)  # which float32 itself does not reach
    cpu_matmul.onednn_is_faster.cache_clear()
    try:
        assert not cpu_matmul.onednn_is_faster()
    finally:
        cpu_matmul.onednn_is_faster.cache_clear()
