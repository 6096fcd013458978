"""How a processor computes while networks are trained."""

from itertools import product

import pytest
import torch

from rnncli.training import cpu_matmul

SIZES = (1, 7, 48, 128, 513)


@pytest.mark.parametrize(("rows", "added", "columns"), list(product(SIZES, repeat=3)))
def test_products_stay_as_exact_as_float32_has_them(rows: int, added: int, columns: int) -> None:
    generator = torch.Generator().manual_seed(0)
    one = torch.randn(rows, added, generator=generator)
    other = torch.randn(added, columns, generator=generator)

    with cpu_matmul.fast_float32():
        products = [one @ other, one.T.contiguous().T @ other, one @ other.T.contiguous().T]

    exact, added_up = one.double() @ other.double(), one.double().abs() @ other.double().abs()
    for found in products:
        assert ((found - exact).abs() <= 1e-6 * added_up).all()  # bfloat16 errs by some 4e-3 of a product


def test_the_process_computes_as_before_afterwards() -> None:
    matmul = getattr(torch.backends.mkldnn, "matmul", None)
    before = getattr(matmul, "fp32_precision", None)

    with pytest.raises(RuntimeError), cpu_matmul.fast_float32():
        raise RuntimeError

    assert getattr(matmul, "fp32_precision", None) == before


@pytest.mark.skipif(not hasattr(torch.backends.mkldnn, "matmul"), reason="needs a torch that asks oneDNN")
def test_where_onednn_rounds_more_than_float32_does_it_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    told = {"avx512_f": True, "cpu_name": "AMD EPYC"}
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: told, raising=False)
    monkeypatch.setattr(cpu_matmul, "EXACT", 1e-9)  # which float32 itself does not reach
    cpu_matmul._faster_by_onednn.cache_clear()
    try:
        assert not cpu_matmul._faster_by_onednn()
    finally:
        cpu_matmul._faster_by_onednn.cache_clear()
