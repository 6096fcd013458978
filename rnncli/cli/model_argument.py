"""The arguments [MODEL] DATA of a command: without MODEL, or with the word "pretrained", the pretrained network."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from rnncli.errors import ModelFileError, RequestError

PRETRAINED = "pretrained"


class ModelAndData(NamedTuple):
    """A model file, None for the pretrained network, and a table."""

    model: Path | None
    data: str


def split(paths: Sequence[str], command: str) -> ModelAndData:
    """Return the model and the table among the arguments. Raises RequestError if there are too many or too few."""
    if len(paths) > 2:
        raise RequestError(
            f'at most two arguments are possible, MODEL and DATA (found {len(paths)}; the third is "{paths[2]}"). '
            f"See rnncli {command} --help"
        )
    if len(paths) == 1:
        if is_model_file(paths[0]):
            raise RequestError(
                f"{paths[0]}: this is a model, and DATA is missing. Name the table: rnncli {command} MODEL DATA"
            )
        if paths[0] == PRETRAINED and not Path(PRETRAINED).exists():
            raise RequestError(f"DATA is missing. Name the table: rnncli {command} pretrained DATA")
        return ModelAndData(None, paths[0])
    model, data = paths
    if model == PRETRAINED:
        return ModelAndData(None, data)
    if is_model_file(data):
        raise ModelFileError(f"{data}: this is a model. MODEL must come before DATA")
    return ModelAndData(Path(model), data)


def is_model_file(path: str) -> bool:
    """Return whether a file is a model or state file, by its name or content."""
    return Path(path).suffix == ".rnn" or is_safetensors(Path(path))


def is_safetensors(path: Path) -> bool:
    """Return whether a file begins like safetensors: the length of the header in eight bytes, then JSON."""
    try:
        with path.open("rb") as stream:
            head = stream.read(10)
            # The length is below the file size, so it is not eight characters of text.
            return head[8:] == b'{"' and int.from_bytes(head[:8], "little") < path.stat().st_size
    except OSError:
        return False
