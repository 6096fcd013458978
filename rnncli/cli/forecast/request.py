"""The inputs and outputs of `rnncli forecast`, checked before anything heavy is imported or read."""

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from rnncli.cli import run_control, run_report
from rnncli.cli.figures import style
from rnncli.cli.output import output_format
from rnncli.errors import RequestError
from rnncli.files import atomic
from rnncli.files.paths import STANDARD_STREAM, is_standard_stream
from rnncli.tables import formats

if TYPE_CHECKING:
    import numpy as np

    from rnncli.config.sections import Config
    from rnncli.model.card import Card
    from rnncli.panel import Cutoffs
    from rnncli.panel.panel import Forecast


class ForecastInputs(NamedTuple):
    """The files that are read."""

    model: Path | None  # None for the pretrained network
    data: str
    future: str | None  # known covariates of the forecast steps
    state: Path | None  # history that earlier runs stored


class ForecastOutputs(NamedTuple):
    """The files that are written."""

    output: str
    format: str | None
    template: Path | None  # write a table of future steps to fill in, instead of a forecast
    plot: Path | None
    follow: bool  # write a forecast for each step that completes
    dry_run: bool  # write nothing, only report

    def resolve_format(self) -> str:
        """Return the format of the forecasts. Raises RequestError if it is unknown or does not suit the output."""
        name = output_format(self.format)
        if is_standard_stream(self.output):
            return name
        if self.format == "table":
            raise RequestError("--format table is for a terminal. Leave out --output, or choose another format")
        return formats.output_format(Path(self.output)) if self.format in (None, "auto") else name


class ForecastBatch(NamedTuple):
    """The forecasts of some series."""

    cutoffs: "Cutoffs"  # (N,)
    forecast: "Forecast"
    samples: "np.ndarray | None"  # (N, H, K, count) sample paths


def check_pretrained(inputs: ForecastInputs, outputs: ForecastOutputs, config: "Config") -> None:
    """Raise RequestError if options exclude each other or the pretrained network, or if a file cannot be written."""
    if inputs.future or outputs.template:
        raise RequestError("the pretrained network uses no covariates. Leave out --future, or train a model")
    _check_options(inputs, outputs, config)
    if inputs.state or outputs.follow:
        _check_complete_table(config)
    _check_files(inputs, outputs)


def check(inputs: ForecastInputs, outputs: ForecastOutputs, card: "Card", config: "Config") -> None:
    """Raise RequestError if options exclude each other or the model, or if a file cannot be written."""
    if (inputs.future or outputs.template) and not any(covariate.role == "known" for covariate in card.inputs):
        raise RequestError("the model has no covariates known in advance (train --known). Leave out --future")
    if inputs.future == inputs.data == STANDARD_STREAM:
        raise RequestError("DATA and --future cannot both be standard input. Name a file for one of them")
    _check_options(inputs, outputs, config)
    if inputs.state or outputs.follow:
        _check_incremental(inputs.model, card, config)
    _check_files(inputs, outputs)


def _check_options(inputs: ForecastInputs, outputs: ForecastOutputs, config: "Config") -> None:
    """Raise RequestError if options exclude each other."""
    if outputs.template is not None and (not is_standard_stream(outputs.output) or outputs.format or outputs.plot):
        raise RequestError("--future-template writes no forecast. Leave out --output, --format and --plot")
    if outputs.follow and outputs.dry_run:
        raise RequestError("--dry-run reads DATA to its end and cannot be combined with --follow. Leave out one")
    if inputs.state is not None and config.freshness.as_of is not None:
        raise RequestError("--as-of drops rows that --state must store. Leave out one")
    if inputs.state is None:
        run_control.check_lock_wait(config.run)


def _check_incremental(model: Path | None, card: "Card", config: "Config") -> None:
    """Raise RequestError if the model or the table cannot be read in portions, as --state and --follow do."""
    advice = "Leave out --state and --follow"
    if any(member.architecture.bptt is not None for member in card.members):
        raise RequestError(f"{model}: the model reads each series from its first row (train --bptt). {advice}")
    if not card.context:
        raise RequestError(f"{model}: the model uses no history (train --context 0), so none can be stored. {advice}")
    _check_complete_table(config)


def _check_complete_table(config: "Config") -> None:
    """Raise RequestError if an option needs the complete table, which --state and --follow do not read."""
    options = {"--resample": config.columns.resample, "--fill-gaps": config.columns.fill_gaps not in (None, "mask")}
    for option, value in options.items():
        if value:
            raise RequestError(
                f"{option} needs the complete table and cannot be combined with --state or --follow. "
                "Resample the rows first"
            )


def _check_files(inputs: ForecastInputs, outputs: ForecastOutputs) -> None:
    """Raise RequestError if a file would be written twice, over an input, or cannot be written at all."""
    sources = [Path(source) for source in inputs if source]
    written = outputs.output, outputs.template, outputs.plot, inputs.state
    run_report.check_destinations((inputs.model, inputs.data, inputs.future), written)
    style.check(outputs.plot, *sources)
    if not is_standard_stream(path := outputs.template or outputs.output):
        atomic.check_table_writable(Path(path), *sources)
