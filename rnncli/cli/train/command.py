"""rnncli train: learn from a table; write one model file."""

import math
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple, TypeVar

import typer

from rnncli.cli import completion, console, data_input, descriptions, run_control, run_report
from rnncli.cli.options import Settings, configured
from rnncli.cli.train import finetune, publish, resume
from rnncli.cli.train.dry_run import report_files, report_training
from rnncli.config.sections import Config
from rnncli.errors import RequestError, about
from rnncli.evaluation import conditions
from rnncli.files import atomic
from rnncli.files.paths import is_standard_stream
from rnncli.messages import counted
from rnncli.model import card_file
from rnncli.tables.formats import FORMATS

if TYPE_CHECKING:
    import torch

    from rnncli.model.card import Card
    from rnncli.model.model import Model
    from rnncli.panel import Panel
    from rnncli.planning.plan import Plan
    from rnncli.training.checkpoint import CheckpointFolder
    from rnncli.training.train_model import TrainedModel

T = TypeVar("T")


@configured("columns", "network", "training", "compute", "freshness", "resumption")
def train(
    settings: Settings,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="Where the model goes: a file, or - (stdout).")
    ],
    data: Annotated[
        str | None, typer.Argument(metavar="DATA", help="CSV, TSV, JSON, Parquet, a folder of Parquet, or - (stdin).")
    ] = None,
    from_: Annotated[
        Path | None, typer.Option("--from", metavar="MODEL", help="Go on with the networks of this model, for a while.")
    ] = None,
    publish_if: Annotated[
        list[str] | None,
        typer.Option(metavar="CONDITION", help=f"Replace the model only where it holds: {conditions.CONDITIONS}."),
    ] = None,
    rollback: Annotated[
        bool, typer.Option("--rollback", help="Put the model back that the last publication replaced; train nothing.")
    ] = False,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Say what would be chosen, trained and written, and what it takes; do nothing."),
    ] = False,
    format: Annotated[
        str | None,
        typer.Option(
            metavar="|".join(FORMATS),
            help="What DATA is, if its name does not tell.",
            autocompletion=completion.formats,
        ),
    ] = None,
) -> None:
    """Learn from a table; write one model file.

    Whatever is not said is chosen from the data and printed. The end of every series is held out to validate on.
    """
    if rollback:
        if data is not None or publish_if or dry_run:
            raise RequestError("--rollback trains nothing: leave out DATA, --publish-if and --dry-run")
        publish.roll_back(output)
        return
    if data is None:
        raise RequestError("what to learn from is missing: rnncli train DATA, or - for standard input")
    start = None if from_ is None else card_file.read_model_file(from_)
    config = settings.applied_to(Config()) if start is None else finetune.configured(start.card, settings)
    _check(config, data, output, publish_if)
    conditions = publish.asked(publish_if or [], config.forecast.level)
    with run_control.locked_file(output if conditions else None, config.run.lock_wait, dry_run):
        outcome = _trained(data, format, config, Wish(output, start, conditions, dry_run))
    if outcome is not None:
        _conclude(outcome.model, output)


class Wish(NamedTuple):
    """What a training is for."""

    output: Path
    start: card_file.ModelFile | None  # the model to go on from
    conditions: list[conditions.Condition]  # for the model to be written
    dry: bool  # nothing but what it would be


def _trained(data: str, format: str | None, config: Config, wish: Wish) -> "TrainedModel | None":
    """The model, trained and written; none where it was only to be said what that would be."""
    # Heavy imports wait for here: `rnncli --help` and wrong options answer at once.
    from rnncli.model import weights_file
    from rnncli.panel.memmap import Store
    from rnncli.planning import plan as choices
    from rnncli.training import train_model

    before = None if wish.start is None else weights_file.decode(wish.start)
    columns = (
        config.columns if before is None else data_input.columns_for_model(before.card, config.columns, weighed=True)
    )
    expected = None if before is None else data_input.expected(before.card)
    with Store(config.compute.memory) as store:
        with about(data):
            series = data_input.read_panel(data, columns, expected, format, store)
            series = data_input.apply_freshness(series, config.freshness)
            console.notes([*descriptions.panel_lines(data, series), *descriptions.store_lines(store)])
            if before is None:
                plan = choices.make_plan(series, config.network, config.training)
            else:
                plan = finetune.plan(before, series, config)
        console.notes(descriptions.choice_lines(plan))
        publication = publish.prepared(wish.conditions, wish.output, series, plan.architecture.horizon)
        if wish.dry:
            _on_device(series, config, plan, partial(report_training, config, plan))
            report_files(wish.output, publication, config)
            return None
        with console.timed("training"):
            unfinished = resume.folder(wish.output, config.resumption, series)
            outcome = _fit(series, config, plan, publication.current, unfinished)
        publish.decide(publication, outcome, series)
        outcome = outcome if before is None else train_model.keep_calibration(outcome, before)
        with console.timed("writing"):
            _write(outcome.model, wish.output, keeping=bool(wish.conditions))
        resume.conclude(unfinished)
    return outcome


