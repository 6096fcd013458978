"""The reservoir of an echo state network: recurrent weights drawn once and never trained."""

import torch
from torch import Tensor, nn

from rnncli.config.architecture import Architecture
from rnncli.errors import TrainingError
from rnncli.network.cells.record import RESERVOIR, LayerActivity, Part, Record
from rnncli.network.cells.state import State

RADIUS, LEAK, DENSITY = 0.9, 0.5, 0.1  # defaults
TRIES = 100  # draws until weights have a cycle
CYCLE = 1e-3  # least spectral radius, relative to the largest weight, of weights that have one


class EchoState(nn.Module):
    """Leaky tanh units (Jaeger 2001; Jaeger et al. 2007): x' = (1 - leak) x + leak tanh(u + W x) with input u.

    W is sparse and scaled to a spectral radius; below 1 the state forgets its start (the echo state property). W is
    stored with the model, since a seed need not give the same draw on another machine.
    """

    def __init__(self, design: Architecture) -> None:
        super().__init__()
        self.radius, self.leak = design.radius or RADIUS, design.leak or LEAK
        self.density = design.density or DENSITY
        self.register_buffer("weights", torch.zeros(design.hidden, design.hidden))
        self.weights: Tensor

    def draw(self) -> None:
        """Draw the weights from torch's global generator.

        Raise TrainingError if no draw connects the units in a cycle: without one, the state soon vanishes.
        """
        size = self.weights.shape
        for _ in range(TRIES):
            drawn = (2 * torch.rand(size, dtype=torch.float64) - 1) * (torch.rand(size) < self.density)
            largest = torch.linalg.eigvals(drawn).abs().max()
            if largest > CYCLE * drawn.abs().max():
                self.weights.copy_(self.radius / largest * drawn)
                return
        raise TrainingError(f"a reservoir of {len(drawn)} units has no cycle: use a larger --hidden or --density")

    def forward(self, steps: Tensor, state: State | None = None, record: Record | None = None) -> tuple[Tensor, State]:
        """Map steps (B, N, hidden) to states (B, N, hidden) and the last of them."""
        reached = steps.new_zeros(len(steps), self.weights.shape[0]) if state is None else state[0][0]  # (B, hidden)
        states, units = list[Tensor](), list[Tensor]()
        for inputs in steps.unbind(1):
            unit = torch.tanh(inputs + reached @ self.weights.T)
            reached = (1 - self.leak) * reached + self.leak * unit
            states.append(reached)
            units += [unit] if record is not None else []
        outputs = torch.stack(states, dim=1)
        if record is not None:
            record.layers.append(LayerActivity({}, torch.stack(units, dim=1), True, outputs))
        return outputs, (reached.unsqueeze(0),)

    def recurrent_weights(self) -> list[dict[Part, Tensor]]:
        """Return the reservoir's weights (hidden, hidden)."""
        return [{RESERVOIR: self.weights}]
