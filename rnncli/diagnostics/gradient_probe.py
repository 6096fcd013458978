"""What goes through a network while it forecasts: caught by hooks, so that the network knows nothing of it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from rnncli.network.network import Network
from rnncli.network.teacher_forcing import TeacherForcing
from rnncli.windows.batch import Batch


class Probe(NamedTuple):
    """What went through a network at B windows of L steps in N segments."""

    steps: Tensor  # (B, N, hidden) what the encoder was given
    outputs: Tensor  # (B, N, hidden) what it gave
    scaled: Tensor  # (B, L, K) the past at unit scale, NaN where missing
    read: Tensor  # (B, L) norm of the loss's gradient by the values that the encoder reads, the oldest first
    whole: Tensor  # (B, L) the same by whatever way: through base and bypass, too
    step: Tensor  # (B,) int64: the clock's as the future starts
    looked: Tensor | None  # (B, M, N) how much each step of the decoder looks at each of the encoder's


def context_batch(network: Network, batch: Batch) -> Batch:
    """The part of the windows that a network looks at."""
    past = batch.past[:, -network.context :]
    return batch._replace(
        past=past, covariates=batch.covariates.last_steps(network.context, network.architecture.horizon)
    )


@torch.enable_grad()
def probe(network: Network, batch: Batch) -> Probe:
    """One forecast with its loss, and the way back. network: in evaluation, on the CPU; batch: its own."""
    caught: dict[str, Tensor] = {}

    def scaled(given: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor] | None:
        if "scaled" in caught:
            return None
        caught["scaled"] = given[0].detach().requires_grad_()
        return caught["scaled"], given[1]

    def read(given: tuple[Tensor]) -> None:
        caught.setdefault("read", given[0])

    def steps(given: tuple[Tensor, ...]) -> None:
        caught.setdefault("steps", given[0].detach())

    # All segments of the past pass through what leaves some of them out in training, before any encoder cuts them up.
    entry = network.encoder if network.architecture.traits.closed_form else network.input_dropout
    with _before(network.base, scaled), _before(network.embedding, read), _before(entry, steps):
        trace = network.trace(batch.past, batch.step, batch.covariates)
    quantiles, scale = trace.prediction
    total, _ = network.head.loss(quantiles, scale.apply_clipped(batch.future), (scale.spread > 0).to(quantiles))
    whole, by_read = torch.autograd.grad(total, (caught["scaled"], caught["read"]))
    design, (count, length, targets) = network.architecture, whole.shape
    values = by_read[..., : design.segment * targets].reshape(count, length, targets)  # the embedding has them first
    with torch.no_grad():
        outputs, _ = network.encoder(caught["steps"])
    lags = values.norm(dim=-1), whole.norm(dim=-1)
    looked = None if trace.attention is None else trace.attention.detach()
    return Probe(caught["steps"], outputs, caught["scaled"].detach(), *lags, batch.step, looked)


class FeedbackGap(NamedTuple):
    """Mean absolute errors at unit scale, behind the first segment of the horizon."""

    forced: float  # each segment forecast from the true ones before it
    free: float  # from the network's own


@torch.no_grad()
def feedback_gap(network: Network, batch: Batch) -> FeedbackGap | None:
    """What living with its own forecasts costs a network (Williams and Zipser 1989), as a recursive decoder has to.

    None where nothing is fed back, or nothing is known of what followed.
    """
    design = network.architecture
    if not network.decoder.feeds_back or network.decoder_steps == 1:
        return None
    given = batch.past, batch.step, batch.covariates
    free, scale = network(*given)
    forced, _ = network.trace(*given, teacher=TeacherForcing(batch.future, 1.0)).prediction
    actual = scale.apply(batch.future)  # (B, H, K)
    errors = [
        (one[..., network.head.median] - actual)[:, design.segment :].abs().nanmean().item() for one in (forced, free)
    ]
    return FeedbackGap(*errors) if errors[0] == errors[0] else None


@contextmanager
def _before(module: nn.Module, look: Callable[[Any], Any]) -> Iterator[None]:
    """Look at what a module is given, and give it something else where there is an answer."""
    handle = module.register_forward_pre_hook(lambda _module, given: look(given))
    try:
        yield
    finally:
        handle.remove()
