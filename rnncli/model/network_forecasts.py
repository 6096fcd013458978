"""Forecast with the networks of a model: batches of windows, their ensemble, and how many windows fit into memory."""

import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from rnncli.model.card import Card
from rnncli.model.ensemble import ensemble_forecast
from rnncli.model.outputs import OutputBatch
from rnncli.network import encoder_states
from rnncli.network.network import Network
from rnncli.network.tensors import CarriedState
from rnncli.panel import Cutoffs, Panel
from rnncli.windows.batch import Batch
from rnncli.windows.windows import Windows

STATES = 8  # values stored by a recurrent step for each unit: gates, states, outputs
VALUES_AT_ONCE = 20_000_000  # of one batch of forecasts: bounds its memory to some hundred megabytes
MAX_BATCH = 4096

Transform = Callable[[Batch], Batch]


class Ensemble(NamedTuple):
    """The networks of a model, and what their windows must contain."""

    card: Card
    networks: tuple[Network, ...]
    levels: np.ndarray  # (Q,) that they were trained for
    context: int  # steps of each window, at least
    mixed_series: np.ndarray | None  # (S,) index in the panel of each series that they mix


@torch.inference_mode()
def ensemble_batches(
    ensemble: Ensemble,
    panel: Panel,
    cutoffs: Cutoffs,
    levels: np.ndarray,
    device: torch.device,
    take_mean: bool,
    transform: Transform | None,
) -> Iterator[OutputBatch]:
    """Yield the forecasts of the ensemble at levels (P,), which include the trained ones, some cutoffs at a time."""
    networks = [network.to(device).eval() for network in ensemble.networks]
    rows = int(cutoffs.rows.max(initial=0)) if transform else 0  # transformed series are read from their first row
    windows = _windows(ensemble, panel, rows, device)
    trained = 1 + torch.from_numpy(np.flatnonzero(np.isin(levels, ensemble.levels)))  # column 0: the point
    wanted, size = torch.from_numpy(levels), _batch_size(ensemble, rows)
    for number, batch in enumerate(windows.at(cutoffs, size)):
        chosen = slice(number * size, (number + 1) * size)
        part = Cutoffs(cutoffs.series[chosen], cutoffs.rows[chosen])
        batch, members = batch if transform is None else transform(batch), []
        for network in networks:
            carried = None if transform else encoder_states.carried_to(network, windows, part.series, part.rows)
            members.append(_forecast(network, network.past_steps(rows), batch, carried, wanted, take_mean))
        output = ensemble_forecast(members, ensemble.card.seen.counts, trained).cpu().numpy()
        yield OutputBatch(part, output, batch.past.cpu().double().numpy())


def transformed_windows(
    panel: Panel, cutoffs: Cutoffs, context: int, horizon: int, size: int, transform: Transform
) -> Iterator[tuple[Cutoffs, np.ndarray]]:
    """Yield some cutoffs at a time with their transformed windows (N, L, K)."""
    windows = Windows(panel, context, horizon, torch.device("cpu"))
    for number, batch in enumerate(windows.at(cutoffs, size)):
        chosen = slice(number * size, (number + 1) * size)
        part = Cutoffs(cutoffs.series[chosen], cutoffs.rows[chosen])
        yield part, transform(batch).past.double().numpy()


def _windows(ensemble: Ensemble, panel: Panel, rows: int, device: torch.device) -> Windows:
    """Return the windows that all networks take; rows: before the latest cutoff."""
    calendar = any(member.architecture.calendar for member in ensemble.card.members)
    context = max(ensemble.context, *(network.past_steps(rows) for network in ensemble.networks))
    return Windows(panel, context, ensemble.card.horizon, device, calendar, ensemble.mixed_series)


def _batch_size(ensemble: Ensemble, rows: int) -> int:
    """Return the number of windows to forecast at once; rows: before the latest cutoff."""
    sizes = []
    for network in ensemble.networks:
        architecture, context = network.architecture, network.past_steps(rows)
        outputs = architecture.horizon * len(ensemble.levels) * len(ensemble.networks)
        values = (context + outputs) * network.targets
        states = (context + architecture.horizon) // architecture.segment * architecture.hidden * STATES
        if architecture.traits.context_copies and network.decoder.repeats_state:
            states *= math.ceil(architecture.horizon / architecture.segment)
        mixed = architecture.context * len(ensemble.card.seen.together) if architecture.mix else 0
        sizes.append(values + states + mixed)
    return min(MAX_BATCH, max(1, VALUES_AT_ONCE // max(sizes)))


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
