"""What the parts of an encoder are where nothing is said of them. numpy only."""

import numpy as np

from rnncli.config.cells import CELLS, CellName
from rnncli.config.sections import EXPERTS, DecoderName, Initialisation, Network, Training
from rnncli.panel import Panel

FEW_VALUES, MANY_VALUES = 2_000, 200_000  # values that are too few for many units, and enough for twice as many
SECONDS_FOR_MANY_UNITS = 180.0  # seconds in which several networks of so many units can be tried
MAX_BYPASS_WEIGHTS = 600_000  # weights of all of them


def hidden_units(cell: CellName, panel: Panel, training: Training) -> tuple[int, str]:
    """Units of a layer, and why."""
    if (units := CELLS[cell].units) is not None:
        return units, "units that are not trained cost little"
    count = int((~np.isnan(panel.values)).sum())
    if count >= MANY_VALUES and training.seconds < SECONDS_FOR_MANY_UNITS:
        return 64, f"{count} values, of which more units would learn more in more time"
    return 32 if count < FEW_VALUES else 64 if count < MANY_VALUES else 128, f"{count} values"


def without_context(network: Network) -> tuple[Network, dict[str, str]]:
    """A network that sees nothing of the past, with what follows from that as if it had been asked for; and why."""
    shape = {"scale": "global", "base": "none", "bypass": False}
    changed = [name for name, value in shape.items() if getattr(network, name) != value]
    made = network.model_copy(update={**shape, "since": False, "mix": False})
    return made, dict.fromkeys(changed, "nothing of the past is seen")


def architecture_defaults(network: Network, context: int, segment: int, horizon: int) -> dict[str, object]:
    """What is open of an encoder that reads a context, and of how the horizon is told from it."""
    return {
        "layers": network.layers or network.traits.layers(context // segment),
        "experts": network.experts or bypass_experts(network, context, horizon),
        "initialisation": network.initialisation or recurrent_initialisation(network),
        "decoder": network.decoder or default_decoder(network),
    }


def bypass_experts(network: Network, context: int, horizon: int) -> int:
    """Linear maps in a bypass. A read-out that is solved for takes one."""
    if network.traits.closed_form or not network.bypass or not context:
        return 1
    return int(np.clip(MAX_BYPASS_WEIGHTS // (context * horizon), 1, EXPERTS))


def recurrent_initialisation(network: Network) -> Initialisation:
    """Of recurrent weights: where units are not bounded, the identity neither grows nor shrinks what they carry."""
    return "identity" if network.activation == "relu" else "orthogonal"


def default_decoder(network: Network) -> DecoderName:
    """The encoder itself read on, where that is possible: not where it reads from both ends, or is not trained."""
    if network.traits.closed_form:
        return "direct"
    return "encoder-decoder" if network.bidirectional or network.decoder_segment else "parallel"
