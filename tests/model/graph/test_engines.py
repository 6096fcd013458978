"""Graphs forecast what torch forecasts, in batches of any size, for every design."""

import numpy as np
import pytest
import torch

from rnncli.config.architecture import Covariate, InputSpec
from rnncli.config.base_forecasts import BaseName
from rnncli.config.cells import CELLS, CellName
from rnncli.config.fields import DecoderName, ScaleName
from rnncli.model.graph import export, operators
from rnncli.model.graph.engine import graph_inputs
from rnncli.model.graph.evaluate import Program
from rnncli.model.graph.export import TOLERANCE, difference
from rnncli.model.networks import StoredNetworks
from rnncli.network.cells.echo_state import EchoState
from rnncli.network.network import Network
from rnncli.windows.batch import Batch, CovariateBatch, OtherSeries
from tests.network.test_network import design

COVARIATES = InputSpec(
    (
        Covariate(name="price", role="known", gaps=True),
        Covariate(name="rain", role="past"),
        Covariate(name="day", role="known", categories=("x", "y")),
        Covariate(name="kind", role="static", categories=("x", "y")),
        Covariate(name="size", role="static"),
    ),
    calendar=5,
    series=3,
)
PARTS: list[dict[str, object]] = [
    {"since": True},
    {"attention": True},
    {"mix": True},
    {"normalise": "layer"},
    {"normalise": "batch"},
    {"zoneout": 0.1},
    {"bidirectional": True, "layers": 2},
    {"residual": True, "layers": 2},
    {"convolution": 3},
    {"experts": 3},
    {"input_dropout": 0.1, "variational": True},
    {"context": 0, "base": "none", "scale": "global", "bypass": False},
    {"decoder_segment": 2, "decoder": "encoder-decoder"},
    {"cell": "rnn", "activation": "relu"},
    {"cell": "tcn", "attention": True},
    {"cell": "transformer", "attention": True},
]


def network(targets: int, inputs: InputSpec, **changes: object) -> Network:
    torch.manual_seed(1)
    built = Network(design(**changes), targets, inputs).eval()
    with torch.no_grad():
        for parameter in built.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
        if isinstance(built.encoder, EchoState):
            built.encoder.draw()
    return built


def batch_of(built: Network, inputs: InputSpec, size: int) -> Batch:
    """Random windows; among the first six one has a gap, one no value, one is constant, one large."""
    generator, plan = np.random.default_rng(size), built.architecture
    length, static = plan.context + plan.horizon, sum(each.role == "static" for each in inputs.inputs)
    past = generator.uniform(1, 2, (size, plan.context, built.targets))
    past[1:2, 2:5], past[2:3], past[3:4], past[4:5] = np.nan, np.nan, 3.0, 1e6 * past[4:5]
    varying = generator.integers(0, 2, (size, length, len(inputs.inputs) - static)).astype(np.float64)
    varying[1:2, 3] = np.nan
    calendar = generator.random((size, length, inputs.calendar), np.float32) if plan.calendar else None
    times = max(1, size // 2)
    others = generator.uniform(1, 2, (times, inputs.series, plan.context, 1)) if plan.mix else None
    numbers = np.arange(size)
    told = None if others is None else OtherSeries(others, numbers % times, numbers % (inputs.series + 1) - 1)  # type: ignore[arg-type]  # arrays in place of tensors
    covariates = CovariateBatch(varying, generator.integers(0, 2, (size, static)).astype(np.float64), calendar, told)  # type: ignore[arg-type]
    return Batch(past, past[:, :0], numbers + 1000, covariates, None)  # type: ignore[arg-type]


def check(built: Network, inputs: InputSpec) -> None:
    """The export compares seven windows; a single one is a batch too."""
    found = export.export([built], built.targets, inputs, batch_of(built, inputs, 7))
    assert found.problem is None
    (program,) = found.networks.programs
    assert difference(built, program, batch_of(built, inputs, 1)) <= TOLERANCE


BASES: tuple[BaseName, ...] = ("none", "last", "seasonal", "smoothing", "cycle")
SCALES: tuple[ScaleName, ...] = ("spread", "log", "mean")


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("decoder", ["parallel", "direct", "recursive", "encoder-decoder"])
def test_every_cell_agrees_with_torch(cell: CellName, decoder: DecoderName) -> None:
    for base, scale in zip(BASES, (*SCALES, *SCALES), strict=False):
        check(network(2, InputSpec(), cell=cell, decoder=decoder, base=base, scale=scale), InputSpec())


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("scale", [*SCALES, "global"])
@pytest.mark.parametrize("decoder", ["parallel", "recursive"])
def test_every_base_and_scale_agree_with_torch(base: BaseName, scale: ScaleName, decoder: DecoderName) -> None:
    check(network(2, InputSpec(), cell="gru", decoder=decoder, base=base, scale=scale), InputSpec())


@pytest.mark.parametrize("changes", PARTS, ids=[", ".join(part) for part in PARTS])
@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_every_part_of_a_network_agrees_with_torch(cell: CellName, changes: dict[str, object]) -> None:
    plan = {"cell": cell, "calendar": True} | changes
    for decoder in ("parallel", "recursive"):
        check(network(1, COVARIATES, **({"decoder": decoder} | plan)), COVARIATES)


def test_a_network_that_carries_its_state_over_has_no_graph() -> None:
    built = network(1, InputSpec(), scale="global", bptt=6)

    found = export.export([built], 1, InputSpec(), batch_of(built, InputSpec(), 3))

    assert found.problem == "it reads each series from its beginning (--bptt)"
    assert not found.networks.programs


def test_no_graph_is_stored_if_it_forecasts_other_values_than_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    built = network(1, InputSpec())
    monkeypatch.setitem(operators.OPERATORS, "linear", lambda values, weight, _bias: values @ weight.T)

    found = export.export([built], 1, InputSpec(), batch_of(built, InputSpec(), 3))

    assert found.problem is not None
    assert "differ from those of torch" in found.problem


def test_weights_are_inputs_so_that_networks_of_one_design_share_a_graph() -> None:
    pair = [network(1, InputSpec()) for _ in range(2)]
    with torch.no_grad():
        for parameter in pair[1].parameters():
            parameter.mul_(2)

    found = export.export(pair, 1, InputSpec(), batch_of(pair[0], InputSpec(), 3))

    assert len(found.networks.graphs) == 1
    one, other = found.networks.programs
    assert one.graph is other.graph
    before, after = (each.compute(inputs_of(pair[0]))[0] for each in (one, other))
    assert not np.allclose(before, after)


def inputs_of(built: Network) -> dict[str, np.ndarray]:
    return graph_inputs(batch_of(built, InputSpec(), 3), built.architecture.context, built.architecture.horizon)


def test_stored_networks_are_built_in_torch_when_asked_for() -> None:
    built = network(1, InputSpec())
    weights = {name: part.numpy() for name, part in built.state_dict().items()}

    stored = StoredNetworks([built.architecture], 1, InputSpec(), [weights])

    assert len(stored) == 1
    assert all(torch.equal(part, stored[0].state_dict()[name]) for name, part in built.state_dict().items())


def test_a_program_needs_the_weights_of_its_graph() -> None:
    built = network(1, InputSpec())
    (program,) = export.export([built], 1, InputSpec(), batch_of(built, InputSpec(), 3)).networks.programs
    weights = {name: part.numpy() for name, part in built.state_dict().items()}

    with pytest.raises(ValueError, match="the weights do not fit the graph"):
        Program(program.graph, weights | {"readout.bias": weights["readout.bias"][1:]})
