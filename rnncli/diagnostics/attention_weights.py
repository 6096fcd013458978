"""Which steps of the past a Transformer looks at: its kernel does not show them. Pure tensors."""

import torch
from torch import Tensor

from rnncli.network.cells import Encoder
from rnncli.network.cells.transformer import Block, Transformer, slopes


@torch.no_grad()
def looked(encoder: Encoder, steps: Tensor) -> Tensor | None:
    """How much the last of steps (B, N, inputs) looks at each of them in each block, mean over its heads: (B, M, N)."""
    if not isinstance(encoder, Transformer):
        return None
    given: list[tuple[Block, Tensor]] = []
    handles = [
        block.register_forward_pre_hook(lambda block, inputs: given.append((block, inputs[0])))
        for block in encoder.blocks
    ]
    encoder(steps)
    for handle in handles:
        handle.remove()
    return torch.stack([weights(block, read)[:, :, -1].mean(dim=1) for block, read in given], dim=1)


def weights(block: Block, steps: Tensor) -> Tensor:
    """Of steps (B, N, hidden) with nothing before them: (B, heads, N, N), each query's summing to 1."""
    batch, count, hidden = steps.shape
    normed, width = block.first_norm(steps), hidden // block.heads
    asked, offered = block.queries(normed), block.looked_at(normed).chunk(2, dim=-1)[0]
    queries, keys = (part.reshape(batch, count, block.heads, width).transpose(1, 2) for part in (asked, offered))
    place = torch.arange(count)
    distance = place[:, None] - place  # (N, N)
    scores = queries @ keys.mT / width**0.5 - slopes(block.heads).reshape(-1, 1, 1) * distance
    return scores.masked_fill((distance < 0) | (distance > block.reach), -torch.inf).softmax(dim=-1)
