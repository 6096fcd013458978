"""Scale, base forecast, recurrent encoder, decoder, head: the past of a window to the quantiles of its future.

Knows nothing of files, printing or optimisers. The design is SegRNN's (Lin et al. 2023): the context is cut into
segments, one recurrent step each, and all segments of the horizon are decoded at once from position embeddings. It
corrects a base forecast (Smyl 2020, ES-RNN), beside linear maps from context to horizon (Ni et al. 2024, MoLE).
"""

import math
from typing import assert_never

import torch
from torch import Tensor, nn
from torch.nn import functional

from rnncli.config.architecture import Architecture, InputSpec
from rnncli.network import base_forecasts, cells, quantile_head, scaling, teacher_forcing
from rnncli.network.cells import BatchNorm, Dropout, concat_states, repeat_state
from rnncli.network.covariate_encoder import CovariateEncoder, CovariateFeatures, residual_amounts
from rnncli.network.cross_series import CrossSeriesMixing
from rnncli.network.decoders import AdditiveAttention, Seq2SeqDecoder
from rnncli.network.known_future import KnownFutureEncoder
from rnncli.network.linear_experts import LinearExperts
from rnncli.network.scaling import Scale
from rnncli.network.stateful_encoder import encode_from_state
from rnncli.network.teacher_forcing import Feedback, TeacherForcing
from rnncli.network.tensors import (
    CarriedState,
    DecoderInput,
    EncoderInput,
    EncoderOutput,
    KnownFuture,
    Prediction,
    Trace,
)
from rnncli.windows.batch import CovariateBatch

NOTHING = InputSpec()


