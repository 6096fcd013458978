"""Choose whether the pretrained network forecasts alone, beside trained networks, or not at all."""

from typing import Literal

from rnncli.config.sections import NetworkOptions, Section, Training
from rnncli.panel import Panel
from rnncli.planning.choice import Choice

PretrainedUse = Literal["alone", "beside", "no"]

FEW_HORIZONS = 20  # without overlap, in all series: with fewer, trained networks made no forecast more accurate
EVEN_HORIZONS = 300  # with which trained networks and the pretrained one are as likely to be better
NETWORK_FREE = ("horizon", "season")  # options that leave the choice of networks to the plan
TRAINING_FREE = ("metric", "preset", "budget", "refit", "seed", "pretrained")


def choose(table: Panel, network: NetworkOptions, training: Training, horizon: int) -> Choice[PretrainedUse]:
    """Choose how a training uses the pretrained network, with the reason."""
    if not training.pretrained:
        return Choice("no", "as requested")
    if fixed := [*_changed(network, NETWORK_FREE), *_changed(training, TRAINING_FREE)]:
        return Choice("no", f"--{fixed[0].replace('_', '-')} describes the networks to train")
    horizons = independent_horizons(table, horizon)
    covariates = table.covariates
    if covariates.columns or covariates.holidays or covariates.weights is not None:
        return Choice("beside", "it ignores covariates; its share is decided on the validation windows")
    if horizons < FEW_HORIZONS:
        return Choice("alone", f"{horizons} horizons without overlap are too few to learn from")
    return Choice("beside", f"{horizons} horizons without overlap; its share is decided on the validation windows")


def independent_horizons(table: Panel, horizon: int) -> int:
    """Return how many horizons without overlap the values of a table fill."""
    return table.value_count // (horizon * table.targets)


def prior_share(horizons: int) -> float:
    """Return the share of the pretrained network to expect before any validation."""
    return 1 / (1 + horizons / EVEN_HORIZONS)


def _changed(options: Section, free: tuple[str, ...]) -> list[str]:
    """Return the options that are not at their defaults, except those that leave the networks to the plan."""
    fields = type(options).model_fields
    return [name for name, value in options if name not in free and value != fields[name].default]
