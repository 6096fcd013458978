"""Write a model to a file and read it back: a safetensors file with the weights and, in its metadata, the card.

Graphs of the networks are arrays of bytes next to the weights. Torch is imported for networks without a graph only.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load as load_arrays
from safetensors.numpy import save as save_arrays

from rnncli.config.architecture import InputSpec
from rnncli.errors import ModelFileError, RequestError
from rnncli.files.atomic import atomic_writer
from rnncli.model import card_file
from rnncli.model.card import Card
from rnncli.model.card_file import ModelFile
from rnncli.model.conformal import Calibration
from rnncli.model.graph import graph
from rnncli.model.model import Model
from rnncli.model.networks import StoredNetworks
from rnncli.model.pretrained.forecaster import PretrainedForecaster, View
from rnncli.model.pretrained.network import LEVELS
from rnncli.model.pretrained.package_file import members_of, numbered
from rnncli.model.pretrained.simple_forecasts import Seasons
from rnncli.panel import covariates
from rnncli.panel.time.frequency import parse_frequency

CALIBRATION = ("shifts", "ranks")
GRAPH = "graph."  # before the keys of the networks' designs
PRETRAINED = "pretrained."  # before the names of the pretrained network's weights


def encode(model: Model) -> bytes:
    """Return the content of the model's file."""
    arrays = {
        f"{number}.{name}": np.require(value, requirements="C")  # ascontiguousarray would add an axis to a number
        for number, weights in enumerate(_weights(model))
        for name, value in weights.items()
    }
    if isinstance(model.networks, StoredNetworks):
        graphs = {f"{GRAPH}{key}": each.encode() for key, each in model.networks.graphs.items()}
        arrays |= {name: np.frombuffer(content, np.uint8) for name, content in graphs.items()}
    if model.pretrained is not None:
        arrays |= {f"{PRETRAINED}{name}": value for name, value in numbered(model.pretrained.members).items()}
    if model.calibration is not None:
        arrays |= {
            f"calibration.{name}": np.ascontiguousarray(getattr(model.calibration, name).astype(np.float32))
            for name in CALIBRATION
        }
    return card_file.encode(model.card, lambda metadata: save_arrays(arrays, metadata))


def _weights(model: Model) -> Sequence[dict[str, np.ndarray]]:
    """Return the weights of each network."""
    if isinstance(model.networks, StoredNetworks):
        return model.networks.weights
    from rnncli.network.built import weights_of

    return [weights_of(network) for network in model.networks]


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
        arrays = load_arrays(content)
        graphs = {key: graph.decode(array.tobytes()) for key, array in _pop_prefixed(arrays, GRAPH).items()}
        if not all(array.dtype == np.float32 and np.isfinite(array).all() for array in arrays.values()):
            raise ValueError("weights must be finite 32-bit numbers")
        frequency, mixed_series = parse_frequency(card.frequency), len(card.seen.together)
        inputs = covariates.input_spec(card.inputs, frequency, card.config.columns.holidays, mixed_series)
        networks = _pop_networks(card, inputs, arrays, graphs) if card.members else ()
        pretrained = _pop_pretrained(card, arrays)
        levels = np.array(networks.levels if isinstance(networks, StoredNetworks) else LEVELS)
        calibration = _pop_calibration(card, levels, arrays)
        if arrays:
            raise ValueError(f"{next(iter(arrays))} is not a weight of its networks")
    except (SafetensorError, RuntimeError, ValueError, KeyError, TypeError, RequestError) as error:
        reason = " ".join(str(error).split())[:200]
        raise ModelFileError(f"{path}: damaged, its weights do not fit its card ({reason}). Train it again") from error
    return Model(card, networks, calibration, pretrained=pretrained)


def _pop_networks(
    card: Card, inputs: InputSpec, arrays: dict[str, np.ndarray], graphs: dict[str, graph.Graph]
) -> StoredNetworks:
    """Remove the weights of the networks from the arrays and return the networks.

    Without graphs they are built at once, which checks their weights.
    """
    stored = [_pop_prefixed(arrays, f"{number}.") for number in range(len(card.members))]
    networks = StoredNetworks(card.architectures, card.targets, inputs, stored, graphs)
    if not networks.programs:
        _ = networks.built
    return networks


def _pop_pretrained(card: Card, arrays: dict[str, np.ndarray]) -> PretrainedForecaster | None:
    """Remove the pretrained network from the arrays and return it. Raises ValueError if it does not fit the card."""
    weights = _pop_prefixed(arrays, PRETRAINED)
    part = card.pretrained
    if part is None:
        if weights:
            raise ValueError("the card has no pretrained network")
        return None
    views = zip(part.seasons, part.weights, strict=True)
    return PretrainedForecaster(
        members_of(weights), tuple(View(Seasons(*seasons), weight) for seasons, weight in views)
    )


def _pop_prefixed(arrays: dict[str, np.ndarray], prefix: str) -> dict[str, np.ndarray]:
    """Remove the arrays whose names begin with a prefix, and return them without it."""
    return {name.removeprefix(prefix): arrays.pop(name) for name in list(arrays) if name.startswith(prefix)}


def _pop_calibration(card: Card, levels: np.ndarray, arrays: dict[str, np.ndarray]) -> Calibration | None:
    """Remove the calibration from the arrays and return it. Raises ValueError if it does not fit the card."""
    shifts, ranks = (arrays.pop(f"calibration.{name}", None) for name in CALIBRATION)
    if shifts is None or ranks is None:
        return None
    shape = (card.horizon, card.targets)
    if tuple(shifts.shape) != (*shape, len(levels)) or tuple(ranks.shape[1:]) != shape:
        raise ValueError("the calibration has another size")
    return Calibration(levels, shifts.astype(np.float64), ranks.astype(np.float64))
