"""Default sizes and parts of a network."""

import numpy as np

from rnncli.config.cells import CELLS, CellName
from rnncli.config.fields import EXPERTS, DecoderName, Initialisation
from rnncli.config.sections import NetworkOptions, Training
from rnncli.panel import Panel
from rnncli.planning.choice import Choice, Choices

FEW_VALUES, MANY_VALUES = 2_000, 200_000  # values below which a layer has fewer units, and from which it has more
SECONDS_FOR_MANY_UNITS = 180.0  # of training: less time is not enough to evaluate several wide networks
MAX_BYPASS_WEIGHTS = 600_000  # in all linear maps of a bypass together


def hidden_units(cell: CellName, panel: Panel, training: Training) -> Choice[int]:
    """Choose the units of a layer by the number of values and the time to train."""
    if (units := CELLS[cell].units) is not None:
        return Choice(units, "units that are not trained cost little")
    count = int((~np.isnan(panel.values)).sum())
    if count >= MANY_VALUES and training.seconds < SECONDS_FOR_MANY_UNITS:
        return Choice(64, f"{count} values; more units need more training time")
    return Choice(32 if count < FEW_VALUES else 64 if count < MANY_VALUES else 128, f"{count} values")


def without_context(network: NetworkOptions, choices: Choices) -> NetworkOptions:
    """Return the settings of a network without context, where all parts that read the past are off."""
    parts = {"scale": "global", "base": "none", "bypass": False}
    changed = [name for name, value in parts.items() if getattr(network, name) != value]
    choices.reasons |= dict.fromkeys(changed, "without a context there is no past to read")
    return network.model_copy(update={**parts, "since": False, "mix": False})


def architecture_defaults(network: NetworkOptions, context: int, segment: int, horizon: int) -> dict[str, object]:
    """Return the parts that depend on the window lengths: as the network sets them, or their defaults."""
    return {
        "layers": network.layers or network.traits.layers(context // segment),
        "experts": network.experts or bypass_experts(network, context, horizon),
        "initialisation": network.initialisation or recurrent_initialisation(network),
        "decoder": network.decoder or default_decoder(network),
    }


def bypass_experts(network: NetworkOptions, context: int, horizon: int) -> int:
    """Return the number of linear maps in the bypass: one if the readout is solved in closed form."""
    if network.traits.closed_form or not network.bypass or not context:
        return 1
    return int(np.clip(MAX_BYPASS_WEIGHTS // (context * horizon), 1, EXPERTS))


def recurrent_initialisation(network: NetworkOptions) -> Initialisation:
    """Return the identity for unbounded units, whose state it neither increases nor decreases."""
    return "identity" if network.activation == "relu" else "orthogonal"


def default_decoder(network: NetworkOptions) -> DecoderName:
    """Return `parallel`, in which the encoder reads on, unless it is bidirectional or not trained."""
    if network.traits.closed_form:
        return "direct"
    return "encoder-decoder" if network.bidirectional or network.decoder_segment else "parallel"
