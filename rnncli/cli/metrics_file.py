"""--metrics-file: gauges about a run in the text format of Prometheus, for node exporter's textfile collector."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from rnncli.files import atomic

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

LABELS = ("run", "command")  # run: the name of the file, since the collector accepts each series from one file only
LAST_SUCCESS = "rnncli_last_success_timestamp_seconds"


class RunFigures(NamedTuple):
    """The outcome of a run."""

    command: str
    exit_code: int
    seconds: float
    warnings: int
    facts: dict[str, Any]


def write(path: Path, figures: RunFigures) -> None:
    """Write the gauges. Raises RequestError if the file cannot be written."""
    from prometheus_client import CollectorRegistry, generate_latest

    registry = CollectorRegistry()
    labels, now = (path.stem, figures.command), time.time()
    gauges = {
        "rnncli_last_run_timestamp_seconds": ("End of the last run.", now),
        LAST_SUCCESS: ("End of the last successful run.", _last_success(path, labels) if figures.exit_code else now),
        "rnncli_exit_code": ("Exit code of the last run.", figures.exit_code),
        "rnncli_duration_seconds": ("Duration of the last run.", figures.seconds),
        "rnncli_warnings": ("Number of warnings.", figures.warnings),
        "rnncli_series": ("Number of series in the table.", figures.facts.get("series")),
        "rnncli_rows": ("Number of rows in the table.", figures.facts.get("rows")),
        "rnncli_newest_timestamp_seconds": ("Newest time in the table.", figures.facts.get("newest")),
        "rnncli_forecast_rows": ("Number of forecast rows written.", figures.facts.get("forecast_rows")),
    }
    for name, (text, value) in gauges.items():
        if isinstance(value, int | float):
            _gauge(registry, name, text, LABELS).labels(*labels).set(value)
    scores = {name: value for name, value in figures.facts.get("scores", {}).items() if value is not None}
    if scores:
        gauge = _gauge(registry, "rnncli_score", "Score of the model.", (*LABELS, "metric"))
        for name, value in scores.items():
            gauge.labels(*labels, name).set(value)
    with atomic.atomic_writer(path) as stream:
        stream.write(generate_latest(registry))


def _gauge(registry: "CollectorRegistry", name: str, text: str, labels: tuple[str, ...]) -> Any:
    from prometheus_client import Gauge

    return Gauge(name, text, labels, registry=registry)


def _last_success(path: Path, labels: tuple[str, str]) -> float | None:
    """Return the time of the last success from the existing file, so that a failed run keeps it."""
    from prometheus_client.parser import text_string_to_metric_families

    try:
        families = list(text_string_to_metric_families(path.read_text(encoding="utf-8")))
    except (OSError, ValueError):  # missing, or not a metrics file
        return None
    samples = [sample for family in families for sample in family.samples if sample.name == LAST_SUCCESS]
    matching = (sample for sample in samples if (sample.labels.get("run"), sample.labels.get("command")) == labels)
    return next((sample.value for sample in matching), None)
