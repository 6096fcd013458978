"""Windows equal slices of the series."""

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from rnncli.config.sections import Columns
from rnncli.panel import Cutoffs, Panel
from rnncli.windows.windows import Windows
from tests.frames import from_frame
from tests.panel.ingest.test_build import table

CPU = torch.device("cpu")


def panel(*lengths: int) -> Panel:
    ids = np.repeat(np.arange(len(lengths)), lengths)
    steps = np.concatenate([np.arange(length) for length in lengths])
    return from_frame(table(unique_id=ids, ds=steps, y=100.0 * ids + steps), Columns(freq="1"))


@given(st.lists(st.integers(1, 30), min_size=1, max_size=4), st.integers(1, 9), st.integers(1, 9), st.data())
def test_a_batch_equals_slices_of_its_series(
    lengths: list[int], context: int, horizon: int, draw: st.DataObject
) -> None:
    sequences = panel(*lengths)
    series = draw.draw(st.integers(0, len(lengths) - 1))
    cutoff = draw.draw(st.integers(0, lengths[series]))
    padded = np.concatenate([np.full(context, np.nan), sequences.series(series)[:, 0], np.full(horizon, np.nan)])

    batch = Windows(sequences, context, horizon, CPU).batch(torch.tensor([series]), torch.tensor([cutoff]))

    assert np.array_equal(batch.past[0, :, 0], padded[cutoff : cutoff + context], equal_nan=True)
    assert np.array_equal(batch.future[0, :, 0], padded[cutoff + context : cutoff + context + horizon], equal_nan=True)


def test_a_future_starts_where_its_past_ends() -> None:
    batch = Windows(panel(20), 4, 3, CPU).batch(torch.tensor([0]), torch.tensor([10]))

    assert batch.past.flatten().tolist() == [6, 7, 8, 9]
    assert batch.future.flatten().tolist() == [10, 11, 12]


def test_chunks_cover_all_cutoffs_in_order() -> None:
    windows = Windows(panel(20), 2, 1, CPU)
    cutoffs = Cutoffs(np.zeros(7, np.int64), np.arange(5, 12))

    chunks = list(windows.at(cutoffs, 3))

    assert [len(chunk.past) for chunk in chunks] == [3, 3, 1]
    assert torch.cat([chunk.future for chunk in chunks]).flatten().tolist() == list(range(5, 12))


def test_every_boundary_has_the_future_that_follows_it() -> None:
    batch = Windows(panel(30), 8, 3, CPU).batch(torch.tensor([0]), torch.tensor([20]))

    assert batch.futures(4, 2)[..., 0].tolist() == [[16, 17, 18], [18, 19, 20], [20, 21, 22]]


def test_a_batch_has_the_time_step_at_which_its_future_begins() -> None:
    late = from_frame(table(ds=np.arange(100, 130), y=np.arange(30.0)), Columns(freq="1"))

    assert Windows(late, 4, 3, CPU).batch(torch.tensor([0]), torch.tensor([10])).step.tolist() == [110]
