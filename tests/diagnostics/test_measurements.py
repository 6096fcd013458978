"""A network set by hand, with memory, radius and gradient known in closed form, is measured to have them."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from rnncli.config.architecture import Architecture
from rnncli.diagnostics import gate_activity, gradient_probe, measurements
from rnncli.network.cells import record
from rnncli.network.cells.recurrent import FusedRNN
from rnncli.network.cells.recurrent_step import RecurrentName
from rnncli.network.network import Network
from rnncli.network.quantile_head import QuantileHead
from rnncli.windows.batch import Batch, CovariateBatch

HEAD = QuantileHead()

SHARE = 0.8  # of its state that the network by hand keeps from step to step
SEGMENT, COUNT = 2, 40


def network(cell: RecurrentName = "rnn", **changed: Any) -> Network:
    design: dict[str, Any] = {"cell": cell, "horizon": 4, "context": SEGMENT * COUNT, "segment": SEGMENT, "hidden": 4}
    design |= {"layers": 1, "decoder": "parallel"}
    design |= {"season": 1, "base": "none", "scale": "spread", "since": False, "calendar": False, "bypass": False}
    torch.manual_seed(0)
    return Network(Architecture.model_validate(design | changed), 1).eval()


def recurrent(made: Network) -> nn.RNNBase:
    assert isinstance(made.encoder, FusedRNN)
    return made.encoder.stack


@torch.no_grad()
def by_hand(**changed: Any) -> Network:
    """A step's state is SHARE of the last one's and a little of the input: as good as linear."""
    made = network(**changed)
    stack = recurrent(made)
    nn.init.zeros_(made.embedding.bias)
    nn.init.constant_(made.embedding.weight, 1e-3)
    stack.get_parameter("weight_hh_l0").copy_(SHARE * torch.eye(4))
    stack.get_parameter("weight_ih_l0").copy_(1e-3 * torch.eye(4))
    return made


def windows(made: Network, count: int = 6) -> Batch:
    torch.manual_seed(1)
    length, horizon = made.context, made.architecture.horizon
    values = torch.randn(count, length + horizon, 1, dtype=torch.float64).cumsum(1)
    nothing = CovariateBatch(values.new_zeros(count, length + horizon, 0), values.new_zeros(count, 0), None)
    return Batch(values[:, :length], values[:, length:], torch.zeros(count, dtype=torch.int64), nothing, None)


def test_the_gradient_fades_by_the_share_that_is_kept() -> None:
    probe = gradient_probe.probe(made := by_hand(), windows(made))

    lags = probe.read.double().square().mean(0).sqrt().flip(0).numpy()  # the newest first

    np.testing.assert_allclose(lags[2:] / lags[:-2], SHARE, rtol=2e-3)  # a segment of two steps at a time
    torch.testing.assert_close(probe.whole, probe.read)  # no base and no bypass: there is no other way


def test_base_and_bypass_are_paths_of_the_gradient_too() -> None:
    made = network("gru", bypass=True, base="last")
    nn.init.normal_(made.bypass.weight, std=0.1)
    nn.init.normal_(made.readout.weight)
    probe = gradient_probe.probe(made, windows(made, 3))

    assert (probe.whole.sum(1) > probe.read.sum(1)).all()
    assert (probe.whole[:, -1] > 3 * probe.read[:, -1]).all()  # what is repeated is the last value


def test_the_memory_is_the_power_of_the_share_at_which_little_is_left() -> None:
    made = by_hand()
    probe = gradient_probe.probe(made, windows(made))

    kept = measurements._remaining_change(made.encoder, probe.steps)

    np.testing.assert_allclose(kept, SHARE ** np.arange(COUNT), rtol=1e-2)
    assert (
        measurements._count_to_last(kept >= measurements.FADED) == int(np.log(measurements.FADED) / np.log(SHARE)) + 1
    )


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_orthogonal_weights_have_their_size_for_radius(cell: RecurrentName) -> None:
    made = network(cell)
    for weights in recurrent(made).get_parameter("weight_hh_l0").detach().chunk({"rnn": 1, "lstm": 4, "gru": 3}[cell]):
        nn.init.orthogonal_(weights, gain=0.7)
        assert measurements._spectral_radius(weights) == pytest.approx(0.7, rel=1e-5)


@torch.no_grad()
def test_saturated_gates_and_units_are_counted() -> None:
    made = network("gru")
    recurrent(made).get_parameter("bias_ih_l0")[:4] = 50.0  # reset: open
    recurrent(made).get_parameter("bias_ih_l0")[4:8] = -50.0  # update: shut
    recurrent(made).get_parameter("bias_ih_l0")[8:10] = 50.0  # half of the candidates at their end
    probe = gradient_probe.probe(made, windows(made))

    shares = measurements._saturated(gate_activity.layers(made.encoder, probe.steps))

    assert shares[record.RESET] == shares[record.UPDATE] == 1.0
    assert 0.5 <= shares[record.UNITS] < 0.8


@torch.no_grad()
def test_a_growing_state_drifts_and_a_bounded_one_does_not() -> None:
    adding, held = network("lstm"), by_hand()
    stack = recurrent(adding)
    for parameter in stack.parameters():
        nn.init.zeros_(parameter)
    stack.get_parameter("bias_ih_l0")[:8] = (
        50.0  # input and forget gates open: a cell takes in the same again and again
    )
    stack.get_parameter("bias_ih_l0")[8:12] = 1.0
    stack.get_parameter("bias_ih_l0")[12:] = -50.0  # and lets out nothing
    steps = torch.randn(3, COUNT, 4)

    assert measurements._drift(adding.encoder, steps) == pytest.approx(measurements.ROLLED, rel=1e-4)
    assert measurements._drift(held.encoder, steps) == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize("base", ["none", "cycle"])
def test_true_values_fed_back_equal_a_longer_past(base: str) -> None:
    made = network("gru", decoder="recursive", horizon=3 * SEGMENT, base=base, season=3)
    if base == "cycle":
        nn.init.normal_(made.base.values)  # type: ignore[arg-type]
    batch = windows(made)
    horizon = made.architecture.horizon

    found = gradient_probe.feedback_gap(made, batch)

    _, scale = made(batch.past, batch.step, batch.covariates)
    actual, errors = scale.apply(batch.future), []
    longer = torch.cat([batch.past, batch.future], dim=1)
    for start in (SEGMENT, 2 * SEGMENT):
        more = longer[:, : made.context + start]
        beside = CovariateBatch(
            longer.new_zeros(len(longer), more.shape[1] + horizon, 0), batch.covariates.static, None
        )
        forecast = made(more, batch.step + start, beside).quantiles[-len(longer) :]  # from the end of it all
        errors.append((forecast[:, :SEGMENT, :, HEAD.median] - actual[:, start : start + SEGMENT]).abs())
    assert found is not None
    assert found.forced == pytest.approx(torch.cat(errors).mean().item(), rel=1e-4)
    assert found.free != pytest.approx(found.forced, rel=1e-3)


def test_without_feedback_there_is_no_gap() -> None:
    for made in (network(), network(decoder="recursive", horizon=SEGMENT)):
        assert gradient_probe.feedback_gap(made, windows(made)) is None
