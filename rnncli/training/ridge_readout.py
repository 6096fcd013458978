"""The readout of an echo state network, solved in closed form.

Ridge regression (Hoerl and Kennard 1970) from the last state of the reservoir (Jaeger 2001) and from the context to the
residuals of the base forecast. The quantiles are those of its errors on the newest windows.
"""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from rnncli.config.cells import INPUT_SCALE
from rnncli.errors import TrainingError
from rnncli.network.cells import EchoState
from rnncli.network.network import Network
from rnncli.windows.samplers import Sampler
from rnncli.windows.windows import Windows

MAX_WINDOWS = 4096  # forecasts in the linear system
MAX_VALUES = 40_000_000  # in the linear system
CHUNK = 64  # windows in the reservoir at once
NEWEST_SHARE = 0.2  # of the windows: the newest choose the penalty and give the errors
PENALTIES = 10.0 ** np.arange(-12, 2)  # relative to the mean square of the features
MIN_GAP = 1e-4  # between neighbouring quantiles, at unit scale


class LinearSystem(NamedTuple):
    """Features and targets of the regression, the newest window last."""

    features: Tensor  # (N, K, D) float64
    targets: Tensor  # (N, K, H) float64
    age: Tensor  # (N,) steps from a window to the newest of its series


class RidgeSolution(NamedTuple):
    """A linear map from features (N, K, D) to targets (N, K, H)."""

    weights: Tensor  # (D, H)
    level: Tensor  # (K, H)

    def predict(self, features: Tensor) -> Tensor:
        """Return targets (N, K, H)."""
        return features @ self.weights + self.level


@torch.inference_mode()
def fit_readout(network: Network, windows: Windows, sampler: Sampler, generator: torch.Generator) -> None:
    """Draw the reservoir from the random numbers of the process, and solve for the readout.

    Raise TrainingError if no window is complete.
    """
    assert isinstance(network.encoder, EchoState)
    network.encoder.draw()
    network.embedding.weight.mul_(network.architecture.input_scale or INPUT_SCALE)
    network.eval()
    system = linear_system(network, windows, select_windows(network, windows, sampler, generator))
    newest = int(np.ceil(NEWEST_SHARE * len(system.age)))
    early = system.age > system.age[-newest] + network.architecture.horizon  # their horizons end before the newest
    if 2 * int(early.sum()) < len(early):  # the series are too short for a gap of a horizon
        early = torch.arange(len(early), device=early.device) < max(1, len(early) - newest)
    features, targets = system.features[-newest:], system.targets[-newest:]
    solutions = solve(system.features[early], system.targets[early], PENALTIES)
    errors = [float((solution.predict(features) - targets).abs().mean()) for solution in solutions]
    best = int(np.argmin(errors))
    (solution,) = solve(system.features, system.targets, PENALTIES[best : best + 1])
    _set_readout(network, solution, targets - solutions[best].predict(features))


def solve(features: Tensor, targets: Tensor, penalties: np.ndarray) -> list[RidgeSolution]:
    """Return the ridge regression for each penalty, which is relative to the mean square of the features."""
    mean_features, mean_targets = features.mean(dim=0), targets.mean(dim=0)  # (K, D), (K, H)
    x, y = (features - mean_features).flatten(0, 1), (targets - mean_targets).flatten(0, 1)
    variances, axes = torch.linalg.eigh(x.T @ x / len(x))  # (D,), (D, D)
    projected = axes.T @ (x.T @ y / len(x))  # (D, H)
    unit = variances.mean().clamp(min=torch.finfo(variances.dtype).tiny)
    solutions = []
    for penalty in penalties:
        weights = axes @ (projected / (variances.clamp(min=0) + penalty * unit).unsqueeze(-1))
        solutions.append(RidgeSolution(weights, mean_targets - mean_features @ weights))
    return solutions


class SelectedWindows(NamedTuple):
    """Windows to solve for, the oldest first."""

    series: Tensor  # (N,) int64
    cutoffs: Tensor  # (N,) int64
    age: Tensor  # (N,) steps to the newest window of the series


