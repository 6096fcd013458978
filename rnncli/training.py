"""From a panel to a fitted model, and the loop that fits it. No files, no printing: it reports its progress.

AdamW (Loshchilov and Hutter 2019) on a one-cycle schedule (Smith and Topin 2018), gradients clipped by norm (Pascanu et
al. 2013), weights averaged over the last steps (Polyak and Juditsky 1992), stopped early on windows that come after
every training window.
"""

import copy
import math
import platform
from collections.abc import Callable
from typing import NamedTuple, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import OneCycleLR
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from rnncli import __version__, heads
from rnncli.card import Card, Seen
from rnncli.choices import Plan
from rnncli.config import Config, Training
from rnncli.errors import TrainingError
from rnncli.model import Model
from rnncli.network import Network
from rnncli.panel import Cutoffs, Panel
from rnncli.panel.columns import settled
from rnncli.windows import Batch, Sampler, Windows

AVERAGING = 0.99  # share of the old average kept at each step: a mean over about the last hundred steps
CHECKS = 20  # validation checks in a full run
CHUNK = 1024  # windows forecast at once when validating
DIVERGED = 100.0  # times the first losses
OUTLIER = 50.0  # units of a window's scale
WARM_UP = 0.25  # share of the steps in which the learning rate rises
CALMER = "Use a smaller --learning-rate or --clip"
RECENT = 10  # losses smoothed for display and for telling divergence


class Progress(NamedTuple):
    """How far the training has come."""

    step: int
    steps: int
    loss: float  # mean of the last steps
    validation: float  # newest averaged weights, NaN before the first check


class Fitted(NamedTuple):
    """What a training came to."""

    network: Network
    steps: int  # at which the weights kept were best
    validation: float


def train(panel: Panel, config: Config, plan: Plan, device: torch.device, report: Callable[[Progress], None]) -> Model:
    """A model of the panel, with its card but no scores yet.

    The random numbers start at the seed and leave those of the process as they were. Raises TrainingError.
    """
    training, design = config.training, plan.architecture
    try:
        with torch.random.fork_rng():
            torch.manual_seed(training.seed)
            network = Network(design, panel.targets).to(device)
            windows = Windows(panel, design.context, design.horizon, device)
            sampler = Sampler(plan.split.first, plan.split.last, windows.values.device)
            fitted = fit(network, windows, sampler, plan.split.validation, training, plan.steps, report)
    except (RuntimeError, MemoryError) as error:
        if isinstance(error, RuntimeError) and "memory" not in str(error):
            raise
        raise TrainingError(f"out of memory on {device}. Use a smaller --batch, --hidden or --context") from error
    return Model(_card(panel, config, plan, fitted), fitted.network.cpu())


def _card(panel: Panel, config: Config, plan: Plan, fitted: Fitted) -> Card:
    first, last = panel.span()
    columns = settled(panel.found.roles, config.columns)
    return Card(
        rnncli=__version__,
        libraries={"python": platform.python_version(), "torch": torch.__version__, "numpy": np.__version__},
        config=config.model_copy(update={"columns": columns}),
        architecture=plan.architecture,
        reasons=plan.reasons,
        frequency=panel.frequency.name,
        integer_clock=panel.times.integer,
        zone=panel.times.zone,
        seen=Seen(
            series=len(panel.ids),
            rows=panel.found.rows,
            missing=panel.found.missing,
            absent=panel.found.absent,
            first=first,
            last=last,
            held_out=plan.split.held_out,
        ),
        parameters=sum(parameter.numel() for parameter in fitted.network.parameters()),
        steps=fitted.steps,
        validation_windows=len(plan.split.validation.rows),
    )


