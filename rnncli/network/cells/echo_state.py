"""The echo state network's reservoir: recurrent weights that are drawn once and never trained."""

import torch
from torch import Tensor, nn

from rnncli.config.architecture import Architecture
from rnncli.config.cells import DENSITY, LEAK, RADIUS
from rnncli.errors import TrainingError
from rnncli.network.cells.state import State

TRIES, CYCLE = 100, 1e-3  # draws, and the least spectral radius of one, by its largest weight, that has a cycle


class EchoState(nn.Module):
    """Leaky tanh units (Jaeger 2001; Jaeger et al. 2007): x = (1 - leak) x + leak tanh(u + W x), u what is read.

    W is sparse, its largest eigenvalue of the size asked for: below 1 the state forgets how it began, as an echo fades.
    It is kept with the model, so that the bits do not depend on the machine.
    """

    def __init__(self, design: Architecture) -> None:
        super().__init__()
        self.radius, self.leak = design.radius or RADIUS, design.leak or LEAK
        self.density = design.density or DENSITY
        self.register_buffer("weights", torch.zeros(design.hidden, design.hidden))
        self.weights: Tensor

    def draw(self) -> None:
        """Weights from the random numbers of the process.

        Raises TrainingError where so few are connected that no unit hears of itself again: such a state fades at once.
        """
        size = self.weights.shape
        for _ in range(TRIES):
            drawn = (2 * torch.rand(size, dtype=torch.float64) - 1) * (torch.rand(size) < self.density)
            largest = torch.linalg.eigvals(drawn).abs().max()
            if largest > CYCLE * drawn.abs().max():
                self.weights.copy_(self.radius / largest * drawn)
                return
        raise TrainingError(f"a reservoir of {len(drawn)} units has no cycle: use a larger --hidden or --density")

    def forward(self, steps: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Steps (B, N, hidden) to states (B, N, hidden), and the last of them."""
        unit = steps.new_zeros(len(steps), self.weights.shape[0]) if state is None else state[0][0]  # (B, hidden)
        outputs = []
        for read in steps.unbind(1):
            unit = (1 - self.leak) * unit + self.leak * torch.tanh(read + unit @ self.weights.T)
            outputs.append(unit)
        return torch.stack(outputs, dim=1), (unit.unsqueeze(0),)
