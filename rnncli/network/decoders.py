"""Decoders: from the encoder's results to the head's parameters for each step of the horizon. Pure tensors.

A new decoder is a name in `config.sections.DecoderName`, a class here and its case in `build`.
"""

from typing import NamedTuple, Protocol, assert_never

import torch
from torch import Tensor, nn
from torch.nn import functional

from rnncli.config.architecture import Architecture
from rnncli.network.base_forecasts import BaseForecast
from rnncli.network.cells import Encoder, recurrent_step, repeat_state
from rnncli.network.cells.recurrent import FusedRNN
from rnncli.network.quantile_head import Head
from rnncli.network.teacher_forcing import Feedback, TeacherForcing
from rnncli.network.tensors import DecoderInput, EncoderOutput, KnownFuture


class Decoded(NamedTuple):
    """The result of a decoder."""

    parameters: Tensor  # (B, H, K, P) of the head
    attention: Tensor | None  # (B, M, N) weights of each decoder step on the encoder's steps


class NetworkParts(Protocol):
    """Interface of a network for decoders. Parameters belong to the network: model files have their names."""

    architecture: Architecture
    decoder_steps: int  # M
    head: Head
    base: BaseForecast
    encoder: Encoder
    second: nn.Module | None
    training: bool

    def position_inputs(self, known: KnownFuture) -> Tensor:
        """Return the embedding of each segment of the horizon, (B, M, hidden)."""

    def embed_feedback(self, values: Tensor, waited: Tensor | None, known: KnownFuture) -> Tensor:
        """Return the encoder's input (B, 1, hidden) for a segment of values (B, segment, K)."""

    def read_out(self, outputs: Tensor, encoded: EncoderOutput, known: KnownFuture, padded: bool = False) -> Decoded:
        """Map outputs (B, M, hidden) to parameters of H steps, or of all M segments if padded."""


class Decoder:
    """Interface of a decoder for networks and other modules. It has no parameters itself."""

    positional = False  # whether the network holds an embedding for each segment of the horizon
    reads_state = False  # whether it continues from the encoder's state, not from the output alone
    repeats_state = False  # whether it holds a copy of that state for each segment
    feeds_back = False  # whether forecasts of a segment are inputs of the next

    def steps_per_output(self, design: Architecture) -> int:
        """Return the steps of the horizon that are read from one output."""
        return design.decoder_stride

    def second_network(self, _design: Architecture) -> nn.Module | None:
        """Return the decoder's network, if it has one; it is called with the encoder's output and the positions."""
        return None

    def decode(
        self, network: NetworkParts, view: DecoderInput, correction: Tensor, teacher: TeacherForcing | None
    ) -> Decoded:
        """Return the head's parameters around base forecast + correction (B, H, K); teacher: see `TeacherForcing`."""
        raise NotImplementedError


class ParallelDecoder(Decoder):
    """One encoder step per segment, each from the last state and the segment's position (SegRNN: Lin et al. 2023)."""

    positional = reads_state = repeats_state = True

    def decode(
        self, network: NetworkParts, view: DecoderInput, _correction: Tensor, _teacher: TeacherForcing | None
    ) -> Decoded:
        """Decode all segments at once."""
        steps, segments = network.position_inputs(view.known), network.decoder_steps
        batch = len(steps)
        outputs, _ = network.encoder(steps.reshape(batch * segments, 1, -1), repeat_state(view.encoded.state, segments))
        return network.read_out(outputs.reshape(batch, segments, -1), view.encoded, view.known)


class DirectDecoder(Decoder):
    """One linear map from the encoder's last output to the whole horizon."""

    def steps_per_output(self, design: Architecture) -> int:
        """Return the horizon."""
        return design.horizon

    def decode(
        self, network: NetworkParts, view: DecoderInput, _correction: Tensor, _teacher: TeacherForcing | None
    ) -> Decoded:
        """Read all steps from the last output."""
        return network.read_out(view.encoded.last, view.encoded, view.known)


