"""The readout of an echo state network is a ridge regression on its states."""

import numpy as np
import pandas as pd
import pytest
import torch

from rnncli.config.sections import Columns
from rnncli.errors import TrainingError
from rnncli.network.network import Network
from rnncli.network.quantile_head import QuantileHead
from rnncli.training import ridge_readout
from rnncli.windows.samplers import Sampler
from rnncli.windows.windows import Windows
from tests.frames import from_frame
from tests.network.test_network import design

HEAD = QuantileHead()

LENGTH = 300
CPU = torch.device("cpu")


def windows(values: np.ndarray, names: list[str], forks: int = 0) -> Windows:
    """Return windows of two series."""
    frame = pd.DataFrame(values.reshape(2 * LENGTH, -1), columns=names)
    frame = frame.assign(id=np.repeat(["a", "b"], LENGTH), ds=np.tile(np.arange(LENGTH), 2))
    panel = from_frame(frame, Columns(id="id", time="ds", target=tuple(names)))
    return Windows(panel, 12 + 3 * forks, 5, CPU)


def fitted(cut: Windows, targets: int, **changes: object) -> Network:
    torch.manual_seed(0)
    network = Network(design(cell="esn", hidden=20, **changes), targets)
    sampler = Sampler(np.full(2, 40), np.full(2, LENGTH - 5), CPU)
    ridge_readout.fit_readout(network, cut, sampler, torch.Generator().manual_seed(0))
    return network


def waves(targets: int, noise: float = 0.1) -> np.ndarray:
    generator = np.random.default_rng(0)
    phases = generator.uniform(0, 6, (2, 1, targets))
    return np.sin(np.arange(LENGTH)[None, :, None] / 3 + phases) + noise * generator.normal(size=(2, LENGTH, targets))


def test_ridge_regression_solves_the_normal_equations() -> None:
    generator = np.random.default_rng(1)
    features, targets = generator.normal(3, 2, (40, 1, 6)), generator.normal(size=(40, 1, 4))

    (found,) = ridge_readout.solve(torch.from_numpy(features), torch.from_numpy(targets), np.array([0.1]))

    x, y = features[:, 0] - features[:, 0].mean(0), targets[:, 0] - targets[:, 0].mean(0)
    gram = x.T @ x / 40
    expected = np.linalg.solve(gram + 0.1 * np.trace(gram) / 6 * np.eye(6), x.T @ y / 40)
    assert np.allclose(found.weights.numpy(), expected)
    assert np.allclose(found.predict(torch.from_numpy(features)).mean(0).numpy(), targets.mean(0))


@pytest.mark.parametrize("targets", [1, 2])
@pytest.mark.parametrize("bypass", [True, False])
def test_the_network_forecasts_what_the_regression_does(targets: int, bypass: bool) -> None:
    cut = windows(waves(targets), ["y", "z"][:targets])
    network = fitted(cut, targets, decoder="direct", bypass=bypass)
    sampler = Sampler(np.full(2, 40), np.full(2, LENGTH - 5), CPU)
    selected = ridge_readout.select_windows(network, cut, sampler, torch.Generator())
    batch = cut.batch(selected.series, selected.cutoffs)
    with torch.no_grad():
        system = ridge_readout.linear_system(network, cut, selected)
        quantiles, scale = network(batch.past, batch.step, batch.covariates)
        left = scale.apply(batch.future).mT - system.targets  # (N, K, H): what base and scale leave to be forecast
        told = quantiles[..., HEAD.median].mT - left
        solutions = ridge_readout.solve(system.features, system.targets, ridge_readout.PENALTIES)
        differences = [told - solution.predict(system.features) for solution in solutions]

    # But for its level, which is the median of the errors, it is the map for one of the penalties.
    assert min(one.std(dim=0).max().item() for one in differences) < 1e-4
    assert (quantiles.diff(dim=-1) > 0).all()


def test_a_linear_process_is_forecast_exactly() -> None:
    cut = windows(waves(1, noise=0), ["y"])
    network = fitted(cut, 1, decoder="direct", base="none")
    batch = cut.batch(torch.tensor([0, 1]), torch.tensor([250, 270]))

    with torch.no_grad():
        quantiles, scale = network(batch.past, batch.step, batch.covariates)

    made = scale.undo(quantiles[..., HEAD.median : HEAD.median + 1]).squeeze(-1)
    assert torch.allclose(made, batch.future, atol=2e-3)


def test_a_readout_for_one_segment_forecasts_the_horizon_recursively() -> None:
    cut = windows(waves(1, noise=0), ["y"], forks=4)
    recursive = {"decoder": "recursive", "base": "none", "bypass": False, "segment": 1}
    network = fitted(cut.with_context(16), 1, **recursive)
    batch = cut.with_context(12).batch(torch.tensor([0, 1]), torch.tensor([250, 270]))

    with torch.no_grad():
        quantiles, scale = network(batch.past, batch.step, batch.covariates)

    made = scale.undo(quantiles[..., HEAD.median : HEAD.median + 1]).squeeze(-1)
    assert torch.allclose(made, batch.future, atol=0.05)


def test_without_complete_windows_there_is_an_error() -> None:
    gone = np.where(np.arange(LENGTH)[None, :, None] % 4 == 0, np.nan, waves(1))

    with pytest.raises(TrainingError, match="--cell esn requires windows"):
        fitted(windows(gone, ["y"]), 1, decoder="direct")


def test_intervals_have_their_nominal_coverage() -> None:
    cut = windows(waves(1, noise=0.5), ["y"])
    network = fitted(cut, 1, decoder="direct")
    batch = cut.batch(torch.arange(40) % 2, 200 + torch.arange(40))

    with torch.no_grad():
        quantiles, scale = network(batch.past, batch.step, batch.covariates)

    actual = scale.apply(batch.future)
    low, high = (quantiles[..., HEAD.levels.index(level)] for level in (0.1, 0.9))
    assert ((low <= actual) & (actual <= high)).float().mean().item() == pytest.approx(0.8, abs=0.12)
