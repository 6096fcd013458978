"""`train --dry-run`: report what a run would train and write, and its time and memory. Writes nothing."""

import math
from pathlib import Path
from typing import TYPE_CHECKING

from rnncli.cli import console
from rnncli.cli.descriptions import duration_words, short_number, size_words
from rnncli.cli.output import conclude_dry_run, target_words
from rnncli.cli.train import resume
from rnncli.files.paths import is_standard_stream
from rnncli.messages import counted

if TYPE_CHECKING:
    import torch

    from rnncli.cli.train.publish import Publication
    from rnncli.config.sections import Config, Training
    from rnncli.planning.plan import Plan
    from rnncli.training.cost_estimate import CostEstimate


def report_training(config: "Config", plan: "Plan", device: "torch.device", reason: str, processes: int) -> None:
    """Report which networks would be trained, and their time and memory."""
    from rnncli.training.cost_estimate import estimate_cost

    processes = processes if device.type == "cpu" else 1
    cost = estimate_cost(plan, config.training, device, processes)
    trials = f"up to {counted(cost.trials, 'network')} to compare architectures, " if cost.trials else ""
    refits = f"up to {counted(cost.members, 'network')} on all rows, " if cost.members else ""
    console.note(f"device: {device} ({reason})" + (f", {processes} processes" if processes > 1 else ""))
    steps = f"{counted(plan.steps, 'step')} each at first" if cost.update_cost else "each with a closed-form readout"
    console.note(f"would train: {trials}{refits}{steps}")
    console.notes([_work_line(cost, config.training), _memory_line(cost, config)])


def _work_line(cost: "CostEstimate", training: "Training") -> str:
    limit = "" if math.isinf(cost.limit) else f"; at most {duration_words(cost.limit)} (--budget)"
    option = f"--members {training.members}" if training.members else f"--preset {training.effort}"
    work = f"work: up to {duration_words(cost.work)} of a core of the reference machine ({option})"
    if cost.update_cost is None or cost.seconds is None:
        return f"{work}; no estimate of the time for an echo state network, which is solved in closed form{limit}"
    step = f"{short_number(1000 * cost.update_cost.seconds)} ms per step of the first architecture"
    return f"{work}; here about {duration_words(cost.seconds)} ({step}){limit}"


def _memory_line(cost: "CostEstimate", config: "Config") -> str:
    batch = ""
    if cost.update_cost:
        batch = f" and {size_words(cost.update_cost.memory)} for a batch of {config.training.batch} windows"
    return f"memory: about {size_words(cost.memory)}; each process needs {size_words(cost.table)} for the table{batch}"


def report_files(output: Path, publication: "Publication", config: "Config") -> None:
    """Report whether the model would be published, and which files would be written."""
    checkpoint = resume.checkpoint_folder(output)
    if not is_standard_stream(output) and checkpoint.exists():
        action = "would be continued" if config.resumption.resume else "would be discarded (--resume continues it)"
        console.note(f"{checkpoint}: the interrupted training {action}")
    if publication.conditions:
        conditions = ", ".join(condition.text for condition in publication.conditions)
        current = publication.current
        compared = f", compared with {output}, trained on rows up to {current.card.seen.last}" if current else ""
        console.note(f"would publish only if: {conditions}{compared}")
    console.note(f"would write: the model to {target_words(output)}")
    conclude_dry_run(config.run)
