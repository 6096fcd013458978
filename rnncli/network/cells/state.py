"""The state of an encoder, and operations on it that do not depend on what it holds.

An encoder maps steps (B, N, inputs) to outputs (B, N, hidden) and its state after the last of them. Passed back, the
state continues the sequence. The second axis of each of its tensors is that of the sequences.
"""

import torch
from torch import Tensor

State = tuple[Tensor, ...]


def repeat_state(state: State, times: int) -> State:
    """Return the state for `times` continuations of each sequence, next to one another: B becomes B * times."""
    return tuple(part.repeat_interleave(times, dim=1) for part in state)


def concat_states(states: list[State]) -> State:
    """Return the states of batches of B1, B2, ... sequences as that of one batch of B1 + B2 + ... sequences."""
    if len(states) == 1:
        return states[0]
    return tuple(torch.cat(parts, dim=1) for parts in zip(*states, strict=True))