def _check(config: Config, data: str, output: Path, publish_if: list[str] | None) -> None:
    """Raise RequestError for what cannot be done as asked."""
    if config.network.horizon is None:
        raise RequestError("how far to forecast is for you to say: --horizon 24, or --horizon 7d")
    if not is_standard_stream(output):
        atomic.check_writable(output, Path(data))
        run_report.check_destinations((data,), (output,))
    elif publish_if:
        raise RequestError("--publish-if compares with the model file in use. Name it with --output")
    elif sys.stdout.isatty():
        raise RequestError("a terminal cannot show a model. Send it on with > or name a file with --output")
    if not publish_if:
        run_control.check_lock_wait(config.run)


def _write(model: "Model", output: Path, keeping: bool) -> None:
    """The model to its file, keeping the one there if so said, or to standard output."""
    from rnncli.model import weights_file

    if keeping:
        publish.publish(model, output)
        return
    if not is_standard_stream(output):
        weights_file.save(model, output)
        return
    sys.stdout.buffer.write(weights_file.encode(model))
    sys.stdout.buffer.flush()


def _fit(
    series: "Panel", config: Config, plan: "Plan", current: "Model | None", unfinished: "CheckpointFolder | None"
) -> "TrainedModel":
    """The trained model with its validation scores, on the device asked for or on the processor where that fails."""
    from rnncli.training import train_model
    from rnncli.training import workers as crew
    from rnncli.windows.windows import Sequences

    data = Sequences.of(plan.learned.panel, plan.architecture.horizon)

    def on(where: "torch.device", reason: str, size: int) -> "TrainedModel":
        workers = crew.gather(data, where, size, unfinished)
        console.note(f"device: {where} ({reason})" + (f", {workers.size} processes" if workers.size > 1 else ""))
        with console.progress() as report:
            return train_model.train(series, config, plan, workers, report, current)

    return _on_device(series, config, plan, on)


def _on_device(series: "Panel", config: Config, plan: "Plan", work: "Callable[[torch.device, str, int], T]") -> T:
    """What is done on a device, for a reason, by so many processes; on the processor where that fails."""
    import torch

    from rnncli.network import device

    place = device.prepare(
        config.compute.device, device.work_per_step(plan.architecture, series.targets, config.training.batch)
    )
    size = device.processes(config.training.members)
    run_report.add_facts(device=str(place.device), seed=config.training.seed)
    try:
        return work(place.device, place.reason, size)
    except NotImplementedError as error:
        if place.device.type == "cpu":
            raise
        console.warn(f"{place.device} lacks an operation ({str(error).splitlines()[0]}): training on the CPU instead")
        return work(torch.device("cpu"), place.reason, size)


def _conclude(model: "Model", output: Path) -> None:
    """What to judge by: the members, their scores, the file."""
    card = model.card
    run_report.add_facts(model=str(output), networks=len(card.members), scores=card.scores.get("rnncli", {}))
    console.notes(descriptions.member_lines(card))
    if not card.scores:
        console.warn("no series has rows enough to validate on: how good the forecasts are is not known")
    else:
        console.note(descriptions.interval_line(card))
        _compare(card)
    size = "" if is_standard_stream(output) else f", {output.stat().st_size / 1024:.0f} KiB"
    console.note(f"model: {output} ({card.parameters} weights{size})")


def _compare(card: "Card") -> None:
    name, called = ("SeasonalNaive", "seasonal naive") if "SeasonalNaive" in card.scores else ("Naive", "naive")
    own, other = card.scores["rnncli"]["MASE"], card.scores[name]["MASE"]
    where = f"({counted(card.validation.windows, 'window')} that the networks scored there never trained on)"
    if own is None or other is None or math.isnan(own) or math.isnan(other):
        console.warn(f"validation: nothing to measure: values are missing, or the series never change {where}")
    elif other == 0:
        console.note(f"validation: MASE {own:.3f}, {called} 0: it makes no error {where}")
    else:
        change = 100 * (1 - own / other)
        verdict = f"{abs(change):.0f} % {'better' if change >= 0 else 'WORSE'}"
        console.note(f"validation: MASE {own:.3f}, {called} {other:.3f}: {verdict} {where}")
