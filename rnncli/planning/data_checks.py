"""Check options against the table and the window lengths, where the options alone cannot show that they fit."""

from collections.abc import Mapping
from typing import Any

from rnncli.config.base_forecasts import BASES
from rnncli.config.fields import ScaleName
from rnncli.config.sections import NetworkOptions, Training
from rnncli.config.types import MAX_STEPS
from rnncli.errors import RequestError
from rnncli.panel import Panel
from rnncli.panel.time import calendar_features
from rnncli.panel.time.frequency import Frequency
from rnncli.planning.choice import Choice


def check_table(panel: Panel, network: NetworkOptions) -> None:
    """Raise RequestError if the series are shorter than a given length, or the network cannot use a given input."""
    _check_series_length(panel, network)
    _check_holidays(panel, network)
    _check_inputs(panel, network)


def check_horizon(network: NetworkOptions, steps: int) -> None:
    """Raise RequestError if the horizon has more steps than a network can forecast."""
    if steps > MAX_STEPS:
        raise RequestError(f"--horizon {network.horizon} is {steps} steps (at most {MAX_STEPS}). Use a shorter one")


def check_lengths(training: Training, chosen: Mapping[str, Any]) -> None:
    """Raise RequestError if chosen lengths are too short or too long for an option."""
    horizon, context, segment, season = (chosen[name] for name in ("horizon", "context", "segment", "season"))
    if training.teacher_forcing and segment >= horizon:
        raise RequestError(
            f"--teacher-forcing requires a segment shorter than the horizon ({segment}, horizon {horizon}). "
            "Use a smaller --segment"
        )
    if BASES[chosen["base"]].from_context and not BASES[chosen["base"]].learned and season > context:
        raise RequestError(
            f"--base {chosen['base']} requires a context of at least one season ({context}, season {season}). "
            "Use a longer --context"
        )


def check_log_scale(network: NetworkOptions, allowed: Choice[list[ScaleName]]) -> None:
    """Raise RequestError if the network takes logarithms of values that are not positive."""
    # Data for which "mean" is the likeliest scale has no negative values: the logarithm of counts is worse, not wrong.
    if network.scale == "log" and not {"log", "mean"} & set(allowed.value):
        raise RequestError(f"--scale log requires positive values, but {allowed.reason}. Use --scale spread")


def check_inputs_without_context(panel: Panel, network: NetworkOptions, calendar: bool, columns: bool) -> None:
    """Raise RequestError if a network without context receives no input.

    calendar, columns: whether it receives calendar features and covariates.
    """
    if network.context != 0:
        return
    covariates = panel.covariates
    past = [column.name for column in covariates.varying if column.role == "past"]
    if past:
        raise RequestError(
            f"--past {','.join(past)} cannot be used with --context 0, which reads no history. Leave out one of them"
        )
    known = bool(covariates.static_columns) or bool(covariates.known.any())
    if not (known and columns) and not (calendar and calendar_features.size(panel.frequency, covariates.holidays)):
        raise RequestError("--context 0 requires covariates. Add --static or --known columns, or use a longer context")


def forbid_mix(table: Panel, network: NetworkOptions, most: int) -> None:
    """Raise RequestError if the network must mix the series of a table that allows no mixing.

    most: the largest number of series to mix.
    """
    if network.mix:
        layout = "wide" if table.summary.roles.wide else "long"
        raise RequestError(
            f"--mix requires a wide table of 2 to {most} series, with a column for each "
            f"(found {len(table.ids)} series in a {layout} table). Leave it out"
        )


def _check_series_length(panel: Panel, network: NetworkOptions) -> None:
    longest = int(panel.lengths.max())
    for name, steps in (("season", network.season), ("context", network.context)):
        if steps is not None and steps > longest:
            raise RequestError(f"--{name} {steps} is longer than the longest series ({longest} steps). Use less")


def _check_holidays(panel: Panel, network: NetworkOptions) -> None:
    countries = ",".join(panel.covariates.holidays)
    if not countries:
        return
    if network.calendar is False:
        raise RequestError(f"--holidays {countries} cannot be used with --no-calendar. Leave out one of them")
    if not _has_calendar(panel.frequency, panel.covariates.holidays):
        raise RequestError(f"--holidays {countries} requires dates, but the time column has integers. Leave it out")


def _has_calendar(frequency: Frequency, holidays: tuple[str, ...]) -> bool:
    return calendar_features.size(frequency, holidays) > 0


def _check_inputs(panel: Panel, network: NetworkOptions) -> None:
    covariates = panel.covariates
    if network.covariates and not covariates.columns:
        raise RequestError("--covariates requires columns. Name them with --known, --past or --static")
    if not network.traits.closed_form:
        return
    names = [column.name for column, known in zip(covariates.varying, covariates.known, strict=True) if known]
    options = [f"--known {','.join(names)}"] if names else []
    options += [f"--holidays {','.join(covariates.holidays)}"] if covariates.holidays else []
    options += [] if covariates.weights is None else [f"--weight {panel.summary.roles.weight}"]
    if options:
        raise RequestError(
            f"{options[0]} requires a cell trained by gradient steps (found {network.cell}). Use another --cell"
        )