class Network(nn.Module):
    """Forecasts K targets together over H steps from the L before them."""

    def __init__(self, architecture: Architecture, targets: int, told: InputSpec = NOTHING) -> None:
        super().__init__()
        self.architecture = architecture
        self.context = architecture.context
        self.targets = targets
        design, hidden = architecture, architecture.hidden
        self.pieces = math.ceil(design.horizon / design.decoder_stride)  # steps of the decoder: M
        per_step = targets * len(quantile_head.LEVELS)
        if design.scale == "global":
            self.register_buffer("level", torch.zeros(targets))
            self.register_buffer("spread", torch.ones(targets))
        self.base = base_forecasts.build(design, targets)
        self.inputs = CovariateEncoder(design, told)
        read = (3 if design.since else 2) * targets + self.inputs.read_width  # values of a step
        self.embedding = nn.Linear(read * design.segment + self.inputs.calendar, hidden)
        self.encoder = cells.build(design, hidden)
        self.dropout = nn.Dropout(design.dropout)
        self.readout = nn.Linear(hidden, design.readout_steps * per_step)
        if design.decoder in ("parallel", "encoder-decoder"):
            self.positions = nn.Parameter(
                torch.empty(self.pieces, hidden).normal_().div_(math.sqrt(hidden))
            )  # (M, hidden)
        if design.bypass:
            self.bypass = LinearExperts(design.context, design.horizon, design.experts, hidden)
        self.window = nn.Linear(self.inputs.window_width, hidden) if self.inputs.window_width else None
        self.outlook = KnownFutureEncoder(design, self.inputs, targets, per_step) if self.inputs.tells_ahead else None
        self.second = Seq2SeqDecoder(design) if design.decoder == "encoder-decoder" else None
        self.attended = AdditiveAttention(hidden) if design.attention else None
        self.level: Tensor
        self.spread: Tensor
        self.norm = BatchNorm(hidden) if design.normalise == "batch" else None
        self.left_out = Dropout(design.input_dropout, design.variational)
        self.mixing = CrossSeriesMixing(design, told.series) if design.mix else None

    def forward(self, past: Tensor, step: Tensor, beside: CovariateBatch) -> Prediction:
        """Past (B, T, K) float64 in the data's units, NaN where missing; step (B,): the clock's as the future starts.

        A past longer than the context by whole segments is forecast from behind each of these too, with one pass of the
        encoder (forking sequences: Wen et al. 2017, MQ-RNN): the B windows that end first come first, F * B in all.
        Their scale is that of the first context, the part of the past that all of them know.
        """
        return self.trace(past, step, beside).prediction

    def trace(
        self,
        past: Tensor,
        step: Tensor,
        beside: CovariateBatch,
        carried: CarriedState | None = None,
        lesson: TeacherForcing | None = None,
    ) -> Trace:
        """The same, with what it came from.

        Where states are carried over, the past is that of a whole series, forecast from its end alone; or, with what
        was carried, the context before the newest F segments, which are read on from there and forecast from behind
        each. lesson: what a recursive decoder is told of the future of all F * B windows.
        """
        view = self.look(past, step, beside, carried)
        correction = self.correct(view)
        centre = view.expected + correction
        match self.architecture.decoder:
            case "parallel" | "encoder-decoder":
                parameters, looked = self.decode_together(view.past, view.ahead)
            case "direct":
                parameters, looked = self.read(view.past.output, view.past, view.ahead)
            case "recursive":
                around = correction if self.base.subtracted else centre
                parameters, looked = self.decode_in_turn(view, around, lesson)
            case _:
                assert_never(self.architecture.decoder)
        prediction = Prediction(quantile_head.quantiles(parameters, centre), view.scale)
        return Trace(prediction, view.past.output, view.past.last, looked)

    def look(
        self, past: Tensor, step: Tensor, beside: CovariateBatch, carried: CarriedState | None = None
    ) -> DecoderInput:
        """All that is known before anything is decoded, of F * B windows."""
        design, length = self.architecture, past.shape[1]
        scale = self.scale(past[:, : design.context])
        scaled = scale.apply(past).to(self.embedding.weight.device)  # (B, T, K)
        whole = design.bptt is not None and carried is None
        starts = range(length - design.context if whole else 0, length - design.context + 1, design.segment)
        views = torch.cat([scaled[:, start : start + design.context] for start in starts])  # (F * B, L, K)
        steps = torch.cat([step - (starts[-1] - start) for start in starts])  # (F * B,)
        left, expected = self.base(views, steps)  # (F * B, L, K), (F * B, H, K)
        features = self.inputs(beside, design.context)
        ahead = self.ahead(features, starts)
        mixed = (
            None if self.mixing is None or beside.other_series is None else self.mixing(beside.other_series)
        )  # (B, T, M)
        read = left if length == design.context else self.base(scaled, step)[0]  # (B, T, K)
        waited = teacher_forcing.waited(past > 0) if design.since else None  # (B, T, K)
        seen = self.seen(read, waited, features, mixed)
        seen = seen if design.context else seen.behind(design.segment)  # one step, that tells of the series alone
        come_to = self.encode(seen, ahead.window[: len(past)], len(starts), carried)
        ends = [start + design.context for start in starts]
        newest = None if waited is None else torch.cat([waited[:, end - 1 : end] for end in ends]).to(read.device)
        return DecoderInput(scale.repeated(len(starts)), left, expected, ahead, mixed, newest, come_to)

    def seen(
        self, read: Tensor, waited: Tensor | None, features: CovariateFeatures, mixed: Tensor | None
    ) -> EncoderInput:
        """What the encoder is shown of T steps: of what the base left of them, and how long it was since a sale."""
        since = None if waited is None else waited.double().log1p().to(read)
        told = features.read[:, : read.shape[1]], features.calendar[:, : read.shape[1]]
        return EncoderInput(read.nan_to_num(0.0), (~read.isnan()).to(read), since, *told, mixed)

    def carry(self, past: Tensor, step: Tensor, beside: CovariateBatch, carried: CarriedState) -> CarriedState:
        """What is brought along to the end of a past, from what was brought along to its last segments.

        These are one, and as many as lie behind its first context.
        """
        design = self.architecture
        scaled = self.scale(past[:, : design.context]).apply(past).to(self.embedding.weight.device)
        features = self.inputs(beside, design.context)
        seen = self.seen(self.base(scaled, step)[0], None, features, None)
        boundaries = (past.shape[1] - design.context) // design.segment + 1
        come_to = self.encode(seen, self.of_series(features), boundaries, carried, stepwise=False)
        known = seen.observed[:, -boundaries * design.segment :].flatten(1).any(dim=1)
        return CarriedState(come_to.last, carried.begun | known.to(carried.begun.device))

    def ahead(self, features: CovariateFeatures, starts: range) -> KnownFuture:
        """What is known of the steps that follow each context, for F * B windows."""
        design = self.architecture
        length, rest = design.context + design.horizon, self.pieces * design.decoder_stride - design.horizon
        foreseen = self.inputs.foreseen
        coming = torch.cat([features.ahead(start + design.context, start + length, foreseen) for start in starts])
        amounts = torch.cat([features.amounts[:, start : start + length] for start in starts])
        differing = residual_amounts(amounts, design.context, self.base)
        return KnownFuture(
            functional.pad(coming, (0, 0, 0, rest)),
            functional.pad(differing, (0, 0, 0, rest)),
            self.of_series(features).repeat(len(starts), 1, 1),
        )

    def of_series(self, features: CovariateFeatures) -> Tensor:
        """What is known of the series: (B, 1, hidden)."""
        if self.window is None:
            return self.embedding.weight.new_zeros(len(features.window), 1, self.architecture.hidden)
        return self.window(features.window).unsqueeze(1)

    def correct(self, view: DecoderInput) -> Tensor:
        """What linear maps add to the base, of the past, amounts known in advance and other series: (F * B, H, K)."""
        horizon, left = self.architecture.horizon, view.left
        correction = left.new_zeros(len(left), horizon, self.targets)
        if self.architecture.bypass:
            correction = self.bypass(left.nan_to_num(0.0).mT, view.past.output).mT
        if self.outlook is not None:
            correction = correction + self.outlook.correction(view.ahead.surprise[:, :horizon], view.past.output)
        if self.mixing is not None and view.mixed is not None:
            ends = range(self.context, view.mixed.shape[1] + 1, self.architecture.segment)
            views = torch.cat([view.mixed[:, end - self.context : end] for end in ends])  # (F * B, L, M)
            correction = correction + self.mixing.correction(views)
        return correction

    def scale(self, past: Tensor) -> Scale:
        """Of windows, from their past (B, L, K), or the one of all rows that were trained on."""
        if self.architecture.scale == "global":
            level, spread = (one.to(past).expand(len(past), 1, -1) for one in (self.level, self.spread))
            return Scale(level, spread, None)
        return scaling.measure(past, self.architecture.scale, self.architecture.season)

    def fix_scale(self, values: Tensor) -> None:
        """Take the scale of all windows from these values (N, K) float64, NaN where missing."""
        known = values.unsqueeze(0)
        count = (~known.isnan()).sum(dim=1, keepdim=True)
        self.level.copy_(scaling.mean(known, count).nan_to_num(0.0).flatten())
        self.spread.copy_(scaling.deviation(known, count).flatten())

    def sees(self, rows: int) -> int:
        """Steps of the past that it is to be given, where so many lie before the cutoff."""
        if self.architecture.bptt is None:
            return self.context
        return max(self.context, math.ceil(rows / self.architecture.segment) * self.architecture.segment)

    def encode(
        self, seen: EncoderInput, window: Tensor, boundaries: int, carried: CarriedState | None, stepwise: bool = True
    ) -> EncoderOutput:
        """What the encoder came to at the last boundaries of segments in the past of T steps.

        stepwise: whether anything is decoded from each of them.
        """
        segments = self.embed(seen, window)  # (B, N, hidden)
        if self.architecture.bptt is not None:
            known = seen.observed.reshape(*segments.shape[:2], -1).any(dim=-1)  # (B, N)
            stepwise = stepwise and self.architecture.decoder in ("parallel", "recursive")
            return encode_from_state(self.encoder, segments, known, boundaries, carried, stepwise)
        first = segments.shape[1] - boundaries + 1
        output, state = self.encoder(segments[:, :first])
        outputs, states = [output], [state]
        for number in range(first, segments.shape[1]):
            output, state = self.encoder(segments[:, number : number + 1], state)
            outputs.append(output)
            states.append(state)
        last = torch.cat([one[:, -1:] for one in outputs])
        if self.attended is None:
            return EncoderOutput(last, concat_states(states), state, None, None)
        every = torch.cat(outputs, dim=1).repeat(boundaries, 1, 1)  # (F * B, N, hidden)
        place = torch.arange(segments.shape[1], device=every.device)
        ends = torch.arange(first, first + boundaries, device=every.device).repeat_interleave(len(window))
        return EncoderOutput(last, concat_states(states), state, every, place < ends.unsqueeze(1))

    def embed(self, steps: EncoderInput, window: Tensor) -> Tensor:
        """T steps, and what is known of the series (B, 1, hidden), to a vector a segment: (B, N, hidden).

        Of the calendar the mean of each segment: what time it is of its steps goes without saying.
        """
        batch, length, _ = steps.values.shape
        count = length // self.architecture.segment
        told = steps.values, steps.observed, steps.waited, steps.features
        parts = [part.reshape(batch, count, -1) for part in told if part is not None and part.shape[-1]]
        if self.inputs.calendar:
            shape = batch, count, self.architecture.segment, self.inputs.calendar
            parts.append(steps.calendar.reshape(shape).mean(dim=2))
        entered = self.embedding(torch.cat(parts, dim=-1)) + window
        if self.mixing is not None and steps.mixed is not None:
            entered = entered + self.mixing.of_segments(steps.mixed)
        if self.architecture.traits.closed_form:  # whose units have the only bend
            return entered
        if self.norm is not None:
            entered = self.norm(entered)
        return self.left_out(functional.gelu(entered))

    def decode_together(self, past: EncoderOutput, ahead: KnownFuture) -> tuple[Tensor, Tensor | None]:
        """One step from the past for each segment of the horizon: (B, H, K, Q), and what was looked at.

        All of them from the encoder's last state, or one after another by a second network.
        """
        batch = len(ahead.window)
        steps = self.positions + ahead.window  # (B, M, hidden)
        if self.outlook is not None:
            steps = steps + self.outlook.of_segments(ahead.features)
        if self.second is not None:
            return self.read(self.second(past.output, steps), past, ahead)
        outputs, _ = self.encoder(steps.reshape(batch * self.pieces, 1, -1), repeat_state(past.state, self.pieces))
        return self.read(outputs.reshape(batch, self.pieces, -1), past, ahead)

    def decode_in_turn(
        self, view: DecoderInput, around: Tensor, lesson: TeacherForcing | None
    ) -> tuple[Tensor, Tensor | None]:
        """Segment after segment, each median around a centre (B, H, K) fed back as if it had been observed.

        In training a value drawn from it, so that the network learns to live with its own errors (scheduled sampling:
        Bengio et al. 2015), or what the lesson tells. (B, H, K, Q), and what was looked at.
        """
        segment, horizon = self.architecture.segment, self.architecture.horizon
        pieces, looked = list[Tensor](), list[Tensor]()
        output, state, length = view.past.output, view.past.state, self.pieces * segment
        centre = functional.pad(around, (0, 0, 0, length - horizon))
        feedback = Feedback(view, centre, lesson, self.base.subtracted, drawn=self.training)
        for start in range(0, length, segment):
            known = view.ahead.part(start, segment)
            piece, weights = self.read(output, view.past, known, whole=True)  # (B, segment, K, Q)
            pieces.append(piece)
            looked += [] if weights is None else [weights]
            if start + segment < length:
                taken = self.taken(*feedback.behind(piece, start), known)
                output, state = self.encoder(self.embed(taken, known.window), state)
        return torch.cat(pieces, dim=1)[:, :horizon], torch.cat(looked, dim=1) if looked else None

    def taken(self, value: Tensor, since: Tensor | None, known: KnownFuture) -> EncoderInput:
        """A segment (B, segment, K) taken for observed, how long since a sale, and what is known of its steps."""
        read, first = self.inputs.read_width, self.inputs.width - self.inputs.calendar
        return EncoderInput(
            value, torch.ones_like(value), since, known.features[..., :read], known.features[..., first:]
        )

    def read(
        self, outputs: Tensor, past: EncoderOutput, ahead: KnownFuture, whole: bool = False
    ) -> tuple[Tensor, Tensor | None]:
        """Outputs (B, M, hidden) to head parameters (B, H, K, Q), or to those of whole segments (B, M * seg, K, Q).

        And, where the decoder attends to the past, how much to which of its steps: (B, M, N).
        """
        looked = None
        if self.attended is not None and past.every is not None and past.known is not None:
            outputs, looked = self.attended(outputs, past.every, past.known)
        outputs = self.dropout(outputs)
        parameters = self.readout(outputs).reshape(len(outputs), -1, self.targets * len(quantile_head.LEVELS))
        if self.outlook is not None:
            length = parameters.shape[1]
            known = ahead.part(0, length)
            parameters = parameters + self.outlook.of_steps(outputs, known.features, known.surprise)
        parameters = parameters.reshape(len(outputs), -1, self.targets, len(quantile_head.LEVELS))
        return parameters if whole else parameters[:, : self.architecture.horizon], looked