class RecursiveDecoder(Decoder):
    """One segment after another, each forecast fed back as if it had been observed.

    In training, a sample of the forecast is fed back, so that the network learns to correct its errors (scheduled
    sampling: Bengio et al. 2015), or a true value (teacher forcing).
    """

    reads_state = feeds_back = True

    def decode(
        self, network: NetworkParts, view: DecoderInput, correction: Tensor, teacher: TeacherForcing | None
    ) -> Decoded:
        """Decode the segments in order."""
        segment, horizon = network.architecture.segment, network.architecture.horizon
        length = network.decoder_steps * segment
        subtracted = network.base.subtracted
        around = correction if subtracted else view.base + correction
        centre = functional.pad(around, (0, 0, 0, length - horizon))
        feedback = Feedback(network.head, view, centre, teacher, subtracted)
        parameters, attention = list[Tensor](), list[Tensor]()
        output, state = view.encoded.last, view.encoded.state
        for start in range(0, length, segment):
            known = view.known.slice(start, segment)
            decoded = network.read_out(output, view.encoded, known, padded=True)  # (B, segment, K, P)
            parameters.append(decoded.parameters)
            attention += [] if decoded.attention is None else [decoded.attention]
            if start + segment < length:
                values, waited = feedback.after(decoded.parameters, start, network.training)
                output, state = network.encoder(network.embed_feedback(values, waited, known), state)
        return Decoded(torch.cat(parameters, dim=1)[:, :horizon], torch.cat(attention, dim=1) if attention else None)


class EncoderDecoder(Decoder):
    """A second recurrent network over the segments of the horizon, started from the encoder's last output."""

    positional = True

    def second_network(self, design: Architecture) -> nn.Module:
        """Return the second network."""
        return Seq2SeqDecoder(design)

    def decode(
        self, network: NetworkParts, view: DecoderInput, _correction: Tensor, _teacher: TeacherForcing | None
    ) -> Decoded:
        """Decode all segments with one pass of the second network."""
        assert network.second is not None
        outputs = network.second(view.encoded.last, network.position_inputs(view.known))
        return network.read_out(outputs, view.encoded, view.known)


def build(design: Architecture) -> Decoder:
    """Return the decoder of a design."""
    match design.decoder:
        case "parallel":
            return ParallelDecoder()
        case "direct":
            return DirectDecoder()
        case "recursive":
            return RecursiveDecoder()
        case "encoder-decoder":
            return EncoderDecoder()
    assert_never(design.decoder)


class Seq2SeqDecoder(nn.Module):
    """The decoder network of Cho et al. (2014), without feedback.

    It starts at tanh(V c), with c the encoder's last output, and reads c and the position of the segment at each step.
    """

    def __init__(self, design: Architecture) -> None:
        super().__init__()
        self.cell = recurrent_step.recurrent_cell(design.cell)
        self.layers = design.layers if self.cell == design.cell else 1
        self.begin = nn.Linear(design.hidden, self.layers * design.hidden)
        self.summary = nn.Linear(design.hidden, design.hidden, bias=False)
        self.recurrent = FusedRNN(design, self.cell, design.hidden, self.layers)

    def forward(self, encoded: Tensor, steps: Tensor) -> Tensor:
        """Map the encoder's last output (B, 1, hidden) and M steps (B, M, hidden) to outputs (B, M, hidden)."""
        start = self.begin(encoded).tanh().reshape(len(encoded), self.layers, -1).transpose(0, 1).contiguous()
        memory = recurrent_step.zeros(self.cell, self.layers, len(encoded), start.shape[2], start)[1:]
        outputs, _ = self.recurrent(steps + self.summary(encoded), (start, *memory))
        return outputs


class AdditiveAttention(nn.Module):
    """Attention of a decoder's outputs to the encoder's.

    Scores come from a small network (Bahdanau et al. 2015, equation 6 and appendix A.1.2). The mixture joins the output
    after the decoder's step (Luong et al. 2015, equation 5), so that all segments can attend at once.
    """

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.queries, self.keys = nn.Linear(hidden, hidden, bias=False), nn.Linear(hidden, hidden)
        self.score, self.joined = nn.Linear(hidden, 1, bias=False), nn.Linear(2 * hidden, hidden)

    def forward(self, outputs: Tensor, states: Tensor, visible: Tensor) -> tuple[Tensor, Tensor]:
        """Map outputs (B, M, hidden) and states (B, N, hidden) to outputs (B, M, hidden) and weights (B, M, N).

        visible: (B, N) which states may be attended to.
        """
        hidden = self.queries(outputs).unsqueeze(2) + self.keys(states).unsqueeze(1)  # (B, M, N, hidden)
        scores = self.score(hidden.tanh()).squeeze(-1)
        weights = scores.masked_fill(~visible.unsqueeze(1), -torch.inf).softmax(dim=-1)
        return self.joined(torch.cat([outputs, weights @ states], dim=-1)).tanh(), weights
