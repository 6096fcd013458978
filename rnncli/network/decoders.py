"""Decoders that are more than the encoder read on: a second network, and attention to the past. Pure tensors."""

import torch
from torch import Tensor, nn

from rnncli.config.architecture import Architecture
from rnncli.network import cells
from rnncli.network.cells.recurrent import FusedRNN


class AdditiveAttention(nn.Module):
    """A decoder's outputs, each with what it looks back at.

    Scores are a small network's (Bahdanau et al. 2015, equation 6 and appendix A.1.2); what was looked at is joined to
    the output after the step (Luong et al. 2015, equation 5), so that all segments of a horizon look back at once.
    """

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.queries, self.keys = nn.Linear(hidden, hidden, bias=False), nn.Linear(hidden, hidden)
        self.score, self.joined = nn.Linear(hidden, 1, bias=False), nn.Linear(2 * hidden, hidden)

    def forward(self, outputs: Tensor, states: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
        """Outputs (B, M, hidden), states (B, N, hidden), known (B, N) or not yet: (B, M, hidden), weights (B, M, N)."""
        mixed = self.queries(outputs).unsqueeze(2) + self.keys(states).unsqueeze(1)  # (B, M, N, hidden)
        scores = self.score(mixed.tanh()).squeeze(-1)
        weights = scores.masked_fill(~known.unsqueeze(1), -torch.inf).softmax(dim=-1)
        return self.joined(torch.cat([outputs, weights @ states], dim=-1)).tanh(), weights


class Seq2SeqDecoder(nn.Module):
    """A recurrent network of its own that tells the horizon from what the encoder came to (Cho et al. 2014).

    It starts at tanh(V c), c the encoder's last output, and reads c at each step; it is told which step it is, not what
    it forecast before.
    """

    def __init__(self, design: Architecture) -> None:
        super().__init__()
        cell = design.cell if design.cell in ("rnn", "lstm", "gru") else "gru"
        self.layers, self.memory = design.layers if cell == design.cell else 1, cell == "lstm"
        self.begin = nn.Linear(design.hidden, self.layers * design.hidden)
        self.summary = nn.Linear(design.hidden, design.hidden, bias=False)
        self.recurrent = FusedRNN(design, cell, design.hidden, self.layers)

    def forward(self, output: Tensor, steps: Tensor) -> Tensor:
        """The encoder's last output (B, 1, hidden) and M steps (B, M, hidden) to outputs (B, M, hidden)."""
        start = self.begin(output).tanh().reshape(len(output), self.layers, -1).transpose(0, 1).contiguous()
        state: cells.State = (start, torch.zeros_like(start)) if self.memory else (start,)
        outputs, _ = self.recurrent(steps + self.summary(output), state)
        return outputs
