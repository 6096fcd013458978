"""Encoding from a carried state: the encoder remembers what happened before the steps that it reads. Pure tensors."""

import torch
from torch import Tensor

from rnncli.network.cells import Encoder, State, concat_states
from rnncli.network.tensors import CarriedState, EncoderOutput


def encode_from_state(
    encoder: Encoder, segments: Tensor, observed: Tensor, boundaries: int, carried: CarriedState | None, stepwise: bool
) -> EncoderOutput:
    """Return the encoder's results after each of the last `boundaries` segments.

    It reads only these from the carried state. Without one, it reads all segments (B, N, hidden), and each sequence
    starts from the zero state at its first segment that has a value, by observed (B, N).
    stepwise: whether the state at each boundary is needed, or only the last.
    """
    if carried is None:
        state, begun = None, torch.zeros(len(segments), dtype=torch.bool, device=segments.device)
    else:
        state, begun = carried.state, carried.begun.to(segments.device)
        segments, observed = segments[:, -boundaries:], observed[:, -boundaries:]
    begins = (observed.cumsum(dim=1) > 0) | begun.unsqueeze(1)  # (B, N)
    count = segments.shape[1]
    first, outputs, states, start = count - boundaries, list[Tensor](), list[State](), 0
    starts = set(begins.int().argmax(dim=1)[begins.any(dim=1)].tolist())  # where a sequence begins
    while start < count:
        end = max(start, first) + 1 if stepwise else count
        end = min([end, *(begin for begin in starts if begin > start)])
        output, state = encoder(segments[:, start:end], state)
        state = _mask(state, begins[:, end - 1])
        outputs += [output[:, step - start : step - start + 1] for step in range(max(start, first), end)]
        states += [state] if end > first else []
        start = end
    assert state is not None
    return EncoderOutput(torch.cat(outputs), concat_states(states) if stepwise else state, state, None, None)


def detach_state(state: State | None, retained: Tensor) -> State | None:
    """Return a state of B sequences without its gradient, with zeros for the sequences that are not retained (B,)."""
    if state is None:
        return None
    # Contiguous: kernels round by the layout of a tensor, and a state read from a checkpoint has another layout.
    return _mask(tuple(_copy(part) for part in state), retained)


def _copy(part: Tensor) -> Tensor:
    return part.detach().clone(memory_format=torch.contiguous_format)


def _mask(state: State, begun: Tensor) -> State:
    """Return a state with zeros for the sequences (B,) that have not begun."""
    if bool(begun.all()):
        return state
    return tuple(part * begun.to(part).reshape(1, -1, 1) for part in state)