def fit(
    network: Network,
    windows: Windows,
    sampler: Sampler,
    validation: Cutoffs,
    training: Training,
    steps: int,
    report: Callable[[Progress], None],
) -> Fitted:
    """The averaged weights that did best on the validation windows.

    Raises TrainingError, which names the step, where the loss is no number any more or a hundred times what it was.
    """
    optimiser, schedule = _optimiser(network, training, steps)
    averaged = AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(AVERAGING))  # type: ignore[no-untyped-call]
    generator = torch.Generator().manual_seed(training.seed)
    losses = torch.zeros(steps, device=windows.values.device)
    held_out = list(windows.at(validation, CHUNK))
    best = Fitted(network, 0, math.inf)
    every, patience, checked = max(1, steps // CHECKS), training.patience, math.nan  # checked: the newest validation
    for step in range(1, steps + 1):
        network.train()
        losses[step - 1] = update(network, windows.batch(*sampler.draw(training.batch, generator)), optimiser, training)
        schedule.step()
        averaged.update_parameters(network)
        if step % every == 0 or step == steps:
            check_losses(losses[:step])
            checked = mean_loss(cast(Network, averaged.module), held_out)
            if math.isinf(checked):
                raise TrainingError(f"the validation loss was no number at step {step}. {CALMER}")
            if checked < best.validation or math.isnan(checked):
                best = Fitted(cast(Network, copy.deepcopy(averaged.module)), step, checked)
                patience = training.patience
            else:
                patience -= 1
        if step % RECENT == 0 or step == steps:
            check_losses(losses[:step])
            report(Progress(step, steps, losses[max(0, step - RECENT) : step].mean().item(), checked))
        if patience == 0:
            break
    best.network.eval()
    return best


def _optimiser(network: Network, training: Training, steps: int) -> tuple[torch.optim.AdamW, OneCycleLR]:
    rate, decay = training.learning_rate, training.weight_decay
    optimiser = torch.optim.AdamW(network.parameters(), lr=rate, weight_decay=decay, foreach=True)
    return optimiser, OneCycleLR(optimiser, max_lr=rate, total_steps=steps, pct_start=WARM_UP)


def update(network: Network, batch: Batch, optimiser: torch.optim.Optimizer, training: Training) -> Tensor:
    """One step of the optimiser; the loss before it."""
    optimiser.zero_grad(set_to_none=True)
    total, count = batch_loss(network, batch)
    loss = total / count.clamp(min=1)
    loss.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(network.parameters(), training.clip, foreach=True)
    optimiser.step()
    return loss.detach()


def batch_loss(network: Network, batch: Batch) -> tuple[Tensor, Tensor]:
    """Sum and count of the quantile losses at unit scale. A window whose past never moved costs nothing.

    Where the past hardly moved and the future does, the future is a thousand scales away: it is held at OUTLIER, so
    that one such series does not own the loss of all.
    """
    forecast, scale = network(batch.past)
    actual = scale.apply(batch.future).clamp(-OUTLIER, OUTLIER).to(forecast.device)
    return heads.pinball(forecast, actual, (scale.spread > 0).to(forecast))


@torch.inference_mode()
def mean_loss(network: Network, held_out: list[Batch]) -> float:
    """The mean loss over all validation windows; NaN where they hold nothing to measure, inf for lost weights."""
    network.eval()
    parts = [batch_loss(network, batch) for batch in held_out]
    count = sum(part.item() for _, part in parts)
    total = sum(part.item() for part, _ in parts)
    if not count:
        return math.nan
    return total / count if math.isfinite(total) else math.inf


def check_losses(losses: Tensor) -> None:
    """Raise TrainingError at the first loss that shows that the training went astray."""
    finite = losses.isfinite()
    if not finite.all():
        step = int((~finite).int().argmax()) + 1
        raise TrainingError(f"the loss was {losses[step - 1].item()} at step {step}. {CALMER}")
    first, last = losses[:RECENT].median().item(), losses[-RECENT:].median().item()
    if last > DIVERGED * first:
        raise TrainingError(f"the loss grew from {first:.3g} to {last:.3g} at step {len(losses)}. {CALMER}")
