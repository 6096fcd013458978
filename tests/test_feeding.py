"""What a recursive decoder reads as if it had been observed."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from rnncli import feeding, heads
from rnncli.views import Steps
from tests.test_network import alone, network


def test_the_time_since_the_last_sale_counts_from_it() -> None:
    past = torch.tensor([0.0, 2, 0, 0, torch.nan, 3, 0]).reshape(1, 7, 1)

    assert feeding.waited(past > 0).flatten().tolist() == [1, 0, 1, 2, 3, 0, 1]


@given(st.lists(st.booleans(), min_size=2, max_size=12), st.data())
def test_the_count_goes_on_where_it_was(positive: list[bool], drawn: st.DataObject) -> None:
    cut = drawn.draw(st.integers(1, len(positive) - 1))
    every = torch.tensor(positive).reshape(1, -1, 1)

    first = feeding.waited(every[:, :cut])
    second = feeding.waited(every[:, cut:], first[:, -1:])

    assert torch.equal(torch.cat([first, second], dim=1), feeding.waited(every))


def test_what_is_fed_back_is_told_when_it_was_sold() -> None:
    """Five segments of one step: counted on from the past by hand, from medians of which some are above zero."""
    made, past = network(segment=1, decoder="recursive", scale="mean", base="none", since=True), torch.zeros(2, 12, 1)
    past[0, 4], past[1, 11] = 2.0, 3.0
    told = list[torch.Tensor]()
    embed = made.embed

    def noted(steps: Steps, window: torch.Tensor) -> torch.Tensor:
        assert steps.waited is not None
        told.append(steps.waited.expm1()[:, -1, 0])
        return embed(steps, window)

    made.embed = noted  # type: ignore[method-assign]
    with torch.no_grad():
        quantiles, _ = made(past.double(), torch.full((2,), 100), alone(past.double()))

    count = torch.tensor([7.0, 0.0])
    assert torch.allclose(told[0], count)
    for step, counted in enumerate(told[1:]):
        count = torch.where(quantiles[:, step, 0, heads.MEDIAN] > 0, 0.0, count + 1)
        assert torch.allclose(counted, count, atol=1e-4)
    assert len(told) == 5
