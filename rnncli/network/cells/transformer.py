"""A small causal Transformer with bounded attention, so that its state has a fixed size."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from rnncli.config.architecture import Architecture
from rnncli.network.cells.record import Part, Record
from rnncli.network.cells.state import State

HEADS = (4, 2, 1)  # the first number that divides the units
WIDER = 2  # units of the feed-forward part, relative to those outside


class Block(nn.Module):
    """Causal self-attention, then a feed-forward network; both residual and normalised first.

    Vaswani et al. (2017) with the norm where Xiong et al. (2020) put it. Positions enter as a linear penalty on the
    distance, whose slope depends on the head (ALiBi: Press et al. 2022).
    """

    def __init__(self, hidden: int, reach: int, dropout: float) -> None:
        super().__init__()
        self.reach, self.heads = reach, next(heads for heads in HEADS if hidden % heads == 0)
        self.first_norm, self.second_norm = nn.LayerNorm(hidden), nn.LayerNorm(hidden)
        self.queries, self.looked_at = nn.Linear(hidden, hidden), nn.Linear(hidden, 2 * hidden)
        self.merge = nn.Linear(hidden, hidden)
        self.inner = nn.Sequential(nn.Linear(hidden, WIDER * hidden), nn.GELU(), nn.Linear(WIDER * hidden, hidden))
        self.dropout = nn.Dropout(dropout)

    def forward(
        self, steps: Tensor, before: Tensor, valid: Tensor, record: Record | None = None
    ) -> tuple[Tensor, Tensor]:
        """Map steps (B, N, hidden) to outputs of that shape; return the last `reach` keys and values too.

        before: (R, B, 2 * hidden) keys and values of the R steps before. valid: (R, B, 1) 0 where there was no step.
        """
        normalised = self.first_norm(steps)
        pairs = torch.cat([before, self.looked_at(normalised).transpose(0, 1)])  # (R + N, B, 2 * hidden)
        steps = steps + self.dropout(self.merge(self._attend(self.queries(normalised), pairs, valid, record)))
        steps = steps + self.dropout(self.inner(self.second_norm(steps)))
        return steps, newest(pairs, self.reach)

    def _attend(self, queries: Tensor, pairs: Tensor, valid: Tensor, record: Record | None) -> Tensor:
        """Return for N queries (B, N, hidden) the mixture of the values up to their step, at most `reach` back."""
        batch, count, hidden = queries.shape
        split = (batch, -1, self.heads, hidden // self.heads)
        keys, values = (part.transpose(0, 1).reshape(split).transpose(1, 2) for part in pairs.chunk(2, dim=-1))
        queries = queries.reshape(split).transpose(1, 2)  # (B, heads, N, hidden / heads)
        bias = self._bias(valid, count, queries)
        if record is not None:  # the fused kernel does not return its weights
            scores = queries @ keys.mT / queries.shape[-1] ** 0.5 + bias
            record.attention.append(scores.softmax(dim=-1))
        mixed = functional.scaled_dot_product_attention(queries, keys, values, bias)
        return mixed.transpose(1, 2).reshape(batch, count, hidden)

    def _bias(self, valid: Tensor, count: int, like: Tensor) -> Tensor:
        """Return what is added to the scores of N queries, -inf where they may not attend: (B, heads, N, R + N)."""
        index = torch.arange(len(valid) + count, device=like.device)
        distance = index[-count:, None] - index  # (N, R + N)
        visible = torch.cat([valid[..., 0].T > 0, valid.new_ones(valid.shape[1], count) > 0], dim=1)  # (B, R + N)
        visible = visible.unsqueeze(1) & ((distance >= 0) & (distance <= self.reach))  # (B, N, R + N)
        bias = (-slopes(self.heads).to(like.device).reshape(-1, 1, 1) * distance).to(like)  # (heads, N, R + N)
        return bias.masked_fill(~visible.unsqueeze(1), -torch.inf)


def slopes(heads: int) -> Tensor:
    """Return the penalty per step of distance of each head: (heads,)."""
    return 2.0 ** (-8 * torch.arange(1, heads + 1) / heads)


def newest(steps: Tensor, reach: int) -> Tensor:
    """Return the last `reach` of steps (N, B, C), padded with zeros in front if there are fewer."""
    return functional.pad(steps, (0, 0, 0, 0, max(0, reach - len(steps)), 0))[-reach:]


class Transformer(nn.Module):
    """A stack of blocks. Each step attends to as many steps before it as a context has."""

    def __init__(self, design: Architecture, inputs: int) -> None:
        super().__init__()
        hidden, self.reach = design.hidden, design.context // design.segment
        self.entry = nn.Identity() if inputs == hidden else nn.Linear(inputs, hidden)
        self.blocks = nn.ModuleList(Block(hidden, self.reach, design.dropout) for _ in range(design.layers))
        self.norm = nn.LayerNorm(hidden)

    def forward(self, steps: Tensor, state: State | None = None, record: Record | None = None) -> tuple[Tensor, State]:
        """Map steps (B, N, inputs) to outputs (B, N, hidden) and the state.

        The state holds the steps that are valid, and the keys and values of each block.
        """
        steps, batch = self.entry(steps), len(steps)
        if state is None:
            nothing = steps.new_zeros(0, batch, 2 * steps.shape[2])
            state = (nothing[..., :1], *(nothing for _ in self.blocks))
        valid, *before = state
        reached = []
        for block, pairs in zip(self.blocks, before, strict=True):
            steps, after = block(steps, pairs, valid, record)
            reached.append(after)
        valid = torch.cat([valid, valid.new_ones(steps.shape[1], batch, 1)])
        return self.norm(steps), (newest(valid, self.reach), *reached)

    def recurrent_weights(self) -> list[dict[Part, Tensor]]:
        """Return none: no layer is recurrent."""
        return []
