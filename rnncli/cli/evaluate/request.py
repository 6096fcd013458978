"""What evaluate is asked for, checked before anything heavy is imported or read."""

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, get_args

from rnncli.cli.figures import style
from rnncli.config.cells import CellName
from rnncli.config.types import MOST_STEPS
from rnncli.errors import RequestError
from rnncli.evaluation import conditions
from rnncli.files import atomic
from rnncli.messages import did_you_mean

if TYPE_CHECKING:
    from rnncli.panel.time.frequency import Frequency


class Wishes(NamedTuple):
    """Which scores, and in which form."""

    kind: str
    names: list[str] | None  # metrics
    by: str | None
    fail_if: list[str]
    explain: bool
    automatic: tuple[str, ...]  # models of statsforecast to compare with


class Rolling(NamedTuple):
    """Which windows to forecast, by which networks, and what is kept of it."""

    windows: int
    step: str | None
    every: int | None  # windows from one training to the next; None: the networks stay as they are
    output: Path | None
    plot: Path | None

    def check(self, *inputs: Path) -> None:
        """Raise RequestError for what cannot be had."""
        if self.windows < 1:
            raise RequestError(f"--windows {self.windows} is none. Give at least 1")
        if self.output is not None:
            atomic.check_table_writable(self.output, *inputs)
        style.check(self.plot, *inputs)


def every(asked: str) -> int | None:
    """Windows from one training to the next, or None for no training at all."""
    if asked == "never":
        return None
    if asked == "every":
        return 1
    if not asked.isdecimal() or int(asked) < 1:
        raise RequestError(f'--refit "{asked}" is none of never, every, or a number of windows such as 5')
    return int(asked)


def cells(asked: str) -> list[CellName]:
    """The cells to compare."""
    known = get_args(CellName)
    names = [text.strip() for text in asked.split(",") if text.strip()]
    unknown = [name for name in names if name.lower() not in known]
    if unknown or not names:
        wrong = unknown[0] if unknown else asked
        raise RequestError(f'--compare "{wrong}" is none of {", ".join(known)}.{did_you_mean(wrong, list(known))}')
    wanted = [name.lower() for name in names]
    return sorted((cell for cell in known if cell in wanted), key=wanted.index)


def names(asked: str | None) -> list[str] | None:
    """The metrics asked for, by their own names; None where it was not said."""
    from rnncli.evaluation.metrics import every_name

    if asked is None:
        return None
    known = {name.lower(): name for name in every_name()}
    wanted = [name.strip() for name in asked.split(",") if name.strip()]
    unknown = [name for name in wanted if name.lower() not in known]
    if unknown or not wanted:
        wrong, every = unknown[0] if unknown else asked, list(known.values())
        raise RequestError(f'--metrics "{wrong}" is none of {", ".join(every)}.{did_you_mean(wrong, every)}')
    return list(dict.fromkeys(known[name.lower()] for name in wanted))


def gated(wished: Wishes, percents: tuple[float, ...], season: int) -> tuple[list[str], list[conditions.Gate]]:
    """The metrics to measure, those that a gate takes among them, and the gates."""
    from rnncli.evaluation.baselines import BASELINES
    from rnncli.evaluation.metrics import METRICS, USUAL, columns, every_name

    needed = list(wished.names or USUAL)
    methods = [*(name for name in BASELINES if name != "SeasonalNaive" or season > 1), *wished.automatic]
    wanted = [conditions.parse(text, columns(every_name(), percents), methods) for text in wished.fail_if]
    taken = [gate.metric.split("-")[0] for gate in wanted if isinstance(gate, conditions.Score)]
    needed = list(dict.fromkeys([*needed, *taken]))
    for gate in wanted:
        match gate:
            case conditions.Worse() if not set(needed) & set(METRICS):
                raise RequestError(f'--fail-if "{gate.text}" needs one of {", ".join(METRICS)} among the --metrics')
            case conditions.Drift():
                raise RequestError(f'--fail-if "{gate.text}" takes forecasts made earlier in place of MODEL')
    return needed, wanted


def automatic(asked: str | None) -> tuple[str, ...]:
    """The models of statsforecast asked for."""
    from rnncli.evaluation.statsforecast_models import MODELS, check

    own = {name.lower(): name for name in MODELS}
    texts = [text.strip() for text in (asked or "").split(",") if text.strip()]
    names = tuple(dict.fromkeys(own.get(text.lower(), text) for text in texts))
    check(names)
    return names


def apart(step: str, frequency: "Frequency") -> int:
    """Rows from one window to the next."""
    from rnncli.panel.time import frequency as clock

    try:
        rows = int(step) if step.strip().isdecimal() else clock.steps_in(step, frequency)
    except RequestError as error:
        raise RequestError(f'--step "{step}": {error}') from error
    if not 1 <= rows <= MOST_STEPS:
        raise RequestError(f"--step {step} is {rows} steps. Give at least 1, and at most {MOST_STEPS}")
    return rows
