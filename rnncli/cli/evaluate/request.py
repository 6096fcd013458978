"""The request of `rnncli evaluate`, checked before anything heavy is imported or read."""

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, get_args

from rnncli.cli.figures import style
from rnncli.config.cells import CellName
from rnncli.config.types import MAX_STEPS
from rnncli.errors import RequestError
from rnncli.evaluation import conditions
from rnncli.files import atomic
from rnncli.messages import did_you_mean

if TYPE_CHECKING:
    from rnncli.panel.time.frequency import Frequency

COMPARISON_METRICS = ("MASE", "coverage")  # default of --compare: the costs of a model leave no room for more


class ScoreRequest(NamedTuple):
    """The scores to report, and their form."""

    format: str
    metrics: list[str] | None  # None: the usual ones
    by: str | None  # groups to break the scores down by
    fail_if: list[str]
    explain: bool
    baselines: tuple[str, ...]  # models of statsforecast, besides the naive ones


class BacktestRequest(NamedTuple):
    """The windows to forecast, the networks that forecast them, and the files to write."""

    windows: int
    step: str | None
    refit_every: int | None  # windows between two trainings; None: the networks are not retrained
    output: Path | None
    plot: Path | None

    def check(self, *inputs: Path) -> None:
        """Raise RequestError if there are no windows, or if a file cannot be written."""
        if self.windows < 1:
            raise RequestError(f"--windows must be at least 1, not {self.windows}")
        if self.output is not None:
            atomic.check_table_writable(self.output, *inputs)
        style.check(self.plot, *inputs)


def parse_refit(text: str) -> int | None:
    """Return the number of windows between two trainings, or None if the networks are not retrained."""
    if text == "never":
        return None
    if text == "every":
        return 1
    if not text.isdecimal() or int(text) < 1:
        raise RequestError(f'--refit must be never, every, or a number of windows such as 5, not "{text}"')
    return int(text)


def parse_cells(text: str) -> list[CellName]:
    """Return the cells to compare, in the order given."""
    known = get_args(CellName)
    names = [part.strip() for part in text.split(",") if part.strip()]
    unknown = [name for name in names if name.lower() not in known]
    if unknown or not names:
        wrong = unknown[0] if unknown else text
        raise RequestError(f'--compare "{wrong}" must be one of {", ".join(known)}.{did_you_mean(wrong, known)}')
    wanted = [name.lower() for name in names]
    return sorted((cell for cell in known if cell in wanted), key=wanted.index)


def parse_metrics(text: str | None) -> list[str] | None:
    """Return the names of the metrics, spelled as in the output; None if the option is not set."""
    from rnncli.evaluation.metrics import METRICS

    if text is None:
        return None
    known = {name.lower(): name for name in METRICS}
    names = [part.strip() for part in text.split(",") if part.strip()]
    unknown = [name for name in names if name.lower() not in known]
    if unknown or not names:
        wrong, choices = unknown[0] if unknown else text, list(known.values())
        raise RequestError(f'--metrics "{wrong}" must be one of {", ".join(choices)}.{did_you_mean(wrong, choices)}')
    return list(dict.fromkeys(known[name.lower()] for name in names))


def metrics_and_conditions(
    request: ScoreRequest, percents: tuple[float, ...], season: int
) -> tuple[list[str], list[conditions.FailCondition]]:
    """Return the metrics to measure, including those that --fail-if needs, and its conditions."""
    from rnncli.evaluation.baselines import methods
    from rnncli.evaluation.metrics import DEFAULT_METRICS, METRICS, columns, comparable, metric_of

    others = [*methods(season), *request.baselines]
    parsed = [
        conditions.parse_fail_condition("--fail-if", text, columns(METRICS, percents), others)
        for text in request.fail_if
    ]
    columns_needed = [condition.metric for condition in parsed if isinstance(condition, conditions.ScoreCondition)]
    needed = [metric.name for column in columns_needed if (metric := metric_of(column))]
    metrics = list(dict.fromkeys([*(request.metrics or DEFAULT_METRICS), *needed]))
    for condition in parsed:
        match condition:
            case conditions.WorseThan() if comparable(metrics) is None:
                choices = ", ".join(name for name, metric in METRICS.items() if metric.comparable)
                raise RequestError(f'--fail-if "{condition.text}" needs one of {choices} in --metrics')
            case conditions.Drifted():
                raise RequestError(f'--fail-if "{condition.text}" needs saved forecasts instead of MODEL')
    return metrics, parsed


def parse_baselines(text: str | None) -> tuple[str, ...]:
    """Return the models of statsforecast to compare with."""
    from rnncli.evaluation.statsforecast_models import MODELS, check_models

    known = {name.lower(): name for name in MODELS}
    parts = [part.strip() for part in (text or "").split(",") if part.strip()]
    names = tuple(dict.fromkeys(known.get(part.lower(), part) for part in parts))
    check_models("--baselines", names)
    return names


def parse_step(text: str, frequency: "Frequency") -> int:
    """Return the number of rows between two windows, given as a number of steps or a duration."""
    from rnncli.panel.time.frequency import steps_in

    try:
        rows = int(text) if text.strip().isdecimal() else steps_in(text, frequency)
    except RequestError as error:
        raise RequestError(f'--step "{text}": {error}') from error
    if not 1 <= rows <= MAX_STEPS:
        raise RequestError(f"--step must be 1 to {MAX_STEPS} steps, not {rows} ({text})")
    return rows
