"""Compute the networks of a model in torch, on any device."""

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from rnncli.model.card import Card
from rnncli.network import encoder_states
from rnncli.network.network import Network
from rnncli.network.tensors import CarriedState
from rnncli.panel import Cutoffs
from rnncli.windows.batch import Batch
from rnncli.windows.windows import Windows

STATES = 8  # values stored by a recurrent step for each unit: gates, states, outputs
VALUES_AT_ONCE = 20_000_000  # of one batch of forecasts: bounds its memory to some hundred megabytes
MAX_BATCH = 4096


class TorchEngine:
    """The networks of a model on a device."""

    def __init__(self, card: Card, networks: Sequence[Network], device: torch.device, rows: int | None) -> None:
        """rows: before the latest cutoff, if the series are read from their first row instead of from stored states."""
        self.card, self.device, self._rows = card, device, rows
        self.networks = [network.to(device).eval() for network in networks]

    @property
    def context(self) -> int:
        """Steps of the past that the networks take."""
        return max(network.past_steps(self._rows or 0) for network in self.networks)

    @property
    def batch_size(self) -> int:
        """Windows to forecast at once."""
        sizes = []
        for network in self.networks:
            architecture, context = network.architecture, network.past_steps(self._rows or 0)
            outputs = architecture.horizon * len(network.head.levels) * len(self.networks)
            values = (context + outputs) * network.targets
            states = (context + architecture.horizon) // architecture.segment * architecture.hidden * STATES
            if architecture.traits.context_copies and network.decoder.repeats_state:
                states *= math.ceil(architecture.horizon / architecture.segment)
            mixed = architecture.context * len(self.card.seen.together) if architecture.mix else 0
            sizes.append(values + states + mixed)
        return min(MAX_BATCH, max(1, VALUES_AT_ONCE // max(sizes)))

    @torch.inference_mode()
    def members(
        self, windows: Windows, cutoffs: Cutoffs, batch: Batch, levels: np.ndarray, take_mean: bool
    ) -> list[np.ndarray]:
        """Return the point forecast and quantiles (B, H, K, 1 + P) of each network for the windows at some cutoffs."""
        wanted, found = torch.from_numpy(levels), []
        for network in self.networks:
            carried = None
            if self._rows is None:
                carried = encoder_states.carried_to(network, windows, cutoffs.series, cutoffs.rows)
            context = network.past_steps(self._rows or 0)
            found.append(_forecast(network, context, batch, carried, wanted, take_mean).cpu().numpy())
        return found


def _forecast(
    network: Network, context: int, batch: Batch, carried: CarriedState | None, levels: Tensor, take_mean: bool
) -> Tensor:
    """Return the point forecast and quantiles (B, H, K, 1 + P) of one network in the data's units.

    NaN if the network receives no value.
    """
    past = batch.past[:, batch.past.shape[1] - context :]
    covariates = batch.covariates.last_steps(context, network.architecture.horizon)
    quantiles, scale = network.trace(past, batch.step, covariates, carried).prediction
    quantiles = quantiles.to(past.device).double()
    point = network.head.point(scale.undo(quantiles), take_mean)
    empty = past.isnan().all(dim=1, keepdim=True) & (context > 0)  # (B, 1, K)
    if carried is not None:
        empty = empty & ~carried.begun.reshape(-1, 1, 1)
    output = torch.cat([point.unsqueeze(-1), scale.undo(network.head.at_levels(quantiles, levels))], dim=-1)
    return output.masked_fill(empty.unsqueeze(-1), torch.nan)
