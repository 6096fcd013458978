"""What an encoder carries from step to step, and what can be done with it by those who do not look into it.

An encoder reads steps (B, N, inputs) and gives outputs (B, N, hidden) and its state after the last of them. Handed
back, the state lets it go on where it was. Of every tensor in a state the second axis is that of the sequences.
"""

import torch
from torch import Tensor

State = tuple[Tensor, ...]


def repeat_state(state: State, times: int) -> State:
    """The same state for `times` continuations of each sequence, lying behind one another: B becomes B * times."""
    return tuple(part.repeat_interleave(times, dim=1) for part in state)


def concat_states(states: list[State]) -> State:
    """The states of several batches as that of one, B1 + B2 + ... sequences."""
    if len(states) == 1:
        return states[0]
    return tuple(torch.cat(parts, dim=1) for parts in zip(*states, strict=True))
