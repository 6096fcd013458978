"""The `train` command: learn from a table and write one model file."""

import math
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple, TypeVar

import typer

from rnncli.cli import completion, console, data_input, descriptions, run_control, run_report
from rnncli.cli.options import configured
from rnncli.cli.settings import Settings
from rnncli.cli.train import finetune, publish, resume
from rnncli.cli.train.dry_run import report_files, report_training
from rnncli.errors import RequestError, about
from rnncli.evaluation.conditions import PUBLISH_EXAMPLES, PublishCondition
from rnncli.files import atomic
from rnncli.files.paths import is_standard_stream
from rnncli.messages import counted
from rnncli.tables.formats import FORMATS

if TYPE_CHECKING:
    import torch

    from rnncli.config.sections import Config
    from rnncli.model.card import Card
    from rnncli.model.card_file import ModelFile
    from rnncli.model.model import Model
    from rnncli.panel import Panel
    from rnncli.panel.memmap import Store
    from rnncli.planning.plan import Plan
    from rnncli.training.assembly import TrainedModel
    from rnncli.training.checkpoint import CheckpointFolder

T = TypeVar("T")


class TrainRequest(NamedTuple):
    """Inputs of a training, and the model to write, with its conditions."""

    data: str
    format: str | None  # of the data
    output: Path
    start: "ModelFile | None"  # the model to fine-tune
    publish_if: list[str]
    dry_run: bool


@configured("columns", "network", "training", "compute", "freshness", "resumption")
def train(
    settings: Settings,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="Model file to write, or - for standard output.")
    ],
    data: Annotated[
        str | None,
        typer.Argument(metavar="DATA", help="Table to train on: file, folder of Parquet files, URL, or - (stdin)."),
    ] = None,
    from_: Annotated[
        Path | None, typer.Option("--from", metavar="MODEL", help="Fine-tune the networks of this model.")
    ] = None,
    publish_if: Annotated[
        list[str] | None,
        typer.Option(metavar="CONDITION", help=f"Replace the model only if this holds: {PUBLISH_EXAMPLES}."),
    ] = None,
    rollback: Annotated[
        bool, typer.Option("--rollback", help="Restore the model that --publish-if replaced last; train nothing.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Report what would be trained, and the time and memory; write nothing.")
    ] = False,
    format: Annotated[
        str | None,
        typer.Option(
            metavar="|".join(FORMATS),
            help="Format of DATA. [default: from the file name]",
            autocompletion=completion.table_formats,
        ),
    ] = None,
) -> None:
    """Train networks on a table and write one model file.

    Options that are not set are chosen from the data and reported. The end of each series is held out for
    validation.
    """
    if rollback:
        if data is not None or publish_if or dry_run:
            raise RequestError("--rollback trains nothing. Leave out DATA, --publish-if and --dry-run")
        publish.roll_back(output)
        return
    if data is None:
        raise RequestError("DATA is missing: rnncli train DATA, or - for standard input")
    _run(TrainRequest(data, format, output, _start(from_), publish_if or [], dry_run), settings)


def _start(model: Path | None) -> "ModelFile | None":
    """Read the model to fine-tune, once."""
    if model is None:
        return None
    from rnncli.model import card_file  # takes a tenth of the time of --help

    return card_file.read_model_file(model)


def _run(request: TrainRequest, settings: Settings) -> None:
    """Check the request, train, write the model, and report its scores."""
    start = request.start
    config = settings.config() if start is None else finetune.config_of(start.card, settings)
    _check(request, config)
    conditions = publish.parse_conditions(request.publish_if, config.forecast.level)
    locked_file = request.output if conditions else None
    with run_control.locked_file(locked_file, config.run.lock_wait, request.dry_run):
        outcome = _train(request, config, conditions)
    if outcome is not None:
        _report_scores(outcome.model, request.output)


def _check(request: TrainRequest, config: "Config") -> None:
    """Raise RequestError if the horizon is missing or the model cannot be written."""
    output = request.output
    if config.network.horizon is None:
        raise RequestError("the horizon is missing: --horizon 24 (steps), or --horizon 7d (a duration)")
    if not is_standard_stream(output):
        atomic.check_writable(output, Path(request.data))
        run_report.check_destinations((request.data,), (output,))
    elif request.publish_if:
        raise RequestError("--publish-if compares with the current model file. Name it with --output")
    elif sys.stdout.isatty():
        raise RequestError("a terminal cannot show a model file. Redirect it with >, or name a file with --output")
    if not request.publish_if:
        run_control.check_lock_wait(config.run)


def _train(request: TrainRequest, config: "Config", conditions: list[PublishCondition]) -> "TrainedModel | None":
    """Train and write a model; with --dry-run only report and return None.

    The heavy imports are here: `rnncli --help` and wrong options answer at once.
    """
    from rnncli.model import weights_file
    from rnncli.panel.memmap import Store
    from rnncli.training.assembly import keep_calibration

    start = None if request.start is None else weights_file.decode(request.start)
    with Store(config.compute.memory) as store:
        with about(request.data):
            panel = _read(request, config, start, store)
            plan = _plan(panel, config, start)
        console.notes(descriptions.choice_lines(plan))
        publication = publish.prepare(conditions, request.output, panel, plan.architecture.horizon)
        if request.dry_run:
            if plan.pretrained == "alone":
                console.note("would train: no network; the pretrained one is calibrated on the table")
            else:
                _on_device(panel, config, plan, partial(report_training, config, plan))
            report_files(request.output, publication, config)
            return None
        with console.timed("training"):
            checkpoints = resume.open_checkpoints(request.output, config.resumption, panel)
            outcome = _fit(panel, config, plan, publication.current, start, checkpoints)
        publish.check_conditions(publication, outcome, panel)
        outcome = outcome if start is None else keep_calibration(outcome, start)
        with console.timed("writing"):
            _write(outcome.model, request.output, keep_previous=bool(conditions))
        resume.discard_checkpoints(checkpoints)
    return outcome


