"""Write a model to a file and read it back: a safetensors file with the weights and, in its metadata, the card."""

from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor

from rnncli.config.architecture import Architecture, InputSpec
from rnncli.errors import ModelFileError, RequestError
from rnncli.files.atomic import atomic_writer
from rnncli.model import card_file
from rnncli.model.card import Card
from rnncli.model.card_file import ModelFile
from rnncli.model.conformal import Calibration
from rnncli.model.model import Model
from rnncli.network import quantile_head
from rnncli.network.network import Network
from rnncli.network.unallocated import unallocated
from rnncli.panel import covariates
from rnncli.panel.time.frequency import parse_frequency

CALIBRATION = ("shifts", "ranks")


def encode(model: Model) -> bytes:
    """Return the content of the model's file."""
    tensors = {
        f"{number}.{name}": tensor.detach().cpu().contiguous()
        for number, network in enumerate(model.networks)
        for name, tensor in network.state_dict().items()
    }
    if model.calibration is not None:
        tensors |= {
            f"calibration.{name}": torch.from_numpy(getattr(model.calibration, name)).float().contiguous()
            for name in CALIBRATION
        }
    return card_file.encode(model.card, lambda metadata: save_tensors(tensors, metadata))


def save(model: Model, path: Path) -> None:
    """Write the model file atomically."""
    with atomic_writer(path) as stream:
        stream.write(encode(model))


def load(path: Path) -> Model:
    """The model in a file. Raises ModelFileError where it is missing, damaged, or of another format."""
    return decode(card_file.read_model_file(path))


def decode(whole: ModelFile) -> Model:
    """The model in the content of a file. Raises ModelFileError if its weights do not fit its card."""
    path, card, content = whole
    try:
        tensors = load_tensors(content)
        if not all(tensor.dtype == torch.float32 and tensor.isfinite().all() for tensor in tensors.values()):
            raise ValueError("weights that are no finite 32-bit numbers")
        frequency, together = parse_frequency(card.frequency), len(card.seen.together)
        told = covariates.input_spec(card.inputs, frequency, card.config.columns.holidays, together)
        networks = []
        for number, member in enumerate(card.members):
            prefix = f"{number}."
            own = {name.removeprefix(prefix): tensors.pop(name) for name in list(tensors) if name.startswith(prefix)}
            networks.append(build_network(member.architecture, card.targets, told, own))
        learned = _calibration(card, tensors)
        if tensors:
            raise ValueError(f"{next(iter(tensors))} belongs to none of its networks")
    except (SafetensorError, RuntimeError, ValueError, RequestError) as error:
        reason = " ".join(str(error).split())[:200]
        raise ModelFileError(
            f"{path} is damaged: its weights do not fit its card ({reason}). Train it again"
        ) from error
    return Model(card, tuple(networks), learned)


def _calibration(card: Card, tensors: dict[str, Tensor]) -> Calibration | None:
    """The calibration among a file's tensors, taken from them. Raises ValueError where it does not fit the card."""
    own = {name: tensors.pop(f"calibration.{name}", None) for name in CALIBRATION}
    shifts, ranks = own.values()
    if shifts is None or ranks is None:
        return None
    steps = (card.horizon, card.targets)
    if tuple(shifts.shape) != (*steps, len(quantile_head.LEVELS)) or tuple(ranks.shape[1:]) != steps:
        raise ValueError("the calibration has another size")
    return Calibration(np.array(quantile_head.LEVELS), shifts.double().numpy(), ranks.double().numpy())


def build_network(design: Architecture, targets: int, told: InputSpec, tensors: dict[str, Tensor]) -> Network:
    """Return a network with these weights. Raise ValueError or RuntimeError if their names or shapes do not fit.

    The network is built without memory for its parameters, so that a card that claims a larger network than the file
    holds is refused before any is taken.
    """
    if design.layers > len(tensors):
        raise ValueError(f"{design.layers} layers need more weights than the {len(tensors)} in the file")
    with unallocated():
        network = Network(design, targets, told)
    network.load_state_dict(tensors, assign=True)
    return network.eval()
