"""Losses of an update, and divergence."""

import numpy as np
import pytest
import torch

from rnncli.config.sections import Columns, Training
from rnncli.errors import TrainingError
from rnncli.network.network import Network
from rnncli.training.loop import Objective, check_losses, penalised_loss
from rnncli.training.losses import LossWeights
from rnncli.windows.windows import Windows
from tests.conftest import hourly
from tests.frames import from_frame
from tests.network.test_network import design


@pytest.mark.parametrize("broken", [np.nan, np.inf])
def test_the_first_loss_that_is_not_finite_is_named(broken: float) -> None:
    with pytest.raises(TrainingError, match="at step 3"):
        check_losses(torch.tensor([1.0, 0.9, broken, 0.8, broken]))


def test_losses_that_grow_a_hundredfold_are_an_error() -> None:
    with pytest.raises(TrainingError, match="grew from 1 to 101 at step 20"):
        check_losses(torch.tensor([1.0] * 10 + [101.0] * 10))


def test_falling_losses_are_no_error() -> None:
    check_losses(torch.linspace(2, 0.1, 50))


def test_losses_that_start_at_zero_are_no_error() -> None:
    check_losses(torch.tensor([0.0] * 10 + [3.0] * 10))  # the first windows were all constant


def test_the_activation_penalty_is_the_mean_square_of_the_encoder_outputs() -> None:
    panel = from_frame(hourly(), Columns())
    torch.manual_seed(0)
    network = Network(design(), 1).eval()
    windows = Windows(panel, network.context, network.architecture.horizon, torch.device("cpu"), with_calendar=False)
    batch = windows.batch(torch.tensor([0, 1]), torch.tensor([60, 100]))
    outputs = network.trace(batch.past, batch.step, batch.covariates).outputs

    @torch.no_grad()
    def loss(penalty: float) -> float:
        objective = Objective(LossWeights("quantiles", 24, ()), Training(activation_penalty=penalty))
        return float(penalised_loss(network, batch, objective).loss)

    assert loss(0.5) - loss(0.0) == pytest.approx(0.5 * outputs.detach().square().mean().item(), rel=1e-4)
