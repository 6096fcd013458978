"""train --from: a model that learns from new rows, where it stands."""

from typing import TYPE_CHECKING

from rnncli.cli import console
from rnncli.cli.options import Settings
from rnncli.config.sections import Config
from rnncli.errors import DataError, RequestError

if TYPE_CHECKING:
    from rnncli.model.card import Card
    from rnncli.model.model import Model
    from rnncli.panel import Panel
    from rnncli.planning.plan import Plan


def configured(card: "Card", settings: Settings) -> Config:
    """The config of the model, with what was asked for in its place. Raises RequestError where it cannot be had."""
    own = card.config
    base = Config(columns=own.columns, network=own.network, training=own.training)
    config = settings.applied_to(base)
    changed = [name for name, value in config.network if value != getattr(own.network, name)]
    if changed:
        raise RequestError(
            f"--{changed[0].replace('_', '-')} builds other networks than the model has, which --from goes on with. "
            "Leave it out, or train without --from"
        )
    return config


def plan(before: "Model", panel: "Panel", config: Config) -> "Plan":
    """The networks of the model, to be trained on. Raises RequestError where the panel is not of its kind."""
    from rnncli.config import rules
    from rnncli.panel import covariates
    from rnncli.planning import plan as choices
    from rnncli.planning.plan import InitialWeights

    card = before.card
    rules.check(config.network, config.training)
    try:
        before.check(panel)
    except DataError as error:
        raise RequestError(f"the model cannot go on with this table: {error}") from error
    together = len(card.seen.together)
    if together and tuple(map(str, panel.ids)) != card.seen.together:
        raise RequestError("the model sees series side by side (--mix), and the table has others: train without --from")
    told = covariates.told(card.inputs, panel.frequency, card.config.columns.holidays, together)
    starts = tuple(
        InitialWeights(network.architecture, {name: one.numpy() for name, one in network.state_dict().items()})
        for network in before.networks
    )
    made = choices.continue_plan(panel, starts, told, config.training, card.seen.last)
    console.note(
        f"goes on from: {len(starts)} networks that know the rows up to {card.seen.last}, {made.steps} updates"
    )
    if not len(made.split.validation.rows):
        console.warn(
            "too few rows are newer than the model's to validate on: its scores and intervals stay as they were"
        )
    return made
