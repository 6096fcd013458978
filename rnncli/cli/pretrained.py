"""The pretrained network in the commands: the columns it uses, and the model that is calibrated on a table."""

from typing import TYPE_CHECKING

from rnncli.cli import console, descriptions, run_report
from rnncli.cli.settings import Settings, flag_for
from rnncli.errors import RequestError
from rnncli.messages import counted

if TYPE_CHECKING:
    from rnncli.config.sections import Columns, Config
    from rnncli.model.card import Card
    from rnncli.model.model import Model
    from rnncli.panel import Panel
    from rnncli.training.zero_shot import Evidence


OPTIONS = ("horizon", "season")  # of networks that the pretrained one takes


def config_of(settings: Settings, command: str) -> "Config":
    """Return the config of a run without a model. Raises RequestError if there is no horizon."""
    config = settings.config()
    if config.network.horizon is None:
        raise RequestError(
            f"the horizon is missing: without a model, {command} needs --horizon 12 (steps) or 7d (a duration)"
        )
    return config


def unsuitable_options(settings: Settings) -> dict[str, bool]:
    """Return the given options that only networks under training take."""
    allowed = {flag_for(name, True) for name in OPTIONS}
    return {option: True for option in settings.given_options("network", "training") if option not in allowed}


def columns(requested: "Columns") -> "Columns":
    """Return the columns to read; warn of those that the pretrained network does not use."""
    ignored = [name for name in requested.network_inputs() if getattr(requested, name)]
    if not ignored:
        return requested
    options = ", ".join(flag_for(name, True) for name in ignored)
    console.warn(f"the pretrained network uses the targets alone and ignores {options}: rnncli train uses covariates")
    return requested.without_inputs()


def card_of(panel: "Panel", config: "Config") -> "Card":
    """Return the card of the pretrained network for a panel, by which further rows are read."""
    from rnncli.planning.window_lengths import horizon_steps
    from rnncli.training.zero_shot import uncalibrated_card

    return uncalibrated_card(panel, config, horizon_steps(config.network, panel.frequency))


def model_of(panel: "Panel", config: "Config", quiet: bool = False) -> "Model":
    """Return the pretrained network calibrated on a panel, and report it in a line."""
    from rnncli.planning.window_lengths import horizon_steps
    from rnncli.training.zero_shot import zero_shot

    with console.timed("calibrating"):
        result = zero_shot(panel, config, horizon_steps(config.network, panel.frequency))
    if not quiet:
        words = f"{descriptions.season_words(result.model.card)}; {_evidence_words(result.evidence)}"
        console.note(f"pretrained network, not trained on this table; {words}")
        run_report.add_facts(model="pretrained", windows=result.evidence.windows)
    return result.model


def _evidence_words(evidence: "Evidence") -> str:
    """Return how the network did on earlier windows of the table."""
    if not evidence.windows:
        return "too few rows to check it on"
    parts = [f"checked on {counted(evidence.windows, 'earlier window')}"]
    if evidence.relative is not None:
        parts.append(f"error {evidence.relative:.2f} times that of seasonal naive")
    if evidence.covered is not None:
        parts.append(f"80 % intervals held {100 * evidence.covered:.0f} % before calibration")
    return ", ".join(parts)
