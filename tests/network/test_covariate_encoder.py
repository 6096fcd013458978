"""Covariates: scaled to unit size, without values from the future, and where they enter a forecast."""

from typing import cast

import numpy as np
import pandas as pd
import pytest
import torch

from rnncli.config.architecture import Architecture, Covariate, InputSpec
from rnncli.config.base_forecasts import BaseName
from rnncli.config.fields import DecoderName
from rnncli.config.sections import Columns, Training
from rnncli.config.sections import NetworkOptions as Asked
from rnncli.network.covariate_encoder import CovariateEncoder, residual_amounts
from rnncli.network.network import Network
from rnncli.panel import Cutoffs
from rnncli.planning.plan import make_plan
from rnncli.training import loop, train_network
from rnncli.training.losses import LossWeights
from rnncli.training.task import TrainingTask
from rnncli.windows.batch import Batch, CovariateBatch
from rnncli.windows.windows import SeriesData, Windows
from tests.conftest import hourly
from tests.frames import from_frame
from tests.network.test_network import design

CPU = torch.device("cpu")
KINDS = Covariate(name="sky", role="known", categories=("rain", "sun"))
PRICE = Covariate(name="price", role="known", level=5.0, spread=2.0, within=1.0)
VISITS = Covariate(name="visits", role="past", level=50.0, spread=20.0, within=10.0)
SIZE = Covariate(name="size", role="static", level=500.0, spread=400.0)
CITY = Covariate(name="city", role="static", categories=("Bonn", "Cork"))
EVERYTHING = InputSpec((PRICE, KINDS, VISITS, SIZE, CITY), calendar=4)


def inputs(told: InputSpec = EVERYTHING, **changes: object) -> CovariateEncoder:
    torch.manual_seed(0)
    return CovariateEncoder(design(**changes), told).eval()


def beside(batch: int = 3, steps: int = 17) -> CovariateBatch:
    generator = torch.Generator().manual_seed(1)
    price, visits = (torch.rand(batch, steps, 1, generator=generator).double() for _ in range(2))
    sky = torch.randint(0, 3, (batch, steps, 1), generator=generator).double()
    fixed = torch.stack([torch.tensor([100.0, 500, 900])[:batch], torch.tensor([1.0, 2, 0])[:batch]], dim=1).double()
    calendar = torch.rand(batch, steps, 4, generator=generator)
    return CovariateBatch(torch.cat([4 + 2 * price, sky, 40 + 20 * visits], dim=-1), fixed, calendar)


def test_amounts_are_scaled_by_the_window_and_by_all_series() -> None:
    given = beside()
    features = inputs(calendar=False)(given, 12)

    price = given.varying[..., 0].numpy()
    centre, moved = price[:, :12].mean(axis=1, keepdims=True), price[:, :12].var(axis=1, keepdims=True)
    assert np.allclose(features.read[..., 0].detach(), (price - centre) / np.sqrt(moved + 0.01), atol=1e-4)
    assert np.allclose(features.absolute[..., 0], (price - 5) / 2, atol=1e-6)


def test_missing_values_are_zero_with_an_indicator_for_columns_with_gaps() -> None:
    given = beside()
    given.varying[1, 3:5, 0] = torch.nan
    told = InputSpec((PRICE.model_copy(update={"gaps": True}), KINDS, VISITS))

    features = inputs(told, calendar=False)(given, 12)

    assert features.read.isfinite().all()
    assert (features.read[1, 3:5, 0] == 0).all()
    assert (features.read[:, :, 2] == 1).nonzero().tolist() == [[1, 3], [1, 4]]


def test_a_larger_shop_with_the_same_changes_has_the_same_features() -> None:
    given, larger = beside(), beside()
    larger.varying[..., 0] = 1e6 + 30 * larger.varying[..., 0]
    still = Covariate(name="price", role="known", level=0.0, spread=1e6, within=1e-9)

    one, other = (inputs(InputSpec((still, KINDS, VISITS)))(each, 12).amounts for each in (given, larger))

    assert torch.allclose(one, other, atol=0.2)


@pytest.mark.parametrize("base", ["last", "seasonal"])
def test_residual_amounts_are_those_less_their_base_forecast(base: BaseName) -> None:
    built = Network(design(base=base), 1)
    amounts = torch.rand(2, 17, 1)

    lag = {"last": [1, 2, 3, 4, 5], "seasonal": [4, 4, 4, 4, 8]}[base]
    expected = torch.stack([amounts[:, 12 + step] - amounts[:, 12 + step - lag[step]] for step in range(5)], dim=1)
    assert torch.allclose(residual_amounts(amounts, 12, built.base), expected)


def network(decoder: DecoderName = "parallel", told: InputSpec = EVERYTHING, **changes: object) -> Network:
    torch.manual_seed(2)
    built = Network(design(decoder=decoder, calendar=True, **changes), 1, told).eval()
    with torch.no_grad():
        for parameter in built.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return built


def forecast(built: Network, past: torch.Tensor, told: CovariateBatch) -> torch.Tensor:
    with torch.no_grad():
        return built(past, torch.full((len(past),), 100), told).quantiles


@pytest.mark.parametrize("decoder", ["parallel", "direct", "recursive"])
def test_known_future_values_change_the_forecast_and_others_do_not(decoder: DecoderName) -> None:
    built, past, told = network(decoder), torch.randn(3, 12, 1).double(), beside()
    before = forecast(built, past, told)

    for column, moves in ((0, True), (1, True), (2, False)):
        changed = told.varying.clone()
        changed[:, 12:, column] = changed[:, 12:, column].flip(1) + (column != 1)
        after = forecast(built, past, CovariateBatch(changed, told.static, told.calendar))
        assert torch.equal(before, after) != moves


