"""`train --from`: fine-tune the networks of a model on new rows."""

from typing import TYPE_CHECKING

from rnncli.cli import console
from rnncli.cli.settings import Settings
from rnncli.errors import DataError, RequestError
from rnncli.messages import counted

if TYPE_CHECKING:
    from rnncli.config.sections import Config
    from rnncli.model.card import Card
    from rnncli.model.model import Model
    from rnncli.panel import Panel
    from rnncli.planning.plan import Plan


def config_of(card: "Card", settings: Settings) -> "Config":
    """Return the model's config with the given options. Raises RequestError if one changes the networks."""
    trained = card.config
    config = settings.config(trained, "columns", "network", "training")
    changed = [name for name, value in config.network if value != getattr(trained.network, name)]
    if changed:
        raise RequestError(
            f"--{changed[0].replace('_', '-')} changes the networks, which --from keeps. "
            "Leave it out, or train without --from"
        )
    return config


def plan(model: "Model", panel: "Panel", config: "Config") -> "Plan":
    """Return the plan to continue training the model's networks.

    Raises RequestError if the panel does not fit the model.
    """
    from rnncli.config import rules
    from rnncli.panel import covariates
    from rnncli.planning.plan import InitialWeights, continue_plan

    card = model.card
    if not card.members:
        raise RequestError("the model has no trained network to fine-tune, only the pretrained one. Leave out --from")
    rules.check(config.network, config.training)
    try:
        model.check(panel)
    except DataError as error:
        raise RequestError(f"the model cannot be fine-tuned on this table: {error}") from error
    mixed = len(card.seen.together)
    if mixed and tuple(map(str, panel.ids)) != card.seen.together:
        raise RequestError("the model mixes its series (--mix), and this table has others. Train without --from")
    inputs = covariates.input_spec(card.inputs, panel.frequency, card.config.columns.holidays, mixed)
    starts = tuple(
        InitialWeights(network.architecture, {name: weights.numpy() for name, weights in network.state_dict().items()})
        for network in model.networks
    )
    continued = continue_plan(panel, starts, inputs, config.training, card.seen.last)
    networks, updates = counted(len(starts), "network"), counted(continued.steps, "update")
    console.note(f"fine-tuning: {networks} trained on rows up to {card.seen.last}, {updates}")
    if not len(continued.split.validation.rows):
        console.warn("too few new rows for validation: the model's scores and intervals stay unchanged")
    return continued
