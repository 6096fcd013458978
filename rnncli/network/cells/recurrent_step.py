"""One step of the recurrent cells that torch has as fused kernels, written out.

With the step's inputs a (from the input) and b (from the state), each of one (B, hidden) part per gate, and ⊙ the
element-wise product:

    rnn   h' = tanh(a + b), or ReLU                                      (Elman 1990)
    lstm  c' = σ(f) ⊙ c + σ(i) ⊙ tanh(g),  h' = σ(o) ⊙ tanh(c')          (Gers et al. 2000); i, f, g, o are a + b
    gru   h' = (1 - z) ⊙ tanh(a_n + r ⊙ b_n) + z ⊙ h                     (Cho et al. 2014); r, z are σ(a + b)
"""

from collections.abc import Callable
from typing import Literal, NamedTuple, assert_never

import torch
from torch import Tensor

from rnncli.config.cells import CellName
from rnncli.network.cells.record import CANDIDATE, FORGET, INPUT, OUTPUT, RESET, STATE, UPDATE, LayerActivity, Part
from rnncli.network.cells.state import State

RecurrentName = Literal["rnn", "lstm", "gru"]

# In the order of their rows in torch's weights.
PARTS: dict[RecurrentName, tuple[Part, ...]] = {
    "rnn": (STATE,),
    "lstm": (INPUT, FORGET, CANDIDATE, OUTPUT),
    "gru": (RESET, UPDATE, CANDIDATE),
}


def recurrent_cell(cell: CellName) -> RecurrentName:
    """Return a cell if it is recurrent, otherwise a GRU."""
    return cell if cell in ("rnn", "lstm", "gru") else "gru"


class Step(NamedTuple):
    """The result of one step."""

    state: State  # (B, hidden) each: the output, and the memory of an LSTM
    gates: dict[Part, Tensor]  # (B, hidden) each
    unit: Tensor  # (B, hidden): the activation before it enters the state


def step(
    cell: RecurrentName,
    added: Tensor,
    recurrent: Tensor,
    state: State,
    relu: bool,
    normalise_memory: Callable[[Tensor], Tensor] | None = None,
) -> Step:
    """Return the step from the input's part `added` and the state's part `recurrent`, (B, gates * hidden) each.

    normalise_memory: applied to the memory of an LSTM before it is output.
    """
    match cell:
        case "rnn":
            total = added + recurrent
            unit = total.relu() if relu else total.tanh()
            return Step((unit,), {}, unit)
        case "lstm":
            enter, keep, new, show = (added + recurrent).chunk(4, dim=-1)
            forget_gate, input_gate, unit = keep.sigmoid(), enter.sigmoid(), new.tanh()
            memory = forget_gate * state[1] + input_gate * unit
            output_gate = show.sigmoid()
            output = output_gate * (normalise_memory(memory) if normalise_memory else memory).tanh()
            return Step((output, memory), {INPUT: input_gate, FORGET: forget_gate, OUTPUT: output_gate}, unit)
        case "gru":
            reset_a, update_a, new_a = added.chunk(3, dim=-1)
            reset_b, update_b, new_b = recurrent.chunk(3, dim=-1)
            update, reset = (update_a + update_b).sigmoid(), (reset_a + reset_b).sigmoid()
            unit = (new_a + reset * new_b).tanh()
            return Step(((1 - update) * unit + update * state[0],), {RESET: reset, UPDATE: update}, unit)
    assert_never(cell)


def activity(steps: list[Step], outputs: Tensor, relu: bool) -> LayerActivity:
    """Return N steps of a layer as one record; outputs: (B, N, hidden)."""
    gates = {part: torch.stack([each.gates[part] for each in steps], dim=1) for part in steps[0].gates}
    return LayerActivity(gates, torch.stack([each.unit for each in steps], dim=1), not relu, outputs)


def zeros(cell: RecurrentName, layers: int, batch: int, hidden: int, like: Tensor) -> State:
    """Return the state (layers, batch, hidden) before the first step, with the type and device of a tensor."""
    start = like.new_zeros(layers, batch, hidden)
    return (start, start) if cell == "lstm" else (start,)
