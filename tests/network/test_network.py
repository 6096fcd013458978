"""The whole network: which values its forecasts depend on, and that it composes its parts correctly."""

import pytest
import torch

from rnncli.config.architecture import Architecture
from rnncli.config.base_forecasts import BaseName
from rnncli.config.cells import CellName
from rnncli.config.fields import DecoderName, ScaleName
from rnncli.network.network import Network
from rnncli.network.quantile_head import QuantileHead
from rnncli.network.tensors import EncoderInput, Prediction
from rnncli.windows.batch import CovariateBatch

HEAD = QuantileHead()


def design(**changes: object) -> Architecture:
    plain = {
        "horizon": 5,
        "context": 12,
        "segment": 3,
        "season": 4,
        "base": "seasonal",
        "scale": "spread",
        "since": False,
        "calendar": False,
        "hidden": 8,
        "layers": 1,
        "initialisation": "orthogonal",
        "decoder": "parallel",
    }
    return Architecture.model_validate(plain | changes)


def network(targets: int = 1, **changes: object) -> Network:
    torch.manual_seed(1)
    built = Network(design(**changes), targets).eval()
    with torch.no_grad():
        for parameter in built.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return built


def forecast_of(built: Network, past: torch.Tensor) -> Prediction:
    """From step 100 of the clock."""
    with torch.no_grad():
        return built(past, torch.full((len(past),), 100), alone(past))


def alone(past: torch.Tensor) -> CovariateBatch:
    """Nothing is known beside the targets."""
    steps = past.shape[1] + design().horizon
    return CovariateBatch(torch.empty(len(past), steps, 0).double(), torch.empty(len(past), 0).double(), None)


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
@pytest.mark.parametrize("decoder", ["parallel", "direct", "recursive"])
@pytest.mark.parametrize("base", ["none", "last", "seasonal", "smoothing", "cycle"])
@pytest.mark.parametrize("scale", ["spread", "log", "mean"])
def test_every_combination_gives_ordered_quantiles_for_every_step_and_target(
    cell: CellName, decoder: DecoderName, base: BaseName, scale: ScaleName
) -> None:
    built = network(2, cell=cell, decoder=decoder, base=base, scale=scale, layers=2)
    past = torch.rand(4, 12, 2).double() + 1
    past[0, 3:6] = torch.nan

    forecast, measured = forecast_of(built, past)
    values = measured.undo(forecast)

    assert values.shape == (4, 5, 2, len(HEAD.levels))
    assert values.isfinite().all()
    assert (values.diff(dim=-1) >= 0).all()


@pytest.mark.parametrize("decoder", ["parallel", "direct", "recursive"])
def test_forecasting_a_line_of_the_data_gives_the_line_of_the_forecast(decoder: DecoderName) -> None:
    built = network(decoder=decoder)
    past = torch.randn(6, 12, 1).double()

    def forecast(values: torch.Tensor) -> torch.Tensor:
        quantiles, scale = forecast_of(built, values)
        return scale.undo(quantiles)

    assert torch.allclose(forecast(250 * past + 1e6), 250 * forecast(past) + 1e6, atol=1e-2)


def test_a_series_around_a_billion_is_forecast_as_well_as_around_zero() -> None:
    built = network()
    past = torch.randn(6, 12, 1).double()

    near, scale = forecast_of(built, past)
    far, far_scale = forecast_of(built, past + 1e9)

    assert torch.allclose(scale.undo(near), far_scale.undo(far) - 1e9, atol=1e-3)


def test_the_forecast_of_one_window_does_not_depend_on_the_others() -> None:
    built = network()
    past = torch.randn(5, 12, 1).double()

    assert torch.allclose(forecast_of(built, past).quantiles[2:3], forecast_of(built, past[2:3]).quantiles, atol=1e-5)


def test_parallel_decoding_is_one_step_per_segment_from_the_last_state() -> None:
    built = network(base="none", bypass=False)
    past = torch.randn(2, 12, 1).double()
    scaled = forecast_of(built, past).scale.apply(past)
    inputs = torch.cat([scaled.reshape(2, 4, 3), torch.ones(2, 4, 3)], dim=-1)
    embedded = torch.nn.functional.gelu(built.embedding(inputs))
    _, state = built.encoder(embedded)

    pieces = [built.encoder(position.expand(2, 1, -1), state)[0] for position in built.positions]
    parameters = built.readout(torch.cat(pieces, dim=1)).reshape(2, -1, 1, len(HEAD.levels))[:, :5]

    expected = HEAD.quantiles(parameters, torch.zeros(2, 5, 1))
    assert torch.allclose(forecast_of(built, past).quantiles, expected, atol=1e-5)


