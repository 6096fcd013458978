"""Networks from stored weights, and their weights to store."""

import numpy as np
from torch import Tensor

from rnncli.config.architecture import Architecture, InputSpec
from rnncli.network.network import Network
from rnncli.network.unallocated import unallocated


def build_network(architecture: Architecture, targets: int, inputs: InputSpec, tensors: dict[str, Tensor]) -> Network:
    """Return a network with these weights. Raise ValueError or RuntimeError if their names or shapes do not fit.

    The network is built without memory for its parameters, so that a card that claims a larger network than the file
    holds is refused before any is taken.
    """
    if architecture.layers > len(tensors):
        raise ValueError(f"{architecture.layers} layers need more weights than the {len(tensors)} in the file")
    with unallocated():
        network = Network(architecture, targets, inputs)
    network.load_state_dict(tensors, assign=True)
    return network.eval()


def weights_of(network: Network) -> dict[str, np.ndarray]:
    """Return the weights of a network by name."""
    return {name: tensor.detach().cpu().numpy() for name, tensor in network.state_dict().items()}