def _read(request: TrainRequest, config: "Config", start: "Model | None", store: "Store") -> "Panel":
    """Return the training panel, and report what it contains."""
    columns, expected = config.columns, None
    if start is not None:
        columns = data_input.columns_for_model(start.card, columns, weighed=True)
        expected = data_input.expected(start.card)
    panel = data_input.read_panel(request.data, columns, expected, request.format, store)
    panel = data_input.apply_freshness(panel, config.freshness)
    console.notes([*descriptions.panel_lines(request.data, panel), *descriptions.store_lines(store)])
    return panel


def _plan(panel: "Panel", config: "Config", start: "Model | None") -> "Plan":
    """Return what is to be trained: new networks, or those of the model to fine-tune."""
    from rnncli.planning.plan import make_plan

    if start is not None:
        return finetune.plan(start, panel, config)
    return make_plan(panel, config.network, config.training)


def _write(model: "Model", output: Path, keep_previous: bool) -> None:
    """Write the model to its file or to standard output."""
    from rnncli.model import weights_file

    if keep_previous:
        publish.publish(model, output)
        return
    if not is_standard_stream(output):
        weights_file.save(model, output)
        return
    sys.stdout.buffer.write(weights_file.encode(model))
    sys.stdout.buffer.flush()


def _fit(
    panel: "Panel",
    config: "Config",
    plan: "Plan",
    current: "Model | None",
    start: "Model | None",
    checkpoints: "CheckpointFolder | None",
) -> "TrainedModel":
    """Return the trained model with its validation scores."""
    from rnncli.training import train_model
    from rnncli.training.network_workers import network_workers

    if plan.pretrained == "alone":
        return train_model.without_training(config, plan, current)

    def train_on(device: "torch.device", reason: str, processes: int) -> "TrainedModel":
        workers = network_workers(plan, device, processes, checkpoints)
        console.note(f"device: {device} ({reason})" + (f", {workers.size} processes" if workers.size > 1 else ""))
        with console.progress() as report:
            return train_model.train(config, plan, workers, report, current, start)

    return _on_device(panel, config, plan, train_on)


def _on_device(panel: "Panel", config: "Config", plan: "Plan", work: "Callable[[torch.device, str, int], T]") -> T:
    """Return `work(device, reason, processes)` on the requested device, or on the CPU if it lacks an operation."""
    import torch

    from rnncli.network import device

    size = device.work_per_step(plan.architecture, panel.targets, config.training.batch)
    placement = device.prepare(config.compute.device, size)
    processes = device.processes(config.training.members)
    run_report.add_facts(device=str(placement.device), seed=config.training.seed)
    try:
        return work(placement.device, placement.reason, processes)
    except NotImplementedError as error:
        if placement.device.type == "cpu":
            raise
        console.warn(
            f"{placement.device} lacks an operation ({str(error).splitlines()[0]}): training on the CPU instead"
        )
        return work(torch.device("cpu"), placement.reason, processes)


def _report_scores(model: "Model", output: Path) -> None:
    """Report the members, their validation scores and the file."""
    card = model.card
    run_report.add_facts(model=str(output), networks=len(card.members), scores=card.model_scores)
    console.notes(descriptions.member_lines(card))
    if "engine" in card.reasons:
        console.warn(f"forecasts of this model need torch: {card.reasons['engine']}")
    if not card.scores:
        console.warn("no series is long enough for validation: the accuracy of the forecasts is unknown")
    else:
        console.note(descriptions.interval_line(card))
        _report_validation(card)
    size = "" if is_standard_stream(output) else f", {output.stat().st_size / 1024:.0f} KiB"
    console.note(f"model: {output} ({card.parameters} weights{size})")


def _report_validation(card: "Card") -> None:
    """Report the validation MASE, compared with the naive forecast's."""
    method, name = ("SeasonalNaive", "seasonal naive") if "SeasonalNaive" in card.scores else ("Naive", "naive")
    score, naive = card.model_scores["MASE"], card.scores[method]["MASE"]
    windows = f"({counted(card.validation.windows, 'window')}, not used to train the networks scored)"
    if score is None or naive is None or math.isnan(score) or math.isnan(naive):
        console.warn(f"validation: no score, because values are missing or the series are constant {windows}")
    elif naive == 0:
        console.note(f"validation: MASE {score:.3f}, {name} 0 (no error) {windows}")
    else:
        change = 100 * (1 - score / naive)
        verdict = f"{abs(change):.0f} % {'better' if change >= 0 else 'WORSE'}"
        console.note(f"validation: MASE {score:.3f}, {name} {naive:.3f}: {verdict} {windows}")
