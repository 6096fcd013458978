"""Reading on from a state that was carried over: what came since a sequence began, not in a window. Pure tensors."""

import torch
from torch import Tensor

from rnncli.network.cells import Encoder, State, concat_states
from rnncli.network.tensors import CarriedState, EncoderOutput


def encode_from_state(
    encoder: Encoder, segments: Tensor, known: Tensor, boundaries: int, carried: CarriedState | None, stepwise: bool
) -> EncoderOutput:
    """What an encoder came to behind each of the last segments, as many as there are boundaries.

    It reads just these, from the state carried over; with none, all segments (B, N, hidden) from the first of each
    sequence that has a value, as known (B, N) says: the state begins there, whatever lies beside it in the batch.
    stepwise: whether the state at each boundary is asked for, not that at the last alone.
    """
    if carried is None:
        state, begun = None, torch.zeros(len(segments), dtype=torch.bool, device=segments.device)
    else:
        state, begun = carried.state, carried.begun.to(segments.device)
        segments, known = segments[:, -boundaries:], known[:, -boundaries:]
    begins = (known.cumsum(dim=1) > 0) | begun.unsqueeze(1)  # (B, N)
    count = segments.shape[1]
    first, outputs, states, start = count - boundaries, list[Tensor](), list[State](), 0
    fresh = set(begins.int().argmax(dim=1)[begins.any(dim=1)].tolist())  # where a sequence begins
    while start < count:
        end = max(start, first) + 1 if stepwise else count
        end = min([end, *(place for place in fresh if place > start)])
        output, state = encoder(segments[:, start:end], state)
        state = _held(state, begins[:, end - 1])
        outputs += [output[:, place - start : place - start + 1] for place in range(max(start, first), end)]
        states += [state] if end > first else []
        start = end
    assert state is not None
    return EncoderOutput(torch.cat(outputs), concat_states(states) if stepwise else state, state, None, None)


def _held(state: State, begun: Tensor) -> State:
    """The state of the sequences (B,) that have begun, zeros of the others: what a state is before any step."""
    if bool(begun.all()):
        return state
    return tuple(part * begun.to(part).reshape(1, -1, 1) for part in state)


def detach_state(state: State | None, kept: Tensor) -> State | None:
    """A state (of B sequences) without its gradient, zeros for the sequences that are not kept (B,)."""
    if state is None:
        return None
    # Laid out afresh: kernels round by how a tensor lies, and one that was kept on the disk lies otherwise.
    return _held(tuple(part.detach().clone(memory_format=torch.contiguous_format) for part in state), kept)
