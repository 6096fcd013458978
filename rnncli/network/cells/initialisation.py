"""Initial values of the weights of recurrent layers."""

from typing import assert_never

import torch
from torch import Tensor, nn

from rnncli.config.fields import Initialisation


def initialise(stack: nn.RNNBase, recurrent: Initialisation) -> None:
    """Draw input weights after Glorot and Bengio (2010) and recurrent weights as named; set biases to zero.

    The forget gates of an LSTM start with a bias of 1 (Jozefowicz et al. 2015).
    """
    hidden = stack.hidden_size
    for name, parameter in stack.named_parameters():
        if name.startswith("weight_hh"):
            for gate in torch.split(parameter, hidden):
                _initialise_square(gate, recurrent)
        elif name.startswith("weight_ih"):
            for gate in torch.split(parameter, hidden):
                nn.init.xavier_uniform_(gate)
        else:
            nn.init.zeros_(parameter)
            if isinstance(stack, nn.LSTM) and name.startswith("bias_ih"):
                nn.init.ones_(parameter[hidden : 2 * hidden])  # the order of gates is input, forget, cell, output


def initialise_memory(stack: nn.RNNBase, longest: float) -> None:
    """Draw gate biases such that each unit's time constant is 1 to `longest` recurrent steps.

    Chrono initialisation (Tallec and Ollivier 2018): a gate with the bias log(span) retains span / (1 + span) of the
    state at each step. The input gate of an LSTM gets the opposite bias.
    """
    hidden = stack.hidden_size
    for name, bias in stack.named_parameters():
        if name.startswith("bias_ih"):
            retain = torch.empty(hidden).uniform_(1, max(1.0, longest - 1)).log()
            with torch.no_grad():
                bias[hidden : 2 * hidden] = retain  # both LSTM and GRU have the retaining gate second
                if isinstance(stack, nn.LSTM):
                    bias[:hidden] = -retain


def _initialise_square(weights: Tensor, kind: Initialisation) -> None:
    """Set recurrent weights (hidden, hidden): orthogonal (Saxe et al. 2014) or the identity (Le et al. 2015)."""
    match kind:
        case "orthogonal":
            nn.init.orthogonal_(weights)
        case "xavier":
            nn.init.xavier_uniform_(weights)
        case "identity":
            nn.init.eye_(weights)
        case _:
            assert_never(kind)
