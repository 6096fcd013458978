"""The whole network: what it may see, and that it computes what its parts say."""

import pytest
import torch

from rnncli import heads
from rnncli.config import Architecture, BaseName, CellName, DecoderName, ScaleName
from rnncli.network import Network, repeat_last_season


def design(**changes: object) -> Architecture:
    plain = {"horizon": 5, "context": 12, "segment": 3, "season": 4, "base": "seasonal", "scale": "spread", "hidden": 8}
    return Architecture.model_validate(plain | changes)


def network(targets: int = 1, **changes: object) -> Network:
    torch.manual_seed(1)
    built = Network(design(**changes), targets).eval()
    with torch.no_grad():
        for parameter in built.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return built


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
@pytest.mark.parametrize("decoder", ["parallel", "recursive"])
@pytest.mark.parametrize("base", ["none", "last", "seasonal"])
@pytest.mark.parametrize("scale", ["spread", "log", "mean"])
def test_every_combination_gives_ordered_quantiles_for_every_step_and_target(
    cell: CellName, decoder: DecoderName, base: BaseName, scale: ScaleName
) -> None:
    built = network(2, cell=cell, decoder=decoder, base=base, scale=scale, layers=2)
    past = torch.rand(4, 12, 2).double() + 1
    past[0, 3:6] = torch.nan

    forecast, measured = built(past)
    values = measured.undo(forecast)

    assert values.shape == (4, 5, 2, len(heads.LEVELS))
    assert values.isfinite().all()
    assert (values.diff(dim=-1) >= 0).all()


@pytest.mark.parametrize("decoder", ["parallel", "recursive"])
def test_forecasting_a_line_of_the_data_gives_the_line_of_the_forecast(decoder: DecoderName) -> None:
    built = network(decoder=decoder)
    past = torch.randn(6, 12, 1).double()

    def forecast(values: torch.Tensor) -> torch.Tensor:
        quantiles, scale = built(values)
        return scale.undo(quantiles)

    assert torch.allclose(forecast(250 * past + 1e6), 250 * forecast(past) + 1e6, atol=1e-2)


def test_a_series_around_a_billion_is_forecast_as_well_as_around_zero() -> None:
    built = network()
    past = torch.randn(6, 12, 1).double()

    near, scale = built(past)
    far, far_scale = built(past + 1e9)

    assert torch.allclose(scale.undo(near), far_scale.undo(far) - 1e9, atol=1e-3)


def test_the_forecast_of_one_window_does_not_depend_on_the_others() -> None:
    built = network()
    past = torch.randn(5, 12, 1).double()

    assert torch.allclose(built(past).quantiles[2:3], built(past[2:3]).quantiles, atol=1e-5)


def test_parallel_decoding_is_one_step_per_segment_from_the_last_state() -> None:
    built = network(base="none", bypass=False)
    past = torch.randn(2, 12, 1).double()
    scaled = built(past).scale.apply(past)
    inputs = torch.cat([scaled.reshape(2, 4, 3), torch.ones(2, 4, 3)], dim=-1)
    embedded = torch.nn.functional.gelu(built.embedding(inputs))
    _, state = built.encoder(embedded)

    pieces = [built.encoder(position.expand(2, 1, -1), state)[0] for position in built.positions]
    parameters = built.readout(torch.cat(pieces, dim=1)).reshape(2, -1, 1, len(heads.LEVELS))[:, :5]

    expected = heads.quantiles(parameters, torch.zeros(2, 5, 1))
    assert torch.allclose(built(past).quantiles, expected, atol=1e-5)


def test_the_classic_recursive_network_feeds_its_median_back() -> None:
    built = network(segment=1, decoder="recursive", base="last", bypass=False)
    past = torch.randn(2, 12, 1).double()
    quantiles, scale = built(past)
    scaled = scale.apply(past)

    def run(values: torch.Tensor) -> torch.Tensor:
        inputs = torch.stack([values, torch.ones_like(values)], dim=-1).reshape(2, -1, 2)
        outputs, _ = built.encoder(torch.nn.functional.gelu(built.embedding(inputs)))
        parameters = built.readout(outputs[:, -1]).reshape(2, 1, -1)
        return heads.quantiles(parameters, scaled[:, -1])

    values = scaled.squeeze(-1)
    for step in range(5):
        expected = run(values)
        assert torch.allclose(quantiles[:, step], expected, atol=1e-4)
        values = torch.cat([values, expected[:, :, heads.MEDIAN]], dim=1)


def test_an_untrained_bypass_adds_nothing() -> None:
    torch.manual_seed(3)
    assert Network(design(), 1).bypass.weight.abs().max() == 0


def test_the_last_season_is_repeated_with_gaps_filled_from_the_season_before() -> None:
    past = torch.tensor([1.0, 2, 3, 4, 5, torch.nan, 7, 8]).reshape(1, 8, 1)

    assert repeat_last_season(past, 4, 6).flatten().tolist() == [5.0, 2.0, 7.0, 8.0, 5.0, 2.0]


def test_a_season_that_does_not_divide_the_context_keeps_its_phase() -> None:
    past = torch.arange(8.0).reshape(1, 8, 1)

    assert repeat_last_season(past, 3, 4).flatten().tolist() == [5.0, 6.0, 7.0, 5.0]
