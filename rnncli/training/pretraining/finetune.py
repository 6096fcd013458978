"""Fine-tune the pretrained network on the training windows of a table."""

import math

import numpy as np
import torch

from rnncli.model.pretrained.forecaster import PretrainedForecaster
from rnncli.model.pretrained.network import Weights
from rnncli.model.pretrained.simple_forecasts import Seasons
from rnncli.model.pretrained.window_features import window_features
from rnncli.model.pretrained.window_forecasts import memory
from rnncli.panel import Cutoffs, Panel
from rnncli.panel.window_values import slice_windows
from rnncli.planning.validation_split import Split
from rnncli.training.pretraining.batches import draw_steps, in_scales
from rnncli.training.pretraining.torch_network import TorchNetwork, pinball_loss, update_weights

WINDOWS, LONG_WINDOWS = 128, 64  # of a batch, and of one of long windows
LONG_WINDOW = 300  # rows from which a window is long
LEARNING_RATE, WARM_UP = 5e-4, 10


def fine_tuned(
    forecaster: PretrainedForecaster, table: Panel, split: Split, horizon: int, updates: int, seed: int
) -> PretrainedForecaster:
    """Return the forecaster with weights after some updates on training windows, at a small learning rate."""
    rng = np.random.default_rng(seed)
    networks = [_network(weights) for weights in forecaster.members]
    parameters = [parameter for network in networks for parameter in network.parameters()]
    optimiser = torch.optim.AdamW(parameters, lr=LEARNING_RATE, weight_decay=0.0)
    seasons = max(forecaster.views, key=lambda view: view.weight).seasons
    size = WINDOWS if min(memory(seasons), int(table.lengths.max())) < LONG_WINDOW else LONG_WINDOWS
    counts = (split.last - split.first + 1).clip(min=0)
    for update in range(updates):
        warm, done = min(1.0, (update + 1) / WARM_UP), update / updates
        for group in optimiser.param_groups:
            group["lr"] = LEARNING_RATE * warm * 0.5 * (1 + math.cos(math.pi * done))
        series = rng.choice(len(counts), size, p=counts / counts.sum())
        rows = split.first[series] + (rng.random(size) * counts[series]).astype(np.int64)
        loss = _loss(networks, forecaster, table, Cutoffs(series, rows), seasons, horizon, rng)
        if loss is not None:
            update_weights(networks, optimiser, loss)
    return forecaster._replace(members=tuple(network.weights() for network in networks))


def _network(weights: Weights) -> TorchNetwork:
    """Return a network in torch."""
    network = TorchNetwork(weights["encoder.weight_hh_l0"].shape[1], weights["first.weight"].shape[0])
    network.load_state_dict({name: torch.from_numpy(value.copy()) for name, value in weights.items()})
    return network


def _loss(
    networks: list[TorchNetwork],
    forecaster: PretrainedForecaster,
    table: Panel,
    cutoffs: Cutoffs,
    seasons: Seasons,
    horizon: int,
    rng: np.random.Generator,
) -> torch.Tensor | None:
    """Return the sum of the networks' losses on the windows with a known past and future; None if there are none."""
    steps = draw_steps(rng, horizon)
    past = np.concatenate([part for _, part in forecaster.windows(table, cutoffs)])[:, -memory(seasons) :]
    future = slice_windows(table, cutoffs, 1, horizon).future[:, steps - 1]  # (N, H, K)
    flat_past = past.transpose(0, 2, 1).reshape(-1, past.shape[1])
    flat_future = future.transpose(0, 2, 1).reshape(-1, len(steps))
    usable = ~np.isnan(flat_past).all(axis=1) & ~np.isnan(flat_future).any(axis=1)
    if not usable.any():
        return None
    features = window_features(flat_past[usable], seasons, steps)
    actual = torch.from_numpy(in_scales(flat_future[usable], features))
    return torch.stack([pinball_loss(network(features), actual) for network in networks]).sum()