def test_the_classic_recursive_network_feeds_its_median_back() -> None:
    built = network(segment=1, decoder="recursive", base="last", bypass=False)
    past = torch.randn(2, 12, 1).double()
    quantiles, scale = forecast_of(built, past)
    scaled = scale.apply(past)

    def run(values: torch.Tensor) -> torch.Tensor:
        inputs = torch.stack([values, torch.ones_like(values)], dim=-1).reshape(2, -1, 2)
        outputs, _ = built.encoder(torch.nn.functional.gelu(built.embedding(inputs)))
        parameters = built.readout(outputs[:, -1]).reshape(2, 1, -1)
        return HEAD.quantiles(parameters, scaled[:, -1])

    values = scaled.squeeze(-1)
    for step in range(5):
        expected = run(values)
        assert torch.allclose(quantiles[:, step], expected, atol=1e-4)
        values = torch.cat([values, expected[:, :, HEAD.median]], dim=1)


def test_in_training_a_recursive_network_feeds_drawn_values_back() -> None:
    built = network(segment=1, decoder="recursive", dropout=0.0)
    past, step = torch.randn(2, 12, 1).double(), torch.zeros(2)
    expected = forecast_of(built, past).quantiles

    built.train()
    first, second = (built(past, step, alone(past)).quantiles for _ in range(2))

    assert torch.equal(first[:, 0], expected[:, 0])
    assert (first[:, 1:] != second[:, 1:]).any()


def test_a_direct_network_reads_the_whole_horizon_from_the_last_output() -> None:
    built = network(decoder="direct", base="none", bypass=False)
    past = torch.randn(2, 12, 1).double()
    quantiles, scale = forecast_of(built, past)
    values = scale.apply(past)
    output, _ = built.encoder(
        built.embed(
            EncoderInput(values, torch.ones_like(values), None, values[..., :0], values[..., :0]), torch.zeros(2, 1, 8)
        )
    )

    parameters = built.readout(output[:, -1]).reshape(2, 5, 1, len(HEAD.levels))

    assert torch.allclose(quantiles, HEAD.quantiles(parameters, torch.zeros(2, 5, 1)), atol=1e-5)


def test_an_untrained_bypass_adds_nothing() -> None:
    torch.manual_seed(3)
    assert Network(design(), 1).bypass.weight.abs().max() == 0


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru", "tcn", "transformer"])
@pytest.mark.parametrize("base", ["none", "seasonal", "cycle"])
@pytest.mark.parametrize("decoder", ["parallel", "direct", "recursive", "encoder-decoder"])
def test_a_boundary_is_forecast_as_if_the_past_ended_there(
    cell: CellName, base: BaseName, decoder: DecoderName
) -> None:
    """But for the scale, which is that of the first context, and for an encoder that has come from further back."""
    built = network(cell=cell, base=base, decoder=decoder, layers=2, attention=True)
    past = torch.randn(4, 18, 1).double()

    quantiles, scale = forecast_of(built, past)

    first, first_scale = built(past[:, :12], torch.full((4,), 94), alone(past[:, :12]))
    assert quantiles.shape == (12, 5, 1, len(HEAD.levels))
    assert torch.allclose(quantiles[:4], first, atol=1e-5)
    assert torch.equal(scale.level, first_scale.level.repeat(3, 1, 1))


def test_what_follows_a_boundary_does_not_reach_its_forecast() -> None:
    built = network()
    past = torch.randn(4, 18, 1).double()
    changed = past.clone()
    changed[:, 15:] += 100

    one, other = (forecast_of(built, values).quantiles for values in (past, changed))

    assert torch.equal(one[:8], other[:8])
    assert not torch.equal(one[8:], other[8:])


@pytest.mark.parametrize("decoder", ["parallel", "direct", "recursive"])
def test_the_time_since_the_last_sale_changes_the_forecast(decoder: DecoderName) -> None:
    built = network(since=True, decoder=decoder, scale="mean", base="none", bypass=False)
    late, early = torch.zeros(2, 12, 1).double()
    late[7], early[6] = 3, 3  # the same segment and the same mean size

    one, other = (forecast_of(built, past.reshape(1, 12, 1)).quantiles for past in (late, early))

    assert one.isfinite().all()
    assert not torch.allclose(one, other)


def test_a_second_network_may_have_another_segment() -> None:
    built = network(decoder="encoder-decoder", decoder_segment=2)
    past = torch.randn(4, 12, 1).double()

    assert built.positions.shape == (3, 8)
    assert forecast_of(built, past).quantiles.shape == (4, 5, 1, len(HEAD.levels))


def test_attention_weights_are_returned_and_zero_after_the_cutoff() -> None:
    built = network(attention=True)
    past = torch.randn(4, 18, 1).double()

    with torch.no_grad():
        looked = built.trace(past, torch.full((4,), 100), alone(past)).attention

    assert looked is not None
    assert looked.shape == (12, 2, 6)  # three boundaries; two segments ahead; six back
    assert torch.allclose(looked.sum(dim=-1), torch.ones(12, 2), atol=1e-6)
    assert not looked[:4, :, 4:].any() and not looked[4:8, :, 5:].any()
    assert (looked[8:] > 0).all()
