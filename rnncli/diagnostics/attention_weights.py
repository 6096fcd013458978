"""The attention weights of a Transformer encoder."""

import torch
from torch import Tensor

from rnncli.network.cells import Encoder, Record


@torch.no_grad()
def attention_weights(encoder: Encoder, steps: Tensor) -> Tensor | None:
    """Return how much the last of steps (B, N, inputs) attends to each of them in each of M blocks: (B, M, N).

    Mean over the heads; each row sums to 1. None if the encoder has no attention.
    """
    record = Record()
    encoder(steps, record=record)
    if not record.attention:
        return None
    return torch.stack([weights[:, :, -1].mean(dim=1) for weights in record.attention], dim=1)
