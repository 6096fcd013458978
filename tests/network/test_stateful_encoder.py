"""Carried states: reading in parts equals reading at once, and depends on the past only."""

import numpy as np
import pandas as pd
import pytest
import torch

from rnncli.config.sections import Columns
from rnncli.network.network import Network
from rnncli.network.stateful_encoder import detach_state, encode_from_state
from rnncli.network.tensors import CarriedState
from rnncli.panel import Cutoffs
from rnncli.training.batch_sources import StatefulBatches
from rnncli.windows.windows import Windows
from tests.frames import from_frame
from tests.network.test_network import design

CPU = torch.device("cpu")
LENGTHS = (50, 41)


def windows(context: int) -> Windows:
    """Two series, cut for `design`."""
    values = np.random.default_rng(0).normal(3, 2, sum(LENGTHS))
    values[7:11] = np.nan
    frame = pd.DataFrame({"id": np.repeat(["a", "b"], LENGTHS), "y": values})
    frame["ds"] = frame.groupby("id").cumcount()
    return Windows(from_frame(frame, Columns(id="id", time="ds", target=("y",))), context, 5, CPU)


def network(**changes: object) -> Network:
    torch.manual_seed(0)
    built = Network(design(**{"bptt": 6, "scale": "global"} | changes), 1).eval()
    built.fix_scale(windows(12).values)
    return built


@pytest.mark.parametrize("decoder", ["parallel", "direct", "recursive", "encoder-decoder"])
@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru", "tcn", "transformer"])
def test_a_carried_state_forecasts_as_the_whole_past_does(cell: str, decoder: str) -> None:
    """Two segments of three steps at a time, from any beginning, beside one pass over the whole past."""
    built = network(cell=cell, decoder=decoder)
    walker = StatefulBatches(np.array([45, 36]), 6, 2, windows(12 + 3), torch.Generator().manual_seed(3))
    whole = windows(built.past_steps(50))
    with torch.no_grad():
        for _ in range(5):
            batch, carried = walker.next_batch()
            trace = built.trace(batch.past, batch.step, batch.covariates, carried)
            for behind, quantiles in zip((3, 0), trace.prediction.quantiles.chunk(2), strict=True):
                every = whole.batch(walker.state()["series"], walker.state()["cutoffs"] - behind)
                begun = ~every.past.isnan().all(dim=(1, 2))
                expected = built(every.past, every.step, every.covariates).quantiles
                assert torch.allclose(quantiles[begun], expected[begun], atol=1e-5)
            walker.advance(trace.state)


def test_a_forecast_depends_on_the_whole_past_and_nothing_else() -> None:
    built, cut = network(cell="gru"), windows(48)
    batch = cut.batch(torch.tensor([0]), torch.tensor([42]))
    beginning, end = batch.past.clone(), batch.past.clone()
    beginning[:, 6] += 1  # the first row; six steps lie before the series
    end[:, 0:6] = torch.nan

    with torch.no_grad():
        plain, moved, same = (
            built(past, batch.step, batch.covariates).quantiles for past in (batch.past, beginning, end)
        )

    assert not torch.equal(plain, moved)
    assert torch.equal(plain, same)


def test_a_carried_state_has_no_gradient() -> None:
    built = network(cell="gru")
    segments = torch.randn(2, 2, 8, requires_grad=True)
    known = torch.ones(2, 2, dtype=torch.bool)
    first = encode_from_state(
        built.encoder, segments, known, 2, CarriedState(None, torch.tensor([True, True])), stepwise=True
    )

    kept = detach_state(first.final_state, torch.tensor([True, False]))

    assert kept is not None
    assert not any(part.requires_grad for part in kept)
    assert torch.equal(kept[0][:, 0], first.final_state[0][:, 0])
    assert not kept[0][:, 1].any()


def test_stateful_batches_read_each_series_in_order_and_then_another() -> None:
    walker = StatefulBatches(np.array([45, 0, 36]), 6, 8, windows(12), torch.Generator().manual_seed(0))
    before = None
    for _ in range(40):
        series, cutoffs, fresh = (walker.state()[name].clone() for name in ("series", "cutoffs", "starts"))
        assert len(series) == 2  # the one without a cutoff is left out
        assert set(series.tolist()) <= {0, 2}
        assert (cutoffs >= 1).all() and (cutoffs[fresh] <= 6).all()
        assert (cutoffs <= torch.tensor([45, 0, 36])[series]).all()
        if before is not None:
            assert torch.equal(series[~fresh], before[0][~fresh])
            assert torch.equal(cutoffs[~fresh], before[1][~fresh] + 6)
        before = series, cutoffs
        walker.advance((torch.zeros(1, 2, 8),))


def test_a_long_series_is_read_from_several_starts() -> None:
    walker = StatefulBatches(np.array([2000, 0]), 6, 16, windows(12), torch.Generator().manual_seed(0))

    series, cutoffs = walker.state()["series"], walker.state()["cutoffs"]
    assert series.tolist() == 16 * [0]
    assert len(set(cutoffs.tolist())) == 16
    assert cutoffs[0] <= 6 < cutoffs.max() <= 2000
    batch, carried = walker.next_batch()
    assert carried is not None
    assert len(batch.past) == 16 and not carried.begun.any()


def test_one_scale_for_all_rows_is_their_mean_and_deviation() -> None:
    built = network()
    values = windows(12).values
    known = values[~values.isnan()]

    scale = built.scale(torch.randn(4, 12, 1).double())

    assert torch.allclose(scale.level, known.mean().expand(4, 1, 1), atol=1e-6)
    assert torch.allclose(scale.spread, known.std(unbiased=False).expand(4, 1, 1), atol=1e-6)


def test_the_past_read_depends_on_the_cutoff_only() -> None:
    carried, plain = network(), Network(design(), 1)

    assert (carried.past_steps(5), carried.past_steps(50), plain.past_steps(50)) == (12, 51, 12)
    assert len(list(windows(carried.past_steps(50)).at(Cutoffs(np.array([0]), np.array([50])), 10))) == 1
