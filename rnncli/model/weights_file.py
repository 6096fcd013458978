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
from rnncli.model.pretrained.forecaster import PretrainedForecaster, View
from rnncli.model.pretrained.network import LEVELS, check_shapes
from rnncli.model.pretrained.simple_forecasts import Seasons
from rnncli.network.network import Network
from rnncli.network.unallocated import unallocated
from rnncli.panel import covariates
from rnncli.panel.time.frequency import parse_frequency

CALIBRATION = ("shifts", "ranks")
PRETRAINED = "pretrained."  # before the names of the pretrained network's weights


def encode(model: Model) -> bytes:
    """Return the content of the model's file."""
    tensors = {
        f"{number}.{name}": tensor.detach().cpu().contiguous()
        for number, network in enumerate(model.networks)
        for name, tensor in network.state_dict().items()
    }
    if model.pretrained is not None:
        tensors |= {f"{PRETRAINED}{name}": torch.from_numpy(value) for name, value in model.pretrained.weights.items()}
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
    """Return the model in a file. Raises ModelFileError if it is missing, damaged or of another format."""
    return decode(card_file.read_model_file(path))


def decode(file: ModelFile) -> Model:
    """Return the model in the content of a file. Raises ModelFileError if its weights do not fit its card."""
    path, card, content = file
    try:
        tensors = load_tensors(content)
        if not all(tensor.dtype == torch.float32 and tensor.isfinite().all() for tensor in tensors.values()):
            raise ValueError("weights must be finite 32-bit numbers")
        frequency, mixed_series = parse_frequency(card.frequency), len(card.seen.together)
        inputs = covariates.input_spec(card.inputs, frequency, card.config.columns.holidays, mixed_series)
        networks = [
            build_network(member.architecture, card.targets, inputs, _pop_prefixed(tensors, f"{number}."))
            for number, member in enumerate(card.members)
        ]
        pretrained = _pop_pretrained(card, tensors)
        levels = np.array(networks[0].head.levels if networks else LEVELS)
        calibration = _pop_calibration(card, levels, tensors)
        if tensors:
            raise ValueError(f"{next(iter(tensors))} is not a weight of its networks")
    except (SafetensorError, RuntimeError, ValueError, RequestError) as error:
        reason = " ".join(str(error).split())[:200]
        raise ModelFileError(f"{path}: damaged, its weights do not fit its card ({reason}). Train it again") from error
    return Model(card, tuple(networks), calibration, pretrained=pretrained)


def _pop_pretrained(card: Card, tensors: dict[str, Tensor]) -> PretrainedForecaster | None:
    """Remove the pretrained network from the tensors and return it. Raises ValueError if it does not fit the card."""
    weights = {name: value.numpy() for name, value in _pop_prefixed(tensors, PRETRAINED).items()}
    part = card.pretrained
    if part is None:
        if weights:
            raise ValueError("the card has no pretrained network")
        return None
    check_shapes(weights)
    views = zip(part.seasons, part.weights, strict=True)
    return PretrainedForecaster(weights, tuple(View(Seasons(*seasons), weight) for seasons, weight in views))


def _pop_prefixed(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Remove the tensors whose names begin with a prefix, and return them without it."""
    return {name.removeprefix(prefix): tensors.pop(name) for name in list(tensors) if name.startswith(prefix)}


def _pop_calibration(card: Card, levels: np.ndarray, tensors: dict[str, Tensor]) -> Calibration | None:
    """Remove the calibration from the tensors and return it. Raises ValueError if it does not fit the card."""
    shifts, ranks = (tensors.pop(f"calibration.{name}", None) for name in CALIBRATION)
    if shifts is None or ranks is None:
        return None
    shape = (card.horizon, card.targets)
    if tuple(shifts.shape) != (*shape, len(levels)) or tuple(ranks.shape[1:]) != shape:
        raise ValueError("the calibration has another size")
    return Calibration(levels, shifts.double().numpy(), ranks.double().numpy())


def build_network(architecture: Architecture, targets: int, inputs: InputSpec, tensors: dict[str, Tensor]) -> Network:
    """Return a network with these weights. Raise ValueError or RuntimeError if their names or shapes do not fit.

    The network is built without memory for its parameters, so that a card that claims a larger network than the file
    holds is refused before any is taken.
    """
    if architecture.layers > len(tensors):
        raise ValueError(f"{architecture.layers} layers need more weights than the {len(tensors)} in the file")
    with unallocated():
        network = Network(architecture, targets, inputs)
    network.load_state_dict(tensors, assign=True)
    return network.eval()
