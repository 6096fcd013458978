"""Gates, activations and recurrent weights of an encoder's recurrent layers."""

import torch
from torch import Tensor

from rnncli.network.cells import Encoder, LayerActivity, Part, Record


@torch.no_grad()
def layers(encoder: Encoder, steps: Tensor) -> list[LayerActivity]:
    """Return the activity of each recurrent layer of an encoder that reads steps (B, N, inputs).

    Layers that read backwards are left out: their state is not carried on.
    """
    record = Record()
    encoder(steps, record=record)
    return record.layers


def recurrent_weights(encoder: Encoder) -> dict[Part, Tensor]:
    """Return the recurrent weights (hidden, hidden) of each part; if there are several layers, numbered by layer."""
    found = encoder.recurrent_weights()
    if len(found) == 1:
        return found[0]
    return {
        part._replace(name=f"{part.name} of layer {number}"): weights
        for number, layer in enumerate(found, 1)
        for part, weights in layer.items()
    }
