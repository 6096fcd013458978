"""The task of training one network, and its result, as they travel between processes and into checkpoints."""

import hashlib
from typing import Any, NamedTuple

import numpy as np

from rnncli.config.architecture import Architecture, InputSpec
from rnncli.config.sections import Training
from rnncli.model.card import LearningCurve
from rnncli.panel import Cutoffs


class TrainingTask(NamedTuple):
    """A network to train, with every setting decided."""

    architecture: Architecture
    inputs: InputSpec
    training: Training
    season: int  # of the metric
    seed: int
    steps: int
    seconds: float  # at most: if the steps take longer, there are fewer of them
    first: np.ndarray  # (S,) earliest cutoff of a training window in each series
    last: np.ndarray  # (S,) latest; below `first` for series without training windows
    validation: Cutoffs  # windows to choose the weights by; if there are none, the last weights are returned
    initial: dict[str, np.ndarray] | None = None  # initial weights; None: new ones

    def identity(self) -> dict[str, Any]:
        """Return a description for JSON that only tasks with the same result share, in any process.

        The time limit is not part of it: a resumed training has less time for the same networks.
        """
        initial = None if self.initial is None else {name: _digest(value) for name, value in self.initial.items()}
        return {
            "architecture": self.architecture.model_dump(mode="json"),
            "inputs": {
                "columns": [column.model_dump(mode="json") for column in self.inputs.inputs],
                "calendar": self.inputs.calendar,
                "series": self.inputs.series,
            },
            "training": self.training.model_dump(mode="json"),
            "season": self.season,
            "seed": self.seed,
            "steps": self.steps,
            "windows": [_digest(self.first), _digest(self.last)],
            "validation": [_digest(self.validation.series), _digest(self.validation.rows)],
            "initial": initial,
        }


def _digest(values: np.ndarray) -> str:
    """Return a digest of type, shape and values."""
    digest = hashlib.blake2b(f"{values.dtype.str} {values.shape} ".encode(), digest_size=16)
    digest.update(np.ascontiguousarray(values).tobytes())
    return digest.hexdigest()


class TrainedNetwork(NamedTuple):
    """The result of a task."""

    weights: dict[str, np.ndarray]
    best_step: int  # after which the network had these weights
    steps: int  # of the schedule
    updates: int  # made; fewer if the validation loss stopped falling
    seconds: float  # that the training took
    quantiles: np.ndarray  # (V, H, K, Q) forecasts of the validation windows, in the units of the data
    learning_rate: float | None  # if it was found by a range test
    curve: LearningCurve

    def tree(self) -> dict[str, Any]:
        """Return the result as a tree for a checkpoint."""
        return self._asdict() | {"curve": self.curve.model_dump()}

    @classmethod
    def from_tree(cls, tree: dict[str, Any]) -> "TrainedNetwork":
        """Return the result in a checkpoint."""
        return cls(**tree | {"curve": LearningCurve.model_validate(tree["curve"])})
