"""Optimisers and schedules follow their papers, computed in NumPy."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from rnncli.config.sections import Training
from rnncli.training.optimiser import Optimiser, penalty, rate_factor

STEPS = 12
WIDE = 1e6  # a limit on the gradient's norm that nothing reaches


class Point(nn.Module):
    """Two weights."""

    def __init__(self) -> None:
        super().__init__()
        self.place = nn.Parameter(torch.tensor([3.0, -2.0]))

    def height(self) -> Tensor:
        """Return a quadratic loss, ten times as steep in one direction."""
        return (torch.tensor([0.5, 5.0]) * self.place.square()).sum()


def slope(place: np.ndarray) -> np.ndarray:
    return np.array([1.0, 10.0]) * place


def settings(**asked: object) -> Training:
    return Training.model_validate({"schedule": "constant", "clip": WIDE, "learning_rate": 0.01} | asked)


def walked(training: Training, steps: int = STEPS) -> tuple[np.ndarray, list[float]]:
    """Return the weights after some steps, and the learning rate of each."""
    point, rates = Point(), []
    optimiser = Optimiser(point, training, steps)
    for _ in range(steps):
        rates.append(optimiser.optimiser.param_groups[0]["lr"])
        optimiser.step(point.height())
    return point.place.detach().numpy(), rates


def adam(decay: float) -> np.ndarray:
    place, first, second = np.array([3.0, -2.0]), np.zeros(2), np.zeros(2)
    for step in range(1, STEPS + 1):
        gradient = slope(place)
        place = place - 0.01 * decay * place
        first, second = 0.9 * first + 0.1 * gradient, 0.999 * second + 0.001 * gradient**2
        place = place - 0.01 * (first / (1 - 0.9**step)) / (np.sqrt(second / (1 - 0.999**step)) + 1e-8)
    return place


def with_momentum(share: float) -> np.ndarray:
    place, move = np.array([3.0, -2.0]), np.zeros(2)
    for _ in range(STEPS):
        move = share * move + slope(place)
        place = place - 0.01 * move
    return place


def rmsprop() -> np.ndarray:
    place, square = np.array([3.0, -2.0]), np.zeros(2)
    for _ in range(STEPS):
        square = 0.99 * square + 0.01 * slope(place) ** 2
        place = place - 0.01 * slope(place) / (np.sqrt(square) + 1e-8)
    return place


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"weight_decay": 0.5}, adam(0.5)),
        ({"optimiser": "adam"}, adam(0.0)),
        ({"optimiser": "sgd"}, with_momentum(0.9)),
        ({"optimiser": "sgd", "momentum": 0.3}, with_momentum(0.3)),
        ({"optimiser": "rmsprop"}, rmsprop()),
    ],
    ids=str,
)
def test_an_optimiser_follows_its_paper(asked: dict[str, object], expected: np.ndarray) -> None:
    assert np.allclose(walked(settings(**asked))[0], expected, atol=1e-5)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"schedule": "constant"}, np.full(12, 1.0)),
        ({"schedule": "step"}, np.repeat([1.0, 0.1, 0.01], 4)),
        ({"schedule": "cosine"}, (1 + np.cos(np.pi * np.arange(12) / 12)) / 2),
        ({"schedule": "constant", "warm_up": 0.5}, np.minimum(1, np.arange(1, 13) / 6)),
        (
            {"schedule": "cosine", "warm_up": 0.25},
            [(1 + np.cos(np.pi * n / 12)) / 2 * min(1, (n + 1) / 3) for n in range(12)],
        ),
    ],
    ids=str,
)
def test_a_schedule_gives_the_learning_rate_of_each_step(asked: dict[str, object], expected: np.ndarray) -> None:
    assert np.allclose(walked(settings(**asked))[1], 0.01 * np.asarray(expected))


@pytest.mark.parametrize(("warm_up", "peak"), [(None, 2), (0.0, 0), (0.5, 5)])
def test_a_one_cycle_rises_for_its_share_and_ends_near_zero(warm_up: float | None, peak: int) -> None:
    _, rates = walked(settings(schedule="one-cycle", warm_up=warm_up))

    assert int(np.argmax(rates)) == peak
    assert max(rates) == pytest.approx(0.01, rel=0.03)
    assert rates[-1] < 1e-6


@pytest.mark.parametrize("name", ["sgd", "rmsprop"])
def test_a_one_cycle_keeps_the_given_momentum(name: str) -> None:
    optimiser = Optimiser(Point(), settings(schedule="one-cycle", optimiser=name, momentum=0.4), STEPS)

    assert optimiser.optimiser.param_groups[0]["momentum"] == 0.4


def test_two_stalled_checks_reduce_the_rate_of_a_plateau_schedule_to_a_third() -> None:
    point = Point()
    optimiser = Optimiser(point, settings(schedule="plateau"), STEPS)
    rates = []
    for loss in (3.0, 2.0, 2.5, 2.0, 1.0, 1.0, 1.0):
        optimiser.record_validation(loss)
        optimiser.step(point.height())
        rates.append(optimiser.optimiser.param_groups[0]["lr"])

    assert np.allclose(rates, 0.01 * np.array([1, 1, 1, 1 / 3, 1 / 3, 1 / 3, 1 / 9]))


def test_clipping_by_value_limits_each_part_of_the_gradient_and_by_norm_its_length() -> None:
    still = {"optimiser": "sgd", "momentum": 0.0, "learning_rate": 1.0}
    by_value, _ = walked(settings(**still, clip_value=0.5), steps=1)
    by_norm, _ = walked(settings(**still, clip=0.5), steps=1)

    assert np.allclose(by_value, [3 - 0.5, -2 + 0.5])
    assert np.allclose(by_norm, np.array([3, -2]) - 0.5 * slope(np.array([3, -2])) / np.hypot(3, 20), atol=1e-5)


def test_penalties_are_sums_of_absolute_values_and_squares() -> None:
    weights = [nn.Parameter(torch.tensor([1.0, -2.0])), nn.Parameter(torch.tensor([[3.0]]))]

    assert torch.as_tensor(penalty(weights, settings(l1=0.1))).item() == pytest.approx(0.6, abs=1e-5)
    assert torch.as_tensor(penalty(weights, settings(l2=0.1))).item() == pytest.approx(1.4, abs=1e-5)
    assert penalty(weights, settings()) == 0


def test_schedules_start_at_the_peak_rate() -> None:
    assert rate_factor("step", 0.0) == rate_factor("cosine", 0.0) == rate_factor("plateau", 0.0) == 1.0


@pytest.mark.parametrize("steps", range(1, 9))
@pytest.mark.parametrize("warm_up", [None, 0.2, 0.5])
def test_a_warm_up_of_any_length_is_possible(steps: int, warm_up: float | None) -> None:
    network = nn.Linear(1, 1)
    optimiser = Optimiser(network, Training(warm_up=warm_up), steps)

    for _ in range(steps):
        optimiser.step(network(torch.ones(1, 1)).sum())

    assert all(parameter.isfinite().all() for parameter in network.parameters())
