"""--dry-run: what a run would read, choose, train and write, and what that takes. Nothing is written."""

import math
import time
from pathlib import Path
from typing import TYPE_CHECKING

from rnncli.cli import console
from rnncli.cli.train import resume
from rnncli.files.paths import is_standard_stream
from rnncli.messages import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    import torch

    from rnncli.cli.forecast.command import Made, Target
    from rnncli.cli.forecast.inputs import Sources
    from rnncli.cli.train.publish import Publication
    from rnncli.config.sections import Config, Run
    from rnncli.model.forecast_state import State
    from rnncli.panel import Cutoffs, Panel
    from rnncli.planning.plan import Plan
    from rnncli.training.cost_estimate import Estimate


def train(config: "Config", plan: "Plan", device: "torch.device", reason: str, size: int) -> None:
    """Which networks there would be, and what they take."""
    from rnncli.training.cost_estimate import estimate
    from rnncli.windows.windows import Sequences

    data = Sequences.of(plan.learned.panel, plan.architecture.horizon)
    size = size if device.type == "cpu" else 1
    found = estimate(data, plan, config.training, device, size)
    tried = f"up to {counted(found.trials, 'network')} to try designs, " if found.trials else ""
    again = f"up to {counted(found.members, 'network')} on all rows, " if found.members else ""
    processes = f", {size} processes" if size > 1 else ""
    console.note(f"device: {device} ({reason}){processes}")
    each = f"{counted(plan.steps, 'step')} each at first" if found.pace else "each a reservoir with its read-out"
    console.note(f"would train: {tried}{again}{each}")
    console.notes([_time_line(found, config), _memory_line(found, config)])


def _time_line(found: "Estimate", config: "Config") -> str:
    asked = config.training
    said = f"--budget {asked.budget:g}s" if asked.budget else f"--preset {asked.preset}"
    most = "" if math.isinf(found.budget) else f"; {said} ends it after {_time(found.budget)}"
    if found.pace is None or found.seconds is None:
        return f"time: not known beforehand, for a reservoir is solved for at once{most}"
    step = f"{_short(1000 * found.pace.seconds)} ms a step of the first design"
    return f"time: about {_time(found.seconds)}, with {step}{most}"


def _memory_line(found: "Estimate", config: "Config") -> str:
    batch = f", {_size(found.pace.memory)} of a batch of {config.training.batch} windows" if found.pace else ""
    return f"memory: about {_size(found.memory)}; each process holds {_size(found.table)} of the table{batch}"


def outputs(output: Path, publication: "Publication", config: "Config") -> None:
    """What would become of the model, and of what lies beside it."""
    left = resume.beside(output)
    if not is_standard_stream(output) and left.exists():
        does = "go on with it" if config.resumption.resume else "begin anew (--resume goes on with it)"
        console.note(f"{left} is of a training that was cut off: it would {does}")
    if publication.conditions:
        wanted = ", ".join(one.text for one in publication.conditions)
        current = publication.current
        against = f", compared with {output}, trained on rows up to {current.card.seen.last}" if current else ""
        console.note(f"would publish it only where this holds: {wanted}{against}")
    console.note(f"would write: the model to {_place(output)}")
    _conclude(config.run)


def forecast(panel: "Panel", ends: "Cutoffs", made: "Iterator[Made]") -> None:
    """Which forecasts there would be, and what they take, told by the first of them."""
    from rnncli.training.cost_estimate import peak

    began = time.monotonic()
    first, (point, _), _ = next(made)
    taken, share = time.monotonic() - began, len(ends.series) / len(first.series)
    count, horizon = len(ends.series), point.shape[1]
    console.note(f"would forecast: {horizon} steps of {count} of {len(panel.ids)} series, {count * horizon} rows")
    batches = f"{math.ceil(share)} batches, the first of which took {_time(taken)}" if share > 1 else "one batch"
    console.note(f"time: about {_time(taken * share)}, for {batches}")
    console.note(f"memory: about {_size(peak())}")


def results(sources: "Sources", target: "Target", what: str, state: "State | None", run: "Run") -> None:
    """What would become of the files."""
    if target.plot is not None:
        console.note(f"would draw: {_place(target.plot)}")
    if sources.state is not None and state is not None:
        kept = f"{len(state.panel.ids)} series, of at most {counted(state.steps, 'step')}"
        console.note(f"would keep: {kept}, in {_place(sources.state)}")
    console.note(f"would write: {what} to {_place(target.template or target.output)}")
    _conclude(run)


def _place(path: Path | str) -> str:
    if is_standard_stream(path):
        return "standard output"
    return f"{path}, in place of the one there" if Path(path).is_file() else f"{path}, which is new"


def _conclude(run: "Run") -> None:
    for what, path in (("a report", run.report), ("figures", run.metrics_file)):
        if path is not None:
            console.note(f"would write: {what} to {_place(path)}")
    console.note("dry run: nothing was written")


def _time(seconds: float) -> str:
    return f"{_short(seconds / 60)} min" if seconds >= 90 else f"{_short(seconds)} s"


def _size(count: float) -> str:
    units = {"GB": 1e9, "MB": 1e6, "KB": 1e3}
    unit = next((name for name, size in units.items() if count >= size), "KB")
    return f"{_short(count / units[unit])} {unit}"


def _short(value: float) -> str:
    return f"{value:.2g}" if value < 10 else f"{value:.0f}"