def select_windows(network: Network, windows: Windows, sampler: Sampler, generator: torch.Generator) -> SelectedWindows:
    """Return all training windows, or a random sample if there are too many."""
    architecture = network.architecture
    width = network.targets * (network.targets * architecture.hidden + architecture.context)
    boundaries = 1 + (windows.context - architecture.context) // architecture.segment  # forecasts of each window
    most = max(1, min(MAX_WINDOWS, MAX_VALUES // width) // boundaries)
    if int(sampler.count.sum()) <= most:
        series = sampler.series.repeat_interleave(sampler.count)
        begin = (sampler.count.cumsum(0) - sampler.count).repeat_interleave(sampler.count)
        cutoffs = torch.arange(len(series), device=series.device) - begin
        cutoffs = cutoffs + sampler.first.repeat_interleave(sampler.count)
    else:
        series, cutoffs = sampler.draw(most, generator)
    last = torch.zeros(int(sampler.series.max()) + 1, dtype=torch.int64, device=series.device)
    last[sampler.series] = sampler.first + sampler.count - 1
    age = last[series] - cutoffs
    order = age.argsort(descending=True, stable=True)
    return SelectedWindows(series[order], cutoffs[order], age[order])


def linear_system(network: Network, windows: Windows, selected: SelectedWindows) -> LinearSystem:
    """Return reservoir states and residuals, without windows that have a constant past or gaps in the horizon.

    Raise TrainingError if no window remains.
    """
    architecture, parts = network.architecture, []
    series, cutoffs, age = selected
    steps = architecture.segment if network.decoder.feeds_back else architecture.horizon
    for start in range(0, len(series), CHUNK):
        batch = windows.batch(series[start : start + CHUNK], cutoffs[start : start + CHUNK])
        view = network.decoder_input(batch.past, batch.step, batch.covariates)
        future = view.scale.apply_clipped(batch.futures(architecture.context, architecture.segment))
        targets = (future[:, :steps].to(view.base) - view.base[:, :steps]).double().mT  # (F * B, K, H)
        complete = targets.isfinite().all(dim=(1, 2)) & (view.scale.spread > 0).all(dim=(1, 2)).to(targets.device)
        boundaries = len(targets) // len(batch.past)
        earlier = torch.arange(boundaries, device=age.device).flip(0).repeat_interleave(len(batch.past))
        ages = age[start : start + CHUNK].repeat(boundaries) + earlier * architecture.segment
        features = _features(network, view.encoded.last[complete], view.residuals[complete])
        parts.append((features, targets[complete], ages[complete]))
    features, targets, ages = (torch.cat(column) for column in zip(*parts, strict=True))
    if not len(features):
        raise TrainingError(
            f"--cell {architecture.cell} requires windows with a varying past and all values of the horizon (found "
            "none). Use another --cell"
        )
    order = ages.argsort(descending=True, stable=True)
    return LinearSystem(features[order], targets[order], ages[order])


def _features(network: Network, state: Tensor, residuals: Tensor) -> Tensor:
    """Return states (N, 1, hidden) and residuals of the past (N, L, K) as features (N, K, D).

    Each target has its own weights of the state. The weights of its past are the same for all targets.
    """
    identity = torch.eye(network.targets, dtype=torch.float64, device=state.device)  # (K, K)
    parts = [torch.einsum("kj,nh->nkjh", identity, state[:, 0].double()).flatten(2)]
    if network.architecture.bypass:
        parts.append(residuals.nan_to_num(0.0).double().mT)
    return torch.cat(parts, dim=-1)


def _set_readout(network: Network, solution: RidgeSolution, errors: Tensor) -> None:
    """Set the weights of the readout to the solution, with the quantiles of its errors (N, K, H)."""
    targets, hidden, steps = network.targets, network.architecture.hidden, solution.weights.shape[1]
    head = network.head
    levels = torch.tensor(head.levels, dtype=errors.dtype, device=errors.device)
    quantiles = torch.quantile(errors, levels, dim=0).permute(2, 1, 0)  # (H, K, Q)
    bias = head.parameters(quantiles, MIN_GAP)  # (H, K, P)
    bias[..., head.median] += solution.level.T
    weight = network.readout.weight.new_zeros(steps, targets, head.width, hidden)
    state_weights = solution.weights[: targets * hidden].reshape(targets, hidden, steps)
    weight[:, :, head.median] = state_weights.permute(2, 0, 1).to(weight)
    network.readout.weight.copy_(weight.flatten(0, 2))
    network.readout.bias.copy_(bias.flatten())
    if network.architecture.bypass:
        network.bypass.weight.copy_(solution.weights[targets * hidden :].T)
