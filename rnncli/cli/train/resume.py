"""A training that was cut off: what it leaves beside the model, and what the next one makes of it."""

import math
from pathlib import Path
from typing import TYPE_CHECKING

from rnncli.cli import console, run_report
from rnncli.files.paths import is_standard_stream

if TYPE_CHECKING:
    from rnncli.config.sections import Resumption
    from rnncli.panel import Panel
    from rnncli.training.checkpoint import CheckpointFolder


SUFFIX = ".unfinished"


def checkpoint_folder(output: Path) -> Path:
    """Where a training is kept until it is done: beside the model that it is to become."""
    return output.with_name(f"{output.name}{SUFFIX}")


def folder(output: Path, asked: "Resumption", panel: "Panel") -> "CheckpointFolder | None":
    """What is kept of the training there."""
    from rnncli.training.checkpoint import CheckpointFolder

    if is_standard_stream(output) or not output.parent.is_dir():
        return None
    path = checkpoint_folder(output)
    kept = CheckpointFolder(path, asked.checkpoint or math.inf, panel.fingerprint())
    if asked.resume and not path.exists():
        console.note(f"there is no {path} to go on with: the training begins anew")
    elif not asked.resume and path.exists():
        console.note(f"{path} is of a training that was cut off: it begins anew (--resume goes on with it)")
        kept.clear()
    done = f"{run_report.NO_FILE_WRITTEN}. What is done is in {path}: train --resume goes on with it"
    run_report.set_interruption_hint(lambda: done if path.exists() else run_report.NO_FILE_WRITTEN)
    return kept if asked.checkpoint > 0 or asked.resume else None


def conclude(kept: "CheckpointFolder | None") -> None:
    """The model is written: what was kept of its training is not needed any more."""
    run_report.set_interruption_hint(lambda: run_report.NO_FILE_WRITTEN)
    if kept is None:
        return
    kept.clear()
    if kept.problem is not None:
        console.warn(f"meanwhile the training could not be kept for --resume: {kept.problem}")
