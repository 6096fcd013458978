"""Gradients and intermediate values of one forecast, caught by hooks: the network contains no code for it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from rnncli.network.network import Network
from rnncli.network.teacher_forcing import TeacherForcing
from rnncli.windows.batch import Batch


class Probe(NamedTuple):
    """Values of a network in a forecast of B windows of L steps in N segments."""

    steps: Tensor  # (B, N, hidden) the encoder's input
    outputs: Tensor  # (B, N, hidden) the encoder's output
    scaled: Tensor  # (B, L, K) the past at unit scale, NaN where missing
    read: Tensor  # (B, L) norm of the loss's gradient through the encoder with respect to each step, the oldest first
    whole: Tensor  # (B, L) the same along all paths, including base forecast and bypass
    step: Tensor  # (B,) int64: the time index at which the future begins
    attention: Tensor | None  # (B, M, N) weights of each decoder step on the encoder's steps


def context_batch(network: Network, batch: Batch) -> Batch:
    """Return the windows cut to the network's context."""
    past = batch.past[:, -network.context :]
    covariates = batch.covariates.last_steps(network.context, network.architecture.horizon)
    return batch._replace(past=past, covariates=covariates)


@torch.enable_grad()
def probe(network: Network, batch: Batch) -> Probe:
    """Forecast windows of the network's context, and propagate the loss back.

    network: in evaluation mode, on the CPU.
    """
    caught: dict[str, Tensor] = {}

    def catch_scaled(inputs: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor] | None:
        if "scaled" in caught:
            return None
        caught["scaled"] = inputs[0].detach().requires_grad_()
        return caught["scaled"], inputs[1]

    def catch_read(inputs: tuple[Tensor]) -> None:
        caught.setdefault("read", inputs[0])

    def catch_steps(inputs: tuple[Tensor, ...]) -> None:
        caught.setdefault("steps", inputs[0].detach())

    # Input dropout receives all segments of the past at once; an encoder may receive them in parts.
    entry = network.encoder if network.architecture.traits.closed_form else network.input_dropout
    with (
        _before(network.base, catch_scaled),
        _before(network.embedding, catch_read),
        _before(entry, catch_steps),
    ):
        trace = network.trace(batch.past, batch.step, batch.covariates)
    quantiles, scale = trace.prediction
    total, _ = network.head.loss(quantiles, scale.apply_clipped(batch.future), (scale.spread > 0).to(quantiles))
    whole, by_read = torch.autograd.grad(total, (caught["scaled"], caught["read"]))
    segment, (count, length, targets) = network.architecture.segment, whole.shape
    values = by_read[..., : segment * targets].reshape(count, length, targets)  # the embedding's first inputs
    with torch.no_grad():
        outputs, _ = network.encoder(caught["steps"])
    norms = values.norm(dim=-1), whole.norm(dim=-1)
    attention = None if trace.attention is None else trace.attention.detach()
    return Probe(caught["steps"], outputs, caught["scaled"].detach(), *norms, batch.step, attention)


class FeedbackGap(NamedTuple):
    """Mean absolute errors at unit scale after the first segment of the horizon."""

    forced: float  # each segment is forecast from the true values of those before it
    free: float  # from the forecasts


@torch.no_grad()
def feedback_gap(network: Network, batch: Batch) -> FeedbackGap | None:
    """Return the errors with and without teacher forcing (Williams and Zipser 1989).

    None if the decoder has no feedback, or if no true value is known.
    """
    if not network.decoder.feeds_back or network.decoder_steps == 1:
        return None
    inputs = batch.past, batch.step, batch.covariates
    free, scale = network(*inputs)
    forced, _ = network.trace(*inputs, teacher=TeacherForcing(batch.future, 1.0)).prediction
    actual, segment = scale.apply(batch.future), network.architecture.segment  # (B, H, K)
    forced_error, free_error = (
        (quantiles[..., network.head.median] - actual)[:, segment:].abs().nanmean().item()
        for quantiles in (forced, free)
    )
    return FeedbackGap(forced_error, free_error) if forced_error == forced_error else None  # NaN without true values


@contextmanager
def _before(module: nn.Module, look: Callable[[Any], Any]) -> Iterator[None]:
    """Call `look` with a module's inputs; what it returns, if anything, replaces them."""
    handle = module.register_forward_pre_hook(lambda _module, inputs: look(inputs))
    try:
        yield
    finally:
        handle.remove()
