"""The read-out of an echo state network, solved for in closed form. No files, no printing, no gradient.

Linear regression with a penalty (Hoerl and Kennard 1970) from the reservoir's last state (Jaeger 2001), and beside it
from the past itself, to what the base forecast leaves; the quantiles are those of its errors on the newest windows.
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

MAX_WINDOWS = 4096  # forecasts solved for
MAX_VALUES = 40_000_000  # of the linear system, at once
CHUNK = 64  # windows that the reservoir reads at once
NEWEST_SHARE = 0.2  # share of the windows, the newest, that choose the penalty and tell the errors
PENALTIES = 10.0 ** np.arange(-12, 2)  # times the mean square of what is read
MIN_GAP = 1e-4  # between neighbouring quantiles, at unit scale


class LinearSystem(NamedTuple):
    """What to solve: targets from features, window by window, the newest last."""

    features: Tensor  # (N, K, D) float64
    targets: Tensor  # (N, K, H) float64
    age: Tensor  # (N,) steps that a window lies before the newest of its series


class RidgeSolution(NamedTuple):
    """A linear map: targets (N, K, H) are features (N, K, D) times weights, and a level."""

    weights: Tensor  # (D, H)
    level: Tensor  # (K, H)

    def of(self, features: Tensor) -> Tensor:
        """Targets (N, K, H)."""
        return features @ self.weights + self.level


@torch.inference_mode()
def fit_readout(network: Network, windows: Windows, sampler: Sampler, generator: torch.Generator) -> None:
    """Draw the reservoir and what leads into it from the random numbers of the process, and solve for the read-out.

    Raises TrainingError where no window has all its values.
    """
    assert isinstance(network.encoder, EchoState)
    network.encoder.draw()
    network.embedding.weight.mul_(network.architecture.input_scale or INPUT_SCALE)
    network.eval()
    system = _system(network, windows, *_places(network, windows, sampler, generator))
    newest = int(np.ceil(NEWEST_SHARE * len(system.age)))
    early = system.age > system.age[-newest] + network.architecture.horizon  # whose futures end before
    if 2 * int(early.sum()) < len(early):  # short series leave no room between
        early = torch.arange(len(early), device=early.device) < max(1, len(early) - newest)
    features, targets = system.features[-newest:], system.targets[-newest:]
    tried = solve(system.features[early], system.targets[early], PENALTIES)
    errors = [float((one.of(features) - targets).abs().mean()) for one in tried]
    best = int(np.argmin(errors))
    (solution,) = solve(system.features, system.targets, PENALTIES[best : best + 1])
    _read_out(network, solution, targets - tried[best].of(features))


def solve(features: Tensor, targets: Tensor, penalties: np.ndarray) -> list[RidgeSolution]:
    """For each penalty, relative to the features' mean square, the map with the smallest squared error and weights."""
    of_features, of_targets = features.mean(dim=0), targets.mean(dim=0)  # (K, D), (K, H)
    read, left = (features - of_features).flatten(0, 1), (targets - of_targets).flatten(0, 1)
    sizes, axes = torch.linalg.eigh(read.T @ read / len(read))  # (D,), (D, D)
    along = axes.T @ (read.T @ left / len(read))  # (D, H)
    unit = sizes.mean().clamp(min=torch.finfo(sizes.dtype).tiny)
    solutions = []
    for penalty in penalties:
        weights = axes @ (along / (sizes.clamp(min=0) + penalty * unit).unsqueeze(-1))
        solutions.append(RidgeSolution(weights, of_targets - of_features @ weights))
    return solutions


def _places(
    network: Network, windows: Windows, sampler: Sampler, generator: torch.Generator
) -> tuple[Tensor, Tensor, Tensor]:
    """Series, cutoffs and ages (N,) of the windows to solve for, the oldest first: all of them, or some of too many."""
    design = network.architecture
    width = network.targets * (network.targets * design.hidden + design.context)
    forks = 1 + (windows.context - design.context) // design.segment  # forecasts in each window
    most = max(1, min(MAX_WINDOWS, MAX_VALUES // width) // forks)
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
    return series[order], cutoffs[order], age[order]


def _system(network: Network, windows: Windows, series: Tensor, cutoffs: Tensor, age: Tensor) -> LinearSystem:
    """The windows read by the reservoir; those whose past never moved, or whose future has gaps, are left out."""
    design, parts = network.architecture, []
    told = design.segment if network.decoder.feeds_back else design.horizon
    for start in range(0, len(series), CHUNK):
        batch = windows.batch(series[start : start + CHUNK], cutoffs[start : start + CHUNK])
        view = network.decoder_input(batch.past, batch.step, batch.covariates)
        future = view.scale.apply_clipped(batch.futures(design.context, design.segment))
        targets = (future[:, :told].to(view.base) - view.base[:, :told]).double().mT  # (F * B, K, H)
        kept = targets.isfinite().all(dim=(1, 2)) & (view.scale.spread > 0).all(dim=(1, 2)).to(targets.device)
        forks = len(targets) // len(batch.past)
        older = torch.arange(forks, device=age.device).flip(0).repeat_interleave(len(batch.past)) * design.segment
        ages = age[start : start + CHUNK].repeat(forks) + older
        parts.append((_features(network, view.encoded.last[kept], view.residuals[kept]), targets[kept], ages[kept]))
    features, every, ages = (torch.cat(column) for column in zip(*parts, strict=True))
    if not len(features):
        raise TrainingError(
            "no window has all the values of its horizon and a past that moves, as --cell esn needs. Use another --cell"
        )
    order = ages.argsort(descending=True, stable=True)
    return LinearSystem(features[order], every[order], ages[order])


def _features(network: Network, state: Tensor, left: Tensor) -> Tensor:
    """States (N, 1, hidden) and pasts (N, L, K) as (N, K, D): each target has a map of its own of the state.

    The map of the past, its own one of each, is one for all.
    """
    own = torch.eye(network.targets, dtype=torch.float64, device=state.device)  # (K, K)
    parts = [torch.einsum("kj,nh->nkjh", own, state[:, 0].double()).flatten(2)]
    if network.architecture.bypass:
        parts.append(left.nan_to_num(0.0).double().mT)
    return torch.cat(parts, dim=-1)


def _read_out(network: Network, solution: RidgeSolution, errors: Tensor) -> None:
    """The solution as weights of the network, with the quantiles of its errors (N, K, H)."""
    head = network.head
    targets, hidden, steps = network.targets, network.architecture.hidden, solution.weights.shape[1]
    levels = torch.tensor(head.levels, dtype=errors.dtype, device=errors.device)
    spread = torch.quantile(errors, levels, dim=0).permute(2, 1, 0)  # (H, K, Q)
    bias = head.parameters(spread, MIN_GAP)  # (H, K, P)
    bias[..., head.median] += solution.level.T
    weight = network.readout.weight.new_zeros(steps, targets, head.width, hidden)
    own = solution.weights[: targets * hidden].reshape(targets, hidden, steps)
    weight[:, :, head.median] = own.permute(2, 0, 1).to(weight)
    network.readout.weight.copy_(weight.flatten(0, 2))
    network.readout.bias.copy_(bias.flatten())
    if network.architecture.bypass:
        network.bypass.weight.copy_(solution.weights[targets * hidden :].T)
