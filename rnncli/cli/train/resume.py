"""The checkpoints of an interrupted training, and its continuation with `train --resume`."""

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
    """Return the folder of checkpoints, which lies next to the model file to be written."""
    return output.with_name(f"{output.name}{SUFFIX}")


def open_checkpoints(output: Path, resumption: "Resumption", panel: "Panel") -> "CheckpointFolder | None":
    """Return the folder for checkpoints, or None if none are to be read or written.

    Checkpoints of an earlier run are discarded unless --resume is set.
    """
    from rnncli.training.checkpoint import CheckpointFolder

    if is_standard_stream(output) or not output.parent.is_dir():
        return None
    path = checkpoint_folder(output)
    folder = CheckpointFolder(path, resumption.checkpoint or math.inf, panel.fingerprint())
    if resumption.resume and not path.exists():
        console.note(f"{path} does not exist: nothing to resume, the training starts from scratch")
    elif not resumption.resume and path.exists():
        console.note(f"{path}: the interrupted training is discarded (--resume continues it)")
        folder.clear()
    hint = f"{run_report.NO_FILE_WRITTEN}. Finished work is in {path}: continue with train --resume"
    run_report.set_interruption_hint(lambda: hint if path.exists() else run_report.NO_FILE_WRITTEN)
    return folder if resumption.checkpoint > 0 or resumption.resume else None


def discard_checkpoints(folder: "CheckpointFolder | None") -> None:
    """Delete the checkpoints once the model is written; warn if they could not be written during the training."""
    run_report.set_interruption_hint(lambda: run_report.NO_FILE_WRITTEN)
    if folder is None:
        return
    folder.clear()
    if folder.problem is not None:
        console.warn(f"checkpoints could not be written during the training: {folder.problem}")
