"""A small causal Transformer that looks a bounded way back, so that it has a state of one size and can be read on."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from rnncli.config.architecture import Architecture
from rnncli.network.cells.state import State

HEADS = (4, 2, 1)  # the first number that cuts the units without a rest
WIDER = 2  # times as many units inside a layer as outside


class Block(nn.Module):
    """Attention to the steps before, then a network of two layers at each step; both residual, normed first.

    Vaswani et al. (2017), with the norm where Xiong et al. (2020) put it. Places enter by their distance, which takes
    from the scores so much for each step, a share of its own for each head (Press et al. 2022, ALiBi).
    """

    def __init__(self, hidden: int, reach: int, dropout: float) -> None:
        super().__init__()
        self.reach, self.heads = reach, next(heads for heads in HEADS if hidden % heads == 0)
        self.first_norm, self.second_norm = nn.LayerNorm(hidden), nn.LayerNorm(hidden)
        self.queries, self.looked_at = nn.Linear(hidden, hidden), nn.Linear(hidden, 2 * hidden)
        self.merge = nn.Linear(hidden, hidden)
        self.inner = nn.Sequential(nn.Linear(hidden, WIDER * hidden), nn.GELU(), nn.Linear(WIDER * hidden, hidden))
        self.dropout = nn.Dropout(dropout)

    def forward(self, steps: Tensor, before: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
        """Steps (B, N, hidden) after the keys and values before (R, B, 2 * hidden), known (R, B, 1) or not yet there.

        The same of these steps, and the last `reach` keys and values of all.
        """
        normed = self.first_norm(steps)
        pairs = torch.cat([before, self.looked_at(normed).transpose(0, 1)])  # (R + N, B, 2 * hidden)
        steps = steps + self.dropout(self.merge(self._attended(self.queries(normed), pairs, known)))
        steps = steps + self.dropout(self.inner(self.second_norm(steps)))
        return steps, newest(pairs, self.reach)

    def _attended(self, queries: Tensor, pairs: Tensor, known: Tensor) -> Tensor:
        """What each of N queries (B, N, hidden) takes from the pairs up to its own, at most `reach` back."""
        batch, count, hidden = queries.shape
        split = (batch, -1, self.heads, hidden // self.heads)
        keys, values = (part.transpose(0, 1).reshape(split).transpose(1, 2) for part in pairs.chunk(2, dim=-1))
        place = torch.arange(len(pairs), device=queries.device)
        distance = place[-count:, None] - place  # (N, R + N)
        seen = torch.cat([known[..., 0].T > 0, known.new_ones(batch, count) > 0], dim=1)  # (B, R + N)
        seen = seen.unsqueeze(1) & ((distance >= 0) & (distance <= self.reach))  # (B, N, R + N)
        bias = (-slopes(self.heads).to(queries.device).reshape(-1, 1, 1) * distance).to(queries)  # (heads, N, R + N)
        bias = bias.masked_fill(~seen.unsqueeze(1), -torch.inf)  # (B, heads, N, R + N)
        mixed = functional.scaled_dot_product_attention(queries.reshape(split).transpose(1, 2), keys, values, bias)
        return mixed.transpose(1, 2).reshape(batch, count, hidden)


def slopes(heads: int) -> Tensor:
    """What each head takes from a score for each step of distance: (heads,)."""
    return 2.0 ** (-8 * torch.arange(1, heads + 1) / heads)


def newest(steps: Tensor, reach: int) -> Tensor:
    """The last `reach` of steps (N, B, C), behind zeros where there are fewer."""
    return functional.pad(steps, (0, 0, 0, 0, max(0, reach - len(steps)), 0))[-reach:]


class Transformer(nn.Module):
    """Blocks on top of one another. Each step sees as many steps before it as a context has."""

    def __init__(self, design: Architecture, inputs: int) -> None:
        super().__init__()
        hidden, self.reach = design.hidden, design.context // design.segment
        self.entry = nn.Identity() if inputs == hidden else nn.Linear(inputs, hidden)
        self.blocks = nn.ModuleList(Block(hidden, self.reach, design.dropout) for _ in range(design.layers))
        self.norm = nn.LayerNorm(hidden)

    def forward(self, steps: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Steps (B, N, inputs) to outputs (B, N, hidden); the state: what may still be looked at, and which it is."""
        steps, batch = self.entry(steps), len(steps)
        if state is None:
            nothing = steps.new_zeros(0, batch, 2 * steps.shape[2])
            state = (nothing[..., :1], *(nothing for _ in self.blocks))
        known, *before = state
        reached = []
        for block, pairs in zip(self.blocks, before, strict=True):
            steps, after = block(steps, pairs, known)
            reached.append(after)
        known = torch.cat([known, known.new_ones(steps.shape[1], batch, 1)])
        return self.norm(steps), (newest(known, self.reach), *reached)
