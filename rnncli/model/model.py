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
from rnncli.network import encoder_states, quantile_head
from rnncli.network.network import Network
from rnncli.network.tensors import CarriedState
from rnncli.panel import Cutoffs, Forecast, Panel
from rnncli.panel.time.frequency import parse_frequency
from rnncli.windows.batch import Batch
from rnncli.windows.windows import Windows

STATES = 8  # values that a recurrent step keeps for each unit: gates, states, outputs
VALUES_AT_ONCE = 20_000_000  # of one chunk of forecasts: bounds its memory to some hundred megabytes


@dataclass(frozen=True)
class Model:
    """Networks and what is known of them."""

    card: Card
    networks: tuple[Network, ...]
    calibration: Calibration | None = None  # learned on validation windows, where there were any
    corrected: bool = True  # whether it moves the quantiles

    def forecast(
        self, panel: Panel, cutoffs: Cutoffs, levels: np.ndarray, device: torch.device, point: PointName | None = None
    ) -> Forecast:
        """What `stream` gives, of all cutoffs at once."""
        parts = [part for _, part in self.stream(panel, cutoffs, levels, device, point)]
        return Forecast(*(np.concatenate(column) for column in zip(*parts, strict=True)))

    @torch.inference_mode()
    def stream(
        self,
        panel: Panel,
        cutoffs: Cutoffs,
        levels: np.ndarray,
        device: torch.device,
        point: PointName | None = None,
        altered: Callable[[Batch], Batch] | None = None,
    ) -> Iterator[tuple[Cutoffs, Forecast]]:
        """The H steps after each cutoff, at levels (P,), rising: what the networks say together.

        Some cutoffs at a time: no more of it is in memory than what is looked at. Corrected by the calibration. The
        point forecast is what the model's metric asks for, or the one asked for. altered: what to make of the windows
        before they are looked at. Raises DataError where the panel is not of the model's kind.
        """
        self.check(panel)
        networks = [network.to(device).eval() for network in self.networks]
        dated = any(member.architecture.calendar for member in self.card.members)
        rows = (
            int(cutoffs.rows.max(initial=0)) if altered else 0
        )  # what is altered is read from the beginning of a series
        seen = max(network.sees(rows) for network in networks)
        windows = Windows(panel, seen, self.card.horizon, device, dated, self.together(panel))
        needed = np.union1d(levels, quantile_head.LEVELS)
        judged = 1 + torch.from_numpy(np.flatnonzero(np.isin(needed, quantile_head.LEVELS)))  # behind the point
        wanted, take_mean, size = torch.from_numpy(needed), self._takes_mean(point), self._chunk(rows)
        kept = self.card.seen
        for number, given in enumerate(windows.at(cutoffs, size)):
            some = slice(number * size, (number + 1) * size)
            places = Cutoffs(cutoffs.series[some], cutoffs.rows[some])
            batch, every = given if altered is None else altered(given), []
            for network in networks:
                carried = None if altered else encoder_states.carried_to(network, windows, places.series, places.rows)
                every.append(_forecast(network, network.sees(rows), batch, carried, wanted, take_mean))
            said = ensemble_forecast(every, kept.counts, judged).cpu().numpy()
            points = (value_limits.limit_values if take_mean else value_limits.limit_quantiles)(said[..., 0], kept)
            quantiles = value_limits.limit_quantiles(self._corrected(said[..., 1:], needed), kept)
            yield places, Forecast(points, quantiles[..., np.isin(needed, levels)])

    def together(self, panel: Panel) -> np.ndarray | None:
        """The panel's number of each series that the networks see side by side, -1 where it is not there: (S,)."""
        if not self.card.seen.together:
            return None
        numbers = {str(name): number for number, name in enumerate(panel.ids)}
        return np.array([numbers.get(name, -1) for name in self.card.seen.together])

    def paths(self, quantiles: np.ndarray, count: int) -> np.ndarray:
        """Futures (N, H, K, count) with errors that hang together as those of the validation windows did.

        quantiles: (N, H, K, Q) forecasts at heads.LEVELS. Raises RequestError where there were no such windows without
        gaps.
        """
        if self.calibration is None or not len(self.calibration.ranks):
            raise RequestError("--samples needs a model with validation windows without gaps: this one had none")
        drawn = sample_paths.draw(
            self.calibration.ranks, quantiles, np.array(quantile_head.LEVELS), count, self.card.members[0].seed
        )
        return value_limits.limit_quantiles(drawn, self.card.seen)

    def _takes_mean(self, point: PointName | None) -> bool:
        return (point or TRAINING_METRICS[self.card.config.training.metric].point) == "mean"

    def _corrected(self, quantiles: np.ndarray, levels: np.ndarray) -> np.ndarray:
        if self.calibration is None or not self.corrected:
            return quantiles
        return self.calibration.apply(quantiles, levels)

    def _chunk(self, rows: int) -> int:
        """Windows forecast at once, where so many rows lie before the latest cutoff."""
        needs = []
        for network in self.networks:
            design, seen = network.architecture, network.sees(rows)
            values = (seen + design.horizon * len(quantile_head.LEVELS) * len(self.networks)) * network.targets
            states = (seen + design.horizon) // design.segment * design.hidden * STATES
            if design.traits.context_copies and design.decoder == "parallel":  # each step of it looks at its own copy
                states *= math.ceil(design.horizon / design.segment)
            others = design.context * len(self.card.seen.together) if design.mix else 0
            needs.append(values + states + others)
        return min(4096, max(1, VALUES_AT_ONCE // max(needs)))

    def check(self, panel: Panel) -> None:
        """Raise DataError where the panel's clock or targets are not those the model was trained on."""
        trained = parse_frequency(self.card.frequency)
        if not trained.same_step(panel.frequency):
            raise DataError(
                f"its clock steps by {panel.frequency.name}, the model was trained on steps of {trained.name}. "
                "Use a table of that frequency, train on this one, or correct it with --freq"
            )
        if panel.targets != self.card.targets:
            raise DataError(
                f"{panel.targets} target columns; the model forecasts {self.card.targets} together: "
                f"{', '.join(self.card.config.columns.target)}"
            )


def _forecast(
    network: Network, seen: int, batch: Batch, carried: CarriedState | None, levels: Tensor, take_mean: bool
) -> Tensor:
    """Point and quantiles (B, H, K, 1 + P) of one network, in the data's units; NaN where it sees nothing."""
    past = batch.past[:, batch.past.shape[1] - seen :]
    beside = batch.covariates.last_steps(seen, network.architecture.horizon)
    quantiles, scale = network.trace(past, batch.step, beside, carried).prediction
    quantiles = quantiles.to(past.device).double()
    point = quantile_head.point(scale.undo(quantiles), take_mean)
    unseen = past.isnan().all(dim=1, keepdim=True) & (seen > 0)  # (B, 1, K)
    if carried is not None:
        unseen = unseen & ~carried.begun.reshape(-1, 1, 1)
    said = torch.cat([point.unsqueeze(-1), scale.undo(quantile_head.at_levels(quantiles, levels))], dim=-1)
    return said.masked_fill(unseen.unsqueeze(-1), torch.nan)
