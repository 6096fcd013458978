"""Figures of a run for node exporter's textfile collector: a file of gauges, which appears whole or not at all."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from rnncli.files import atomic

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

LABELS = ("run", "command")  # run: the file's own name, for the collector takes each figure from one file alone
LAST_SUCCESS = "rnncli_last_success_timestamp_seconds"


class RunFigures(NamedTuple):
    """What is known as a run ends."""

    command: str
    exit_code: int
    seconds: float
    warnings: int
    facts: dict[str, Any]


def write(path: Path, figures: RunFigures) -> None:
    """The figures in Prometheus' text format. Raises RequestError where the file cannot be written."""
    from prometheus_client import CollectorRegistry, generate_latest

    registry = CollectorRegistry()
    own, now = (path.stem, figures.command), time.time()
    plain = {
        "rnncli_last_run_timestamp_seconds": ("When it last ended.", now),
        LAST_SUCCESS: ("When it last ended well.", _last_success(path, own) if figures.exit_code else now),
        "rnncli_exit_code": ("How it ended.", figures.exit_code),
        "rnncli_duration_seconds": ("How long it took.", figures.seconds),
        "rnncli_warnings": ("Warnings given.", figures.warnings),
        "rnncli_series": ("Series in the table.", figures.facts.get("series")),
        "rnncli_rows": ("Rows in the table.", figures.facts.get("rows")),
        "rnncli_newest_timestamp_seconds": ("The newest time in the table.", figures.facts.get("newest")),
        "rnncli_forecast_rows": ("Rows of forecasts written.", figures.facts.get("forecast_rows")),
    }
    for name, (text, value) in plain.items():
        if isinstance(value, int | float):
            _gauge(registry, name, text, LABELS).labels(*own).set(value)
    scores = {name: value for name, value in figures.facts.get("scores", {}).items() if value is not None}
    if scores:
        gauge = _gauge(registry, "rnncli_score", "The model's score.", (*LABELS, "metric"))
        for name, value in scores.items():
            gauge.labels(*own, name).set(value)
    with atomic.atomic_writer(path) as stream:
        stream.write(generate_latest(registry))


def _gauge(registry: "CollectorRegistry", name: str, text: str, labels: tuple[str, ...]) -> Any:
    from prometheus_client import Gauge

    return Gauge(name, text, labels, registry=registry)


def _last_success(path: Path, own: tuple[str, str]) -> float | None:
    """When it last ended well, as the file said before: a failure does not make that unknown."""
    from prometheus_client.parser import text_string_to_metric_families

    try:
        families = list(text_string_to_metric_families(path.read_text(encoding="utf-8")))
    except (OSError, ValueError):  # none yet, or somebody else's
        return None
    samples = [one for family in families for one in family.samples if one.name == LAST_SUCCESS]
    return next((one.value for one in samples if (one.labels.get("run"), one.labels.get("command")) == own), None)
