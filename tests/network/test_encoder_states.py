"""Carried states at many cutoffs equal those from reading each whole past, and each series is read once."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rnncli.network import encoder_states
from rnncli.network.network import Network
from rnncli.network.tensors import CarriedState
from rnncli.panel import Cutoffs
from rnncli.windows.batch import CovariateBatch
from tests.network.test_stateful_encoder import LENGTHS, network, windows

CUTOFFS = st.lists(st.tuples(st.integers(0, 1), st.integers(1, min(LENGTHS))), min_size=1, max_size=12)


def places(chosen: list[tuple[int, int]]) -> Cutoffs:
    return Cutoffs(*np.array(chosen, dtype=np.int64).T)


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru", "tcn", "transformer"])
@settings(max_examples=15, deadline=None)
@given(chosen=CUTOFFS, block=st.integers(1, 9))
def test_a_forecast_is_that_from_the_whole_past(cell: str, chosen: list[tuple[int, int]], block: int) -> None:
    built, some = network(cell=cell), places(chosen)
    with pytest.MonkeyPatch.context() as patched, torch.no_grad():
        patched.setattr(encoder_states, "BLOCK", block)
        (batch,) = windows(12).at(some, 100)
        carried = encoder_states.carried_to(built, windows(12), *some)
        quick = built.trace(batch.past, batch.step, batch.covariates, carried).prediction.quantiles
        (whole,) = windows(built.past_steps(50)).at(some, 100)
        slow = built(whole.past, whole.step, whole.covariates).quantiles

    assert torch.allclose(quick, slow, atol=1e-5)


def test_a_series_is_read_once_for_all_its_cutoffs(monkeypatch: pytest.MonkeyPatch) -> None:
    built, read = network(), []
    carry = Network.carry

    def counted(
        self: Network, past: torch.Tensor, step: torch.Tensor, beside: CovariateBatch, carried: CarriedState
    ) -> CarriedState:
        read.append(past.shape[0] * (past.shape[1] - built.context + 3))
        return carry(self, past, step, beside, carried)

    monkeypatch.setattr(Network, "carry", counted)
    encoder_states.carried_to(built, windows(12), *places([(0, row) for row in range(15, 48, 3)]))

    assert sum(read) == 42  # rows before the last segment of the last of them


def test_a_stateless_network_carries_no_state() -> None:
    built = network(bptt=None)

    assert encoder_states.carried_to(built, windows(12), *places([(0, 20)])) is None


def test_no_series_has_begun_before_its_first_segment() -> None:
    carried = encoder_states.carried_to(network(), windows(12), *places([(0, 2), (0, 3), (0, 4), (1, 30)]))

    assert carried is not None and carried.begun.tolist() == [False, False, True, True]
