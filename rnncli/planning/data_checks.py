"""What was asked for, held against the table: what it cannot tell is an error. numpy only."""

from rnncli.config.sections import Network
from rnncli.errors import RequestError
from rnncli.panel import Panel
from rnncli.panel.time import calendar_features


def check_options(panel: Panel, network: Network) -> None:
    """Raise RequestError where a season or a context is longer than the table, or a network cannot be told of it."""
    _check_lengths(panel, network)
    _forbid_idle_holidays(panel, network)
    _forbid_untold(panel, network)


def check_inputs_without_context(panel: Panel, network: Network, dated: bool, beside_it: bool) -> None:
    """Raise RequestError where nothing of the past is seen, and nothing beside it.

    dated: whether the calendar is; beside_it: whether covariates are.
    """
    if network.context != 0:
        return
    beside = panel.covariates
    past = [one.name for one in beside.varying if one.role == "past"]
    if past:
        raise RequestError(f"--past {','.join(past)} is of the past, of which --context 0 sees nothing. Leave out one")
    known = bool(beside.static_columns) or bool(beside.known.any())
    if not (known and beside_it) and not (dated and calendar_features.size(panel.frequency, beside.holidays)):
        raise RequestError(
            "--context 0 leaves nothing to go by but what is known beside the past: name columns with --static or "
            "--known, or leave it out"
        )


def _check_lengths(panel: Panel, network: Network) -> None:
    longest = int(panel.lengths.max())
    for name, asked in (("season", network.season), ("context", network.context)):
        if asked is not None and asked > longest:
            raise RequestError(f"--{name} {asked} is longer than the longest series, {longest} steps")


def _forbid_idle_holidays(panel: Panel, network: Network) -> None:
    countries = ",".join(panel.covariates.holidays)
    if countries and (
        network.calendar is False or not calendar_features.size(panel.frequency, panel.covariates.holidays)
    ):
        why = "--no-calendar" if network.calendar is False else "a clock of plain numbers"
        raise RequestError(f"--holidays {countries} cannot be told with {why}. Leave out one")


def _forbid_untold(panel: Panel, network: Network) -> None:
    if network.covariates and not panel.covariates.columns:
        raise RequestError("--covariates needs columns to tell: name them with --known, --past or --static")
    names = [one.name for one, known in zip(panel.covariates.varying, panel.covariates.known, strict=True) if known]
    told = [f"--known {','.join(names)}"] if names else []
    told += [f"--holidays {','.join(panel.covariates.holidays)}"] if panel.covariates.holidays else []
    if told and network.traits.closed_form:
        raise RequestError(f"{told[0]} needs a cell that is trained, not esn: nothing else is told what is to come")
    if panel.covariates.weights is not None and network.traits.closed_form:
        name = panel.summary.roles.weight
        raise RequestError(f"--weight {name} needs a cell that is trained, not esn: its windows count alike")
