"""The cells that an encoder can consist of, and the traits by which the rest of the program treats them.

No other module compares the name of a cell: it asks for a trait. A new cell is a row here, a module in
`network/cells/` and a case in its `build`.
"""

from collections.abc import Callable
from typing import Literal, NamedTuple

CellName = Literal["rnn", "lstm", "gru", "esn", "tcn", "transformer"]

TCN_WIDTH = 3  # steps in the kernel of a TCN's convolutions
TRANSFORMER_BLOCKS = 2
RESERVOIR_UNITS = 300  # they are not trained, but the readout solves a linear system of their size
RADIUS, LEAK, DENSITY, INPUT_SCALE = 0.9, 0.5, 0.1, 1.0  # of a reservoir


def _one_layer(_steps: int) -> int:
    return 1


def _transformer_layers(_steps: int) -> int:
    return TRANSFORMER_BLOCKS


def _tcn_layers(steps: int) -> int:
    """Return the layers whose receptive field covers all steps: dilation doubles with each."""
    layers = 1
    while 1 + 2 * (TCN_WIDTH - 1) * (2**layers - 1) < steps:
        layers += 1
    return layers


class CellTraits(NamedTuple):
    """Traits of a cell on which other modules depend."""

    label: str  # in tables and figures
    flops: float  # of a layer and step, in pairs of square matrices of its units
    recurrent: bool = False  # passes a trained state from step to step
    gated: bool = False  # gates let units hold their state
    relu: bool = False  # its units can be rectified linear, and start at the identity (Le et al. 2015)
    closed_form: bool = False  # a fixed reservoir: its readout is solved for, and no gradient is computed
    context_copies: bool = False  # the parallel decoder needs a copy of the context for each segment of the horizon
    units: int | None = None  # default number of units; None: by the size of the data
    layers: Callable[[int], int] = _one_layer  # default for an encoder of so many recurrent steps


CELLS: dict[CellName, CellTraits] = {
    "rnn": CellTraits("RNN", flops=1, recurrent=True, relu=True),
    "lstm": CellTraits("LSTM", flops=4, recurrent=True, gated=True),
    "gru": CellTraits("GRU", flops=3, recurrent=True, gated=True),
    "esn": CellTraits("ESN", flops=0.5, closed_form=True, units=RESERVOIR_UNITS),
    "tcn": CellTraits("TCN", flops=3, layers=_tcn_layers),
    "transformer": CellTraits("Transformer", flops=4, context_copies=True, layers=_transformer_layers),
}


def names(trait: Callable[[CellTraits], bool]) -> tuple[CellName, ...]:
    """Return the cells for which a trait holds, in the order of the table."""
    return tuple(name for name, traits in CELLS.items() if trait(traits))