@pytest.mark.parametrize("column", [0, 1, 2])
def test_the_past_of_every_column_changes_the_forecast(column: int) -> None:
    built, past, told = network(), torch.randn(3, 12, 1).double(), beside()
    changed = told.varying.clone()
    changed[:, :12, column] = changed[:, :12, column].flip(1)

    assert not torch.equal(forecast(built, past, told), forecast(built, past, told._replace(varying=changed)))


def test_a_network_without_covariates_reads_none() -> None:
    built, past, told = network(covariates=False), torch.randn(3, 12, 1).double(), beside()
    other = told._replace(varying=told.varying.flip(0) + 1, static=told.static.flip(0))

    assert torch.equal(forecast(built, past, told), forecast(built, past, other))
    dated = other._replace(calendar=torch.rand_like(cast(torch.Tensor, told.calendar)))
    assert not torch.equal(forecast(built, past, told), forecast(built, past, dated))


@pytest.mark.parametrize("column", [0, 1])
def test_static_covariates_change_the_forecast(column: int) -> None:
    built, past, told = network(), torch.randn(3, 12, 1).double(), beside()
    changed = told.static.clone()
    changed[:, column] = changed[:, column].flip(0)

    after = forecast(built, past, told._replace(static=changed))

    assert not torch.equal(forecast(built, past, told)[0], after[0])
    assert torch.equal(forecast(built, past, told)[1], after[1])  # what the middle one is stays


def test_a_network_without_a_calendar_ignores_it() -> None:
    torch.manual_seed(0)
    built = Network(design(calendar=False), 1, EVERYTHING).eval()
    past, told = torch.randn(3, 12, 1).double(), beside()

    assert torch.equal(forecast(built, past, told), forecast(built, past, told._replace(calendar=None)))


@pytest.mark.parametrize("decoder", ["parallel", "direct", "recursive"])
def test_covariates_after_a_boundary_do_not_reach_its_forecast(decoder: DecoderName) -> None:
    """But for the measure of the amounts, which is that of the first context."""
    built = network(decoder)
    past, told = torch.randn(3, 18, 1).double(), beside(steps=23)
    changed = told.varying.clone()
    changed[:, 12:, 2] += 7.0

    first = forecast(built, past, told)[:3]

    assert torch.equal(first, forecast(built, past, told._replace(varying=changed))[:3])


@pytest.mark.parametrize("changed", ["price", "visits", "y"])
def test_only_known_covariates_after_the_cutoff_change_a_window(changed: str) -> None:
    frame = hourly(series=2, days=6)
    generator = np.random.default_rng(0)
    frame["price"], frame["visits"] = generator.random((2, len(frame)))
    asked = Columns(known=("price",), past=("visits",))
    cutoffs = Cutoffs(np.arange(2), np.array([100, 100]))
    told = InputSpec((PRICE, VISITS))
    torch.manual_seed(4)
    built = Network(Architecture.model_validate(design().model_dump() | {"calendar": False}), 1, told).eval()

    def quantiles(table: pd.DataFrame) -> torch.Tensor:
        (batch,) = Windows(from_frame(table, asked), 12, 5, CPU).at(cutoffs, 10)
        return forecast_of(built, batch)

    late = frame.copy()
    beyond = 105 if changed == "price" else 100  # what is known in advance is known of the horizon
    late.loc[(late.index % 144) >= beyond, changed] += 3.0
    assert torch.equal(quantiles(frame), quantiles(late))


def forecast_of(built: Network, batch: Batch) -> torch.Tensor:
    with torch.no_grad():
        return built(batch.past, batch.step, batch.covariates).quantiles


def test_a_network_learns_from_known_future_values() -> None:
    generator = np.random.default_rng(0)
    frame = hourly(series=4, days=12)
    frame["heat"] = generator.standard_normal(len(frame))
    frame["y"] += 4 * frame["heat"]

    errors = []
    for known in ((), ("heat",)):
        panel = from_frame(frame, Columns(target=("y",), known=known))
        asked, settings = Asked(horizon=6, hidden=8, context=48, segment=6, season=24), Training(steps=200)
        plan = make_plan(panel, asked, settings)
        split = plan.split
        task = TrainingTask(
            *(plan.architecture, plan.inputs, settings, 24, 0, plan.steps, np.inf),
            *(split.first, split.last, split.validation),
        )
        trained = train_network.train(task, SeriesData.of(panel, 6), CPU, lambda _: None)
        (batch,) = Windows(panel, 48, 6, CPU).at(split.validation, 10_000)
        errors.append(float(np.abs(trained.quantiles[..., 4] - batch.future.numpy()).mean()))

    assert errors[1] < 0.5 * errors[0]


def test_rows_of_weight_zero_add_no_loss() -> None:
    frame = hourly(series=2, days=6)
    frame["w"] = np.where(frame.index % 144 < 100, 1.0, 0.0)
    panel = from_frame(frame, Columns(weight="w"))
    asked, settings = Asked(horizon=6, hidden=8, context=24, segment=6, season=24), Training()
    built = Network(make_plan(panel, asked, settings).architecture, 1)
    goal = loop.Objective(LossWeights("quantiles", 24, ()), settings)

    def count(row: int) -> float:
        (batch,) = Windows(panel, 24, 6, CPU, with_calendar=False).at(Cutoffs(np.array([0]), np.array([row])), 1)
        return float(loop.batch_loss(built, batch, goal)[1])

    assert count(110) == 0.0
    assert count(60) > count(97) > 0
