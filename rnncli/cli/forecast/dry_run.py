"""`forecast --dry-run`: report what a run would forecast and write, and its time and memory. Writes nothing."""

import math
import time
from typing import TYPE_CHECKING

from rnncli.cli import console
from rnncli.cli.descriptions import duration_words, size_words
from rnncli.cli.output import conclude_dry_run, target_words
from rnncli.messages import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rnncli.cli.forecast.request import ForecastBatch, ForecastInputs, ForecastOutputs
    from rnncli.config.sections import Run
    from rnncli.model.forecast_state import ForecastState
    from rnncli.panel import Cutoffs, Panel


def report_forecast(panel: "Panel", cutoffs: "Cutoffs", batches: "Iterator[ForecastBatch]") -> None:
    """Report the size of the forecast, and its time and memory, extrapolated from the first batch."""
    from rnncli.training.cost_estimate import peak_memory

    began = time.monotonic()
    first = next(batches)
    seconds, ratio = time.monotonic() - began, len(cutoffs.series) / len(first.cutoffs.series)
    count, horizon = len(cutoffs.series), first.forecast.point.shape[1]
    total = f" of {len(panel.ids)}" if count < len(panel.ids) else ""
    rows = counted(count * horizon, "row")
    console.note(f"would forecast: {counted(horizon, 'step')} of {count}{total} series, {rows}")
    scope = f"{math.ceil(ratio)} batches; the first took {duration_words(seconds)}" if ratio > 1 else "one batch"
    console.note(f"time: about {duration_words(seconds * ratio)} ({scope})")
    console.note(f"memory: about {size_words(peak_memory())}")


def report_files(
    inputs: "ForecastInputs", outputs: "ForecastOutputs", content: str, state: "ForecastState | None", run: "Run"
) -> None:
    """Report which files would be written; `content` describes the main output."""
    if outputs.plot is not None:
        console.note(f"would write: the plot to {target_words(outputs.plot)}")
    if inputs.state is not None and state is not None:
        stored = f"{counted(state.steps, 'step')} of {len(state.panel.ids)} series"
        console.note(f"would store: up to {stored} in {target_words(inputs.state)}")
    console.note(f"would write: {content} to {target_words(outputs.template or outputs.output)}")
    conclude_dry_run(run)
