"""The recorded attention weights are those with which the kernel mixes values."""

import torch
from torch import nn

from rnncli.diagnostics.attention_weights import attention_weights
from rnncli.network import cells
from rnncli.network.cells.transformer import Block, Transformer
from tests.diagnostics.test_gate_activity import design


@torch.no_grad()
def test_the_weights_mix_the_values_as_the_kernel_does() -> None:
    torch.manual_seed(0)
    block, steps = Block(8, reach=5, dropout=0.0).eval(), torch.randn(3, 9, 8)
    for parameter in block.parameters():
        nn.init.normal_(parameter, std=0.5)
    nothing, record = steps.new_zeros(0, 3, 16), cells.Record()

    outputs, _ = block(steps, nothing, nothing[..., :1], record)

    (weights,) = record.attention  # (B, heads, N, N)
    torch.testing.assert_close(weights.sum(-1), torch.ones(3, 4, 9))
    values = block.looked_at(block.first_norm(steps)).chunk(2, dim=-1)[1].reshape(3, 9, 4, 2).transpose(1, 2)
    after = steps + block.merge((weights @ values).transpose(1, 2).reshape(3, 9, 8))
    torch.testing.assert_close(after + block.inner(block.second_norm(after)), outputs)


def test_each_block_attends_to_every_step_and_other_cells_have_no_attention() -> None:
    torch.manual_seed(0)
    steps = torch.randn(3, 8, 4)
    encoder = cells.build(design(cell="transformer", layers=2), 4).eval()

    weights = attention_weights(encoder, steps)

    assert isinstance(encoder, Transformer)
    assert weights is not None and weights.shape == (3, 2, 8)
    torch.testing.assert_close(weights.sum(-1), torch.ones(3, 2))
    assert attention_weights(cells.build(design(cell="gru"), 4), steps) is None
