"""Forecast with a model: its networks, the pretrained one, its card and calibration. Knows nothing of files.

Without a device no torch is needed: graphs of the networks and the pretrained network are computed in NumPy.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rnncli.config.metrics import TRAINING_METRICS, PointName
from rnncli.errors import DataError, RequestError
from rnncli.model import sample_paths, value_limits
from rnncli.model.card import Card
from rnncli.model.conformal import Calibration
from rnncli.model.graph.engine import GraphEngine
from rnncli.model.networks import StoredNetworks
from rnncli.model.outputs import OutputBatch
from rnncli.model.pretrained.forecaster import PretrainedForecaster
from rnncli.model.pretrained.network import LEVELS
from rnncli.model.quantile_values import interpolate, mean_of, normal_deviates
from rnncli.panel import Cutoffs, Forecast, Panel
from rnncli.panel.time.frequency import parse_frequency

if TYPE_CHECKING:
    import torch

    from rnncli.model.network_forecasts import Engine, Transform
    from rnncli.network.network import Network

PRETRAINED_BATCH = 2048  # windows of one batch without other networks


@dataclass(frozen=True)
class Model:
    """Networks with their card and calibration."""

    card: Card
    networks: Sequence["Network"] = ()
    calibration: Calibration | None = None  # None without validation windows
    corrected: bool = True  # whether the calibration is applied
    pretrained: PretrainedForecaster | None = None  # forecasts alone, or beside the networks by the share on the card

    @property
    def levels(self) -> np.ndarray:
        """Return the levels (Q,) of the quantiles that the networks were trained for, rising."""
        if isinstance(self.networks, StoredNetworks):
            return np.array(self.networks.levels)
        return np.array(self.networks[0].head.levels if self.networks else LEVELS)

    @property
    def has_graphs(self) -> bool:
        """Return whether forecasts need no torch."""
        return not self.networks or (isinstance(self.networks, StoredNetworks) and bool(self.networks.programs))

    def forecast(
        self,
        panel: Panel,
        cutoffs: Cutoffs,
        levels: np.ndarray,
        device: "torch.device | None",
        point: PointName | None = None,
    ) -> Forecast:
        """Return the forecasts of `forecast_batches` for all cutoffs."""
        parts = [part for _, part in self.forecast_batches(panel, cutoffs, levels, device, point)]
        return Forecast(*(np.concatenate(column) for column in zip(*parts, strict=True)))

    def forecast_batches(
        self,
        panel: Panel,
        cutoffs: Cutoffs,
        levels: np.ndarray,
        device: "torch.device | None",
        point: PointName | None = None,
        transform: "Transform | None" = None,
    ) -> Iterator[tuple[Cutoffs, Forecast]]:
        """Yield the calibrated ensemble forecasts of the H steps after some cutoffs at a time.

        levels: (P,) rising. device: of the networks in torch; None to compute their graphs in NumPy. point: statistic
        of the point forecast, by default that of the training metric. transform: applied to each batch of windows.
        Raises DataError if the panel does not fit the model.
        """
        self.check(panel)
        needed, take_mean, data = np.union1d(levels, self.levels), self._takes_mean(point), self.card.seen
        limit = value_limits.limit_values if take_mean else value_limits.limit_quantiles
        for part, output, _ in self._outputs(panel, cutoffs, needed, device, take_mean, transform):
            quantiles = value_limits.limit_quantiles(self._calibrated(output[..., 1:], needed), data)
            yield part, Forecast(limit(output[..., 0], data), quantiles[..., np.isin(needed, levels)])

    def _outputs(
        self,
        panel: Panel,
        cutoffs: Cutoffs,
        levels: np.ndarray,
        device: "torch.device | None",
        take_mean: bool,
        transform: "Transform | None",
    ) -> Iterator[OutputBatch]:
        """Yield point forecasts and quantiles (N, H, K, 1 + P) of some cutoffs at a time, before calibration."""
        if not self.networks:
            yield from self._pretrained_outputs(panel, cutoffs, levels, take_mean, transform)
            return
        from rnncli.model.network_forecasts import Ensemble, ensemble_batches

        context = 0 if self.pretrained is None else self.pretrained.context
        ensemble = Ensemble(self.card, self.levels, context, self.mixed_series(panel))
        # Transformed series are read from their first row.
        rows = None if transform is None else int(cutoffs.rows.max(initial=0))
        engine = self._engine(device, rows)
        for batch in ensemble_batches(engine, ensemble, panel, cutoffs, levels, take_mean, transform):
            if self.pretrained is None:
                yield batch
                continue
            quantiles = self.pretrained.after(batch.past, self.card.horizon)
            output = _at_levels(quantiles, levels, take_mean)
            yield batch._replace(output=blend(batch.output, output, self.share))

    def _engine(self, device: "torch.device | None", rows: int | None) -> "Engine":
        """Return what computes the networks: torch on a device, else their graphs."""
        if device is None:
            assert isinstance(self.networks, StoredNetworks)
            return GraphEngine(self.card.architectures, self.networks.programs)
        from rnncli.model.torch_engine import TorchEngine

        return TorchEngine(self.card, self.networks, device, rows)

    def _pretrained_outputs(
        self,
        panel: Panel,
        cutoffs: Cutoffs,
        levels: np.ndarray,
        take_mean: bool,
        transform: "Transform | None",
    ) -> Iterator[OutputBatch]:
        """Yield the outputs of the pretrained network alone."""
        assert self.pretrained is not None
        horizon, context = self.card.horizon, self.pretrained.context
        if transform is None:
            windows = self.pretrained.windows(panel, cutoffs, PRETRAINED_BATCH)
        else:
            from rnncli.model.network_forecasts import transformed_windows

            windows = transformed_windows(panel, cutoffs, context, horizon, PRETRAINED_BATCH, transform)
        for part, past in windows:
            yield OutputBatch(part, _at_levels(self.pretrained.after(past, horizon), levels, take_mean), past)

    @property
    def share(self) -> float:
        """Return the share of the pretrained network in the forecasts."""
        return 0.0 if self.card.pretrained is None else self.card.pretrained.share

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
        drawn = sample_paths.draw(self.calibration.ranks, quantiles, self.levels, count, self.card.seed)
        return value_limits.limit_quantiles(drawn, self.card.seen)

    def _takes_mean(self, point: PointName | None) -> bool:
        return (point or TRAINING_METRICS[self.card.config.training.metric].point) == "mean"

    def _calibrated(self, quantiles: np.ndarray, levels: np.ndarray) -> np.ndarray:
        if self.calibration is None or not self.corrected:
            return quantiles
        return self.calibration.apply(quantiles, levels)

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


def blend(trained: np.ndarray, pretrained: np.ndarray, share: float) -> np.ndarray:
    """Return the weighted mean of two forecasts (...), each alone where the other is NaN.

    share: of the pretrained forecast. Quantiles are averaged (Lichtendahl et al. 2013).
    """
    mean = share * pretrained + (1 - share) * trained
    return np.where(np.isnan(pretrained), trained, np.where(np.isnan(trained), pretrained, mean))


def _at_levels(quantiles: np.ndarray, levels: np.ndarray, take_mean: bool) -> np.ndarray:
    """Return the point forecast and the quantiles (N, H, K, 1 + P) of distributions (N, H, K, Q) at LEVELS."""
    known = normal_deviates(np.array(LEVELS))
    point = mean_of(quantiles, known) if take_mean else quantiles[..., len(LEVELS) // 2]
    return np.concatenate([point[..., None], interpolate(quantiles, known, normal_deviates(levels))], axis=-1)
