"""Forecast with a fitted ensemble: its networks, card and calibration. Knows nothing of files."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from rnncli.config.metrics import TRAINING_METRICS, PointName
from rnncli.errors import DataError, RequestError
from rnncli.model import sample_paths, value_limits
from rnncli.model.card import Card
from rnncli.model.conformal import Calibration
from rnncli.model.ensemble import ensemble_forecast
from rnncli.network import encoder_states
from rnncli.network.network import Network
from rnncli.network.tensors import CarriedState
from rnncli.panel import Cutoffs, Forecast, Panel
from rnncli.panel.time.frequency import parse_frequency
from rnncli.windows.batch import Batch
from rnncli.windows.windows import Windows

STATES = 8  # values stored by a recurrent step for each unit: gates, states, outputs
VALUES_AT_ONCE = 20_000_000  # of one batch of forecasts: bounds its memory to some hundred megabytes
MAX_BATCH = 4096


@dataclass(frozen=True)
class Model:
    """Networks with their card and calibration."""

    card: Card
    networks: tuple[Network, ...]
    calibration: Calibration | None = None  # None without validation windows
    corrected: bool = True  # whether the calibration is applied

    @property
    def levels(self) -> np.ndarray:
        """Return the levels (Q,) of the quantiles that the networks were trained for, rising."""
        return np.array(self.networks[0].head.levels)

    def forecast(
        self, panel: Panel, cutoffs: Cutoffs, levels: np.ndarray, device: torch.device, point: PointName | None = None
    ) -> Forecast:
        """Return the forecasts of `forecast_batches` for all cutoffs."""
        parts = [part for _, part in self.forecast_batches(panel, cutoffs, levels, device, point)]
        return Forecast(*(np.concatenate(column) for column in zip(*parts, strict=True)))

    @torch.inference_mode()
    def forecast_batches(
        self,
        panel: Panel,
        cutoffs: Cutoffs,
        levels: np.ndarray,
        device: torch.device,
        point: PointName | None = None,
        transform: Callable[[Batch], Batch] | None = None,
    ) -> Iterator[tuple[Cutoffs, Forecast]]:
        """Yield the calibrated ensemble forecasts of the H steps after some cutoffs at a time.

        levels: (P,) rising. point: statistic of the point forecast, by default that of the training metric.
        transform: applied to each batch of windows. Raises DataError if the panel does not fit the model.
        """
        self.check(panel)
        networks = [network.to(device).eval() for network in self.networks]
        rows = int(cutoffs.rows.max(initial=0)) if transform else 0  # transformed series are read from their first row
        windows = self._windows(panel, rows, device)
        needed = np.union1d(levels, self.levels)
        trained = 1 + torch.from_numpy(np.flatnonzero(np.isin(needed, self.levels)))  # column 0: the point
        wanted, take_mean, size = torch.from_numpy(needed), self._takes_mean(point), self._batch_size(rows)
        data = self.card.seen
        for number, batch in enumerate(windows.at(cutoffs, size)):
            chosen = slice(number * size, (number + 1) * size)
            part = Cutoffs(cutoffs.series[chosen], cutoffs.rows[chosen])
            batch, members = batch if transform is None else transform(batch), []
            for network in networks:
                carried = None if transform else encoder_states.carried_to(network, windows, part.series, part.rows)
                members.append(_forecast(network, network.past_steps(rows), batch, carried, wanted, take_mean))
            output = ensemble_forecast(members, data.counts, trained).cpu().numpy()
            limit = value_limits.limit_values if take_mean else value_limits.limit_quantiles
            quantiles = value_limits.limit_quantiles(self._calibrated(output[..., 1:], needed), data)
            yield part, Forecast(limit(output[..., 0], data), quantiles[..., np.isin(needed, levels)])

    def _windows(self, panel: Panel, rows: int, device: torch.device) -> Windows:
        """Return the windows that all networks take; rows: before the latest cutoff."""
        calendar = any(member.architecture.calendar for member in self.card.members)
        context = max(network.past_steps(rows) for network in self.networks)
        return Windows(panel, context, self.card.horizon, device, calendar, self.mixed_series(panel))

    def mixed_series(self, panel: Panel) -> np.ndarray | None:
        """Return the panel's index of each series that the networks mix, -1 if it is missing: (S,); None without."""
        if not self.card.seen.together:
            return None
        indices = {str(name): index for index, name in enumerate(panel.ids)}
        return np.array([indices.get(name, -1) for name in self.card.seen.together])

    def sample_paths(self, quantiles: np.ndarray, count: int) -> np.ndarray:
        """Return sample paths (N, H, K, count) whose errors correlate like those of the validation windows.

        quantiles: (N, H, K, Q) forecasts at the trained levels. Raises RequestError if the model has no validation
        windows without gaps.
        """
        if self.calibration is None or not len(self.calibration.ranks):
            raise RequestError(
                "sample paths require validation windows without gaps (found none). Train on longer series"
            )
        drawn = sample_paths.draw(self.calibration.ranks, quantiles, self.levels, count, self.card.members[0].seed)
        return value_limits.limit_quantiles(drawn, self.card.seen)

    def _takes_mean(self, point: PointName | None) -> bool:
        return (point or TRAINING_METRICS[self.card.config.training.metric].point) == "mean"

    def _calibrated(self, quantiles: np.ndarray, levels: np.ndarray) -> np.ndarray:
        if self.calibration is None or not self.corrected:
            return quantiles
        return self.calibration.apply(quantiles, levels)

    def _batch_size(self, rows: int) -> int:
        """Return the number of windows to forecast at once; rows: before the latest cutoff."""
        sizes = []
        for network in self.networks:
            architecture, context = network.architecture, network.past_steps(rows)
            outputs = architecture.horizon * len(self.levels) * len(self.networks)
            values = (context + outputs) * network.targets
            states = (context + architecture.horizon) // architecture.segment * architecture.hidden * STATES
            if architecture.traits.context_copies and network.decoder.repeats_state:
                states *= math.ceil(architecture.horizon / architecture.segment)
            mixed = architecture.context * len(self.card.seen.together) if architecture.mix else 0
            sizes.append(values + states + mixed)
        return min(MAX_BATCH, max(1, VALUES_AT_ONCE // max(sizes)))

    def check(self, panel: Panel) -> None:
        """Raise DataError if the panel's frequency or targets are not those of the training data."""
        trained = parse_frequency(self.card.frequency)
        if not trained.same_step(panel.frequency):
            raise DataError(
                f"the frequency must be that of the training data (found {panel.frequency.name}, expected "
                f"{trained.name}). Use a table of that frequency, or set its frequency if it was not recognised"
            )
        if panel.targets != self.card.targets:
            raise DataError(
                f"the targets must be those of the training data (found {panel.targets}, expected "
                f"{self.card.targets}: {', '.join(self.card.config.columns.target)}). Name the target columns"
            )


def _forecast(
    network: Network, context: int, batch: Batch, carried: CarriedState | None, levels: Tensor, take_mean: bool
) -> Tensor:
    """Return the point forecast and quantiles (B, H, K, 1 + P) of one network in the data's units.

    NaN if the network receives no value.
    """
    past = batch.past[:, batch.past.shape[1] - context :]
    covariates = batch.covariates.last_steps(context, network.architecture.horizon)
    quantiles, scale = network.trace(past, batch.step, covariates, carried).prediction
    quantiles = quantiles.to(past.device).double()
    point = network.head.point(scale.undo(quantiles), take_mean)
    empty = past.isnan().all(dim=1, keepdim=True) & (context > 0)  # (B, 1, K)
    if carried is not None:
        empty = empty & ~carried.begun.reshape(-1, 1, 1)
    output = torch.cat([point.unsqueeze(-1), scale.undo(network.head.at_levels(quantiles, levels))], dim=-1)
    return output.masked_fill(empty.unsqueeze(-1), torch.nan)
