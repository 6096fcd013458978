"""A fitted network with its card: forecast, save, load. Knows nothing of training."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors

from rnncli import card as cards
from rnncli import heads
from rnncli.card import Card
from rnncli.errors import DataError, ModelFileError, RequestError
from rnncli.files import written_whole
from rnncli.network import Network
from rnncli.panel import Cutoffs, Panel, clock
from rnncli.windows import Windows

STATES = 8  # values that a recurrent step keeps for each unit: gates, states, outputs
VALUES_AT_ONCE = 20_000_000  # of one chunk of forecasts: bounds its memory to some hundred megabytes


@dataclass(frozen=True)
class Model:
    """A network and what is known of it."""

    card: Card
    network: Network

    def forecast(self, panel: Panel, cutoffs: Cutoffs, levels: np.ndarray, device: torch.device) -> np.ndarray:
        """Quantiles (N, H, K, P) at levels (P,) of the H steps after each cutoff, in the data's units.

        NaN where a window's past holds no value. Raises DataError where the panel is not of the model's kind.
        """
        self.check(panel)
        design = self.card.architecture
        windows = Windows(panel, design.context, design.horizon, device)
        network = self.network.to(device).eval()
        wanted = torch.from_numpy(levels)
        values = (design.context + design.horizon * len(heads.LEVELS)) * network.targets
        states = (design.context + design.horizon) // design.segment * design.hidden * STATES
        chunk = max(1, VALUES_AT_ONCE // (values + states))
        parts = []
        with torch.inference_mode():
            for batch in windows.at(cutoffs, min(chunk, 4096)):
                quantiles, scale = network(batch.past)
                read = scale.undo(heads.at_levels(quantiles.to(batch.past.device).double(), wanted))
                unseen = batch.past.isnan().all(dim=1)[:, None, :, None]  # (B, 1, K, 1)
                parts.append(read.masked_fill(unseen, torch.nan).cpu().numpy())
        return np.concatenate(parts)

    def check(self, panel: Panel) -> None:
        """Raise DataError where the panel's clock or targets are not those the model was trained on."""
        trained = clock.parse(self.card.frequency)
        if not trained.same_pace(panel.frequency):
            raise DataError(
                f"its clock steps by {panel.frequency.name}, the model was trained on steps of {trained.name}. "
                "Use a table of that frequency, train on this one, or correct it with --freq"
            )
        if panel.targets != self.network.targets:
            raise DataError(
                f"{panel.targets} target columns; the model forecasts {self.network.targets} together: "
                f"{', '.join(self.card.config.columns.target)}"
            )

    def save(self, path: Path) -> None:
        """Write the model file: it appears whole or not at all."""
        tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in self.network.state_dict().items()}
        content = save_tensors(tensors, {cards.KEY: self.card.model_dump_json()})
        with written_whole(path) as stream:
            stream.write(content)


def load(path: Path) -> Model:
    """The model in a file. Raises ModelFileError where it is missing, damaged, or of another format."""
    card = cards.read(path)
    try:
        tensors = load_tensors(path.read_bytes())
        clock.parse(card.frequency)
        _check_sizes(card, {name: tuple(tensor.shape) for name, tensor in tensors.items()})
        if not all(tensor.dtype == torch.float32 and tensor.isfinite().all() for tensor in tensors.values()):
            raise ValueError("weights that are no finite 32-bit numbers")
        network = Network(card.architecture, card.targets)
        network.load_state_dict(tensors, assign=True)
    except (OSError, SafetensorError, RuntimeError, ValueError, RequestError) as error:
        reason = " ".join(str(error).split())[:200]
        raise ModelFileError(
            f"{path} is damaged: its weights do not fit its card ({reason}). Train it again"
        ) from error
    return Model(card, network)


def _check_sizes(card: Card, shapes: dict[str, tuple[int, ...]]) -> None:
    """Raise ValueError where the card speaks of a larger network than the file holds: before memory is taken for it."""
    design, targets = card.architecture, card.targets
    expected = {
        "embedding.weight": (design.hidden, 2 * design.segment * targets),
        "readout.weight": (design.segment * targets * len(heads.LEVELS), design.hidden),
    }
    if design.bypass:
        expected["bypass.weight"] = (design.horizon, design.context)
    if design.decoder == "parallel":
        expected["positions"] = (-(-design.horizon // design.segment), design.hidden)
    wrong = [name for name, shape in expected.items() if shapes.get(name) != shape]
    layers = {f"encoder.stack.weight_hh_l{layer}" for layer in range(design.layers)}
    if wrong or not layers <= shapes.keys():
        raise ValueError(f"{wrong[0] if wrong else 'the encoder'} has another size")
