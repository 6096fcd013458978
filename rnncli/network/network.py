"""The network: from the past of a window to the quantiles of its future.

The design is SegRNN's (Lin et al. 2023): the context is cut into segments, one recurrent step each, and all segments of
the horizon are decoded at once from position embeddings. It corrects a base forecast (Smyl 2020, ES-RNN), together with
linear maps from context to horizon (Ni et al. 2024, MoLE).
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from rnncli.config.architecture import Architecture, InputSpec
from rnncli.network import base_forecasts, cells, decoders, quantile_head, scaling, teacher_forcing
from rnncli.network.cells import BatchNorm, Dropout, concat_states
from rnncli.network.covariate_encoder import CovariateEncoder, CovariateFeatures, residual_amounts
from rnncli.network.cross_series import CrossSeriesMixing
from rnncli.network.decoders import AdditiveAttention, Decoded
from rnncli.network.known_future import KnownFutureEncoder
from rnncli.network.linear_experts import LinearExperts
from rnncli.network.scaling import Scale
from rnncli.network.stateful_encoder import encode_from_state
from rnncli.network.teacher_forcing import TeacherForcing
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

TARGETS_ONLY = InputSpec()


class Network(nn.Module):
    """Forecasts K targets jointly over H steps from the L steps before them."""

    def __init__(self, architecture: Architecture, targets: int, inputs: InputSpec = TARGETS_ONLY) -> None:
        """Draw the initial weights. Order and names of the parts are fixed: seeds and model files depend on them."""
        super().__init__()
        self.architecture = design = architecture
        self.context, self.targets, hidden = design.context, targets, design.hidden
        self.decoder_steps = math.ceil(design.horizon / design.decoder_stride)  # M
        self.head, self.decoder = quantile_head.build(design), decoders.build(design)
        per_step = targets * self.head.width
        if design.scale == "global":
            self.register_buffer("level", torch.zeros(targets))
            self.register_buffer("spread", torch.ones(targets))
        self.base = base_forecasts.build(design, targets)
        self.inputs = CovariateEncoder(design, inputs)
        width = (3 if design.since else 2) * targets + self.inputs.read_width  # values of a step
        self.embedding = nn.Linear(width * design.segment + self.inputs.calendar, hidden)
        self.encoder = cells.build(design, hidden)
        self.dropout = nn.Dropout(design.dropout)
        self.readout = nn.Linear(hidden, self.decoder.steps_per_output(design) * per_step)
        if self.decoder.positional:
            positions = torch.empty(self.decoder_steps, hidden).normal_().div_(math.sqrt(hidden))
            self.positions = nn.Parameter(positions)  # (M, hidden)
        if design.bypass:
            self.bypass = LinearExperts(design.context, design.horizon, design.experts, hidden)
        self.window = nn.Linear(self.inputs.window_width, hidden) if self.inputs.window_width else None
        self.outlook = KnownFutureEncoder(design, self.inputs, targets, per_step) if self.inputs.known_ahead else None
        self.second = self.decoder.second_network(design)
        self.attended = AdditiveAttention(hidden) if design.attention else None
        self.level: Tensor
        self.spread: Tensor
        self.norm = BatchNorm(hidden) if design.normalise == "batch" else None
        self.input_dropout = Dropout(design.input_dropout, design.variational)
        self.mixing = CrossSeriesMixing(design, inputs.series) if design.mix else None

    def forward(self, past: Tensor, step: Tensor, covariates: CovariateBatch) -> Prediction:
        """Forecast from the past (B, T, K) float64 in the data's units, NaN where missing.

        step: (B,) the time index at which the future begins.
        A past that is longer than the context by whole segments is also forecast from the end of each of these, with
        one pass of the encoder (forking sequences: Wen et al. 2017, MQ-RNN): F * B windows, those that end first come
        first. All are scaled by the first context, the part of the past that they have in common.
        """
        return self.trace(past, step, covariates).prediction

    def trace(
        self,
        past: Tensor,
        step: Tensor,
        covariates: CovariateBatch,
        carried: CarriedState | None = None,
        teacher: TeacherForcing | None = None,
    ) -> Trace:
        """Forecast as `forward` does, and return intermediate results too.

            past -> scale -> base forecast ------------------------------> + -> head -> quantiles at unit scale
                      |         | residuals                                ^
                      |         +-> linear maps -> correction -------------+
                      |         +-> embedding of segments -> encoder -+    |
            covariates -> features ->-^                               v    |
                             +-> known future ----------------------> decoder -> parameters
            other series -> mixtures (to the embedding and the correction)

        If states are carried over, the past is that of a whole series, forecast from its end only. With `carried`, it
        is the context before the newest F segments: these are read from that state and forecast from the end of each.
        teacher: true values of the future of all F * B windows, for a decoder that feeds forecasts back.
        """
        view = self.decoder_input(past, step, covariates, carried)
        correction = self.correct(view)
        parameters, attention = self.decoder.decode(self, view, correction, teacher)
        quantiles = self.head.quantiles(parameters, view.base + correction)
        return Trace(Prediction(quantiles, view.scale), view.encoded.last, view.encoded.final_state, attention)

    def decoder_input(
        self, past: Tensor, step: Tensor, covariates: CovariateBatch, carried: CarriedState | None = None
    ) -> DecoderInput:
        """Return everything that is computed before decoding, for F * B windows."""
        design, length = self.architecture, past.shape[1]
        scale = self.scale(past[:, : design.context])
        scaled = scale.apply(past).to(self.embedding.weight.device)  # (B, T, K)
        end_only = design.bptt is not None and carried is None
        starts = range(length - design.context if end_only else 0, length - design.context + 1, design.segment)
        windows = torch.cat([scaled[:, start : start + design.context] for start in starts])  # (F * B, L, K)
        steps = torch.cat([step - (starts[-1] - start) for start in starts])  # (F * B,)
        residuals, base = self.base(windows, steps)  # (F * B, L, K), (F * B, H, K)
        features = self.inputs(covariates, design.context)
        known = self.known_future(features, starts)
        others = covariates.other_series
        mixed = None if self.mixing is None or others is None else self.mixing(others)  # (B, T, X)
        read = residuals if length == design.context else self.base(scaled, step)[0]  # (B, T, K)
        waited = teacher_forcing.steps_since(past > 0) if design.since else None  # (B, T, K)
        inputs = self.encoder_input(read, waited, features, mixed)
        inputs = inputs if design.context else inputs.pad_front(design.segment)  # one step, for the static covariates
        encoded = self.encode(inputs, known.series[: len(past)], len(starts), carried)
        ends = [start + design.context for start in starts]
        newest = None if waited is None else torch.cat([waited[:, end - 1 : end] for end in ends]).to(read.device)
        return DecoderInput(scale.repeated(len(starts)), residuals, base, known, mixed, newest, encoded)

    def encoder_input(
        self, read: Tensor, waited: Tensor | None, features: CovariateFeatures, mixed: Tensor | None
    ) -> EncoderInput:
        """Return the encoder's input from values or residuals (B, T, K) and steps since a positive value (B, T, K)."""
        logarithm = None if waited is None else waited.double().log1p().to(read)
        covariates = features.read[:, : read.shape[1]], features.calendar[:, : read.shape[1]]
        return EncoderInput(read.nan_to_num(0.0), (~read.isnan()).to(read), logarithm, *covariates, mixed)

    def carry(self, past: Tensor, step: Tensor, covariates: CovariateBatch, carried: CarriedState) -> CarriedState:
        """Return the state at the end of a past, from the state before its last segments.

        Of these there is one in its first context, and one for each segment after it.
        """
        design = self.architecture
        scaled = self.scale(past[:, : design.context]).apply(past).to(self.embedding.weight.device)
        features = self.inputs(covariates, design.context)
        inputs = self.encoder_input(self.base(scaled, step)[0], None, features, None)
        boundaries = (past.shape[1] - design.context) // design.segment + 1
        encoded = self.encode(inputs, self.embed_series(features), boundaries, carried, stepwise=False)
        observed = inputs.observed[:, -boundaries * design.segment :].flatten(1).any(dim=1)
        return CarriedState(encoded.final_state, carried.begun | observed.to(carried.begun.device))

    def known_future(self, features: CovariateFeatures, starts: range) -> KnownFuture:
        """Return what is known of the steps after each context, for F * B windows."""
        design = self.architecture
        length, padding = design.context + design.horizon, self.decoder_steps * design.decoder_stride - design.horizon
        ahead = self.inputs.ahead
        future = torch.cat([features.future(start + design.context, start + length, ahead) for start in starts])
        amounts = torch.cat([features.amounts[:, start : start + length] for start in starts])
        residual = residual_amounts(amounts, design.context, self.base)
        return KnownFuture(
            functional.pad(future, (0, 0, 0, padding)),
            functional.pad(residual, (0, 0, 0, padding)),
            self.embed_series(features).repeat(len(starts), 1, 1),
        )

    def embed_series(self, features: CovariateFeatures) -> Tensor:
        """Return the embedding of what is constant within a window (B, 1, hidden)."""
        if self.window is None:
            return self.embedding.weight.new_zeros(len(features.window), 1, self.architecture.hidden)
        return self.window(features.window).unsqueeze(1)

    def correct(self, view: DecoderInput) -> Tensor:
        """Return what linear maps of the past, known amounts and other series add to the base: (F * B, H, K)."""
        horizon, residuals, output = self.architecture.horizon, view.residuals, view.encoded.last
        correction = residuals.new_zeros(len(residuals), horizon, self.targets)
        if self.architecture.bypass:
            correction = self.bypass(residuals.nan_to_num(0.0).mT, output).mT
        if self.outlook is not None:
            correction = correction + self.outlook.correction(view.known.amounts[:, :horizon], output)
        if self.mixing is not None and view.mixed is not None:
            ends = range(self.context, view.mixed.shape[1] + 1, self.architecture.segment)
            mixed = torch.cat([view.mixed[:, end - self.context : end] for end in ends])  # (F * B, L, X)
            correction = correction + self.mixing.correction(mixed)
        return correction

    def scale(self, past: Tensor) -> Scale:
        """Return the scale of windows, from their past (B, L, K) or, if it is global, from the training rows."""
        if self.architecture.scale == "global":
            level, spread = (part.to(past).expand(len(past), 1, -1) for part in (self.level, self.spread))
            return Scale(level, spread, None)
        return scaling.measure(past, self.architecture.scale, self.architecture.season)

    def fix_scale(self, values: Tensor) -> None:
        """Set the global scale from values (N, K) float64, NaN where missing."""
        rows = values.unsqueeze(0)
        count = (~rows.isnan()).sum(dim=1, keepdim=True)
        self.level.copy_(scaling.mean(rows, count).nan_to_num(0.0).flatten())
        self.spread.copy_(scaling.deviation(rows, count).flatten())

    def past_steps(self, rows: int) -> int:
        """Return the steps of the past to pass in if this many rows lie before the cutoff."""
        if self.architecture.bptt is None:
            return self.context
        return max(self.context, math.ceil(rows / self.architecture.segment) * self.architecture.segment)

    def encode(
        self,
        inputs: EncoderInput,
        series: Tensor,
        boundaries: int,
        carried: CarriedState | None,
        stepwise: bool = True,
    ) -> EncoderOutput:
        """Return the encoder's results at the last `boundaries` ends of segments.

        stepwise: whether a forecast is decoded from each of them.
        """
        segments = self.embed(inputs, series)  # (B, N, hidden)
        if self.architecture.bptt is not None:
            observed = inputs.observed.reshape(*segments.shape[:2], -1).any(dim=-1)  # (B, N)
            stepwise = stepwise and self.decoder.reads_state
            return encode_from_state(self.encoder, segments, observed, boundaries, carried, stepwise)
        first = segments.shape[1] - boundaries + 1
        output, state = self.encoder(segments[:, :first])
        outputs, states = [output], [state]
        for number in range(first, segments.shape[1]):
            output, state = self.encoder(segments[:, number : number + 1], state)
            outputs.append(output)
            states.append(state)
        last = torch.cat([output[:, -1:] for output in outputs])
        if self.attended is None:
            return EncoderOutput(last, concat_states(states), state, None, None)
        repeated = torch.cat(outputs, dim=1).repeat(boundaries, 1, 1)  # (F * B, N, hidden)
        index = torch.arange(segments.shape[1], device=repeated.device)
        ends = torch.arange(first, first + boundaries, device=repeated.device).repeat_interleave(len(series))
        return EncoderOutput(last, concat_states(states), state, repeated, index < ends.unsqueeze(1))

    def embed(self, steps: EncoderInput, series: Tensor) -> Tensor:
        """Map T steps and the embedding of the series (B, 1, hidden) to a vector per segment (B, N, hidden).

        The calendar enters as its mean over the segment: the order of the steps is the same in all segments.
        """
        batch, length, _ = steps.values.shape
        count = length // self.architecture.segment
        columns = steps.values, steps.observed, steps.waited, steps.features
        parts = [part.reshape(batch, count, -1) for part in columns if part is not None and part.shape[-1]]
        if self.inputs.calendar:
            shape = batch, count, self.architecture.segment, self.inputs.calendar
            parts.append(steps.calendar.reshape(shape).mean(dim=2))
        embedded = self.embedding(torch.cat(parts, dim=-1)) + series
        if self.mixing is not None and steps.mixed is not None:
            embedded = embedded + self.mixing.embed_segments(steps.mixed)
        if self.architecture.traits.closed_form:  # the units of the reservoir are its only nonlinearity
            return embedded
        if self.norm is not None:
            embedded = self.norm(embedded)
        return self.input_dropout(functional.gelu(embedded))

    def embed_feedback(self, values: Tensor, waited: Tensor | None, known: KnownFuture) -> Tensor:
        """Return the encoder's input (B, 1, hidden) for a segment of values (B, segment, K) taken as observed.

        waited: (B, segment, K) log(1 + steps since a positive value). known: of the segment's steps.
        """
        read, calendar = self.inputs.read_width, self.inputs.width - self.inputs.calendar
        features = known.features[..., :read], known.features[..., calendar:]
        return self.embed(EncoderInput(values, torch.ones_like(values), waited, *features), known.series)

    def position_inputs(self, known: KnownFuture) -> Tensor:
        """Return the embedding of each segment of the horizon: position, series and known future (B, M, hidden)."""
        steps = self.positions + known.series
        return steps if self.outlook is None else steps + self.outlook.embed_segments(known.features)

    def read_out(self, outputs: Tensor, encoded: EncoderOutput, known: KnownFuture, padded: bool = False) -> Decoded:
        """Map outputs (B, M, hidden) to head parameters (B, H, K, P); of all M * segment steps if padded.

        Attention to the encoder's outputs comes first, if the network has it.
        """
        attention = None
        if self.attended is not None and encoded.outputs is not None and encoded.visible is not None:
            outputs, attention = self.attended(outputs, encoded.outputs, encoded.visible)
        outputs = self.dropout(outputs)
        parameters = self.readout(outputs).reshape(len(outputs), -1, self.targets * self.head.width)
        if self.outlook is not None:
            steps = known.slice(0, parameters.shape[1])
            parameters = parameters + self.outlook.read_steps(outputs, steps.features, steps.amounts)
        parameters = parameters.reshape(len(outputs), -1, self.targets, self.head.width)
        return Decoded(parameters if padded else parameters[:, : self.architecture.horizon], attention)
