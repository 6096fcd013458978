"""Progress of the training of one network."""

from typing import NamedTuple


class Progress(NamedTuple):
    """Progress of a training."""

    step: int
    steps: int
    loss: float  # mean of the last updates
    validation: float  # newest validation loss, NaN before the first
