"""The pretrained network as a candidate of a training, as it is and fine-tuned, and its share in the forecasts.

The share that minimises the validation loss is shrunk towards the one to expect from the number of rows: with few
windows the prior decides, with many the evidence.
"""

from typing import NamedTuple

import numpy as np

from rnncli.config.fields import PRESET_SECONDS
from rnncli.config.sections import Config, Training
from rnncli.model.card import PretrainedPart
from rnncli.model.conformal import MIN_SPREAD, interval_spread
from rnncli.model.ensemble import ensemble_forecast
from rnncli.model.model import Model, blend
from rnncli.model.pretrained.forecaster import PretrainedForecaster
from rnncli.model.pretrained.network import LEVELS, MIDDLE
from rnncli.panel import Cutoffs
from rnncli.panel.window_values import slice_windows
from rnncli.planning.plan import Plan
from rnncli.planning.pretrained_use import independent_horizons, prior_share
from rnncli.training.pretraining.finetune import fine_tuned
from rnncli.training.trials import TrainedMember
from rnncli.training.validation_loss import ValidationLoss
from rnncli.training.zero_shot import pretrained_part, weighed_forecaster

SHARES = np.linspace(0, 1, 11)
PRIOR_WINDOWS = 300  # without overlap, at which half of the evidence counts: windows of one origin share shocks
LEAST_SHARE = 0.05  # below, and above one minus it, one of the two forecasts is left out
UPDATES_PER_SECOND = 0.22  # of the training: fine-tuning takes less than a tenth of it
MAX_UPDATES, MIN_UPDATES = 200, 20
MANY_HORIZONS = 1_500  # without overlap, of a large table: a sample decides first whether it needs the network
SAMPLED = 200  # windows of that sample, and to weigh seasons on
HARDLY = 0.1  # share
MIN_HORIZONS = 60  # without overlap, that fine-tuning needs


class PretrainedMember(NamedTuple):
    """The pretrained network in a model under training."""

    validated: PretrainedForecaster  # weighed and fine-tuned on the rows before the validation windows
    final: PretrainedForecaster  # on all rows
    part: PretrainedPart  # of the card
    quantiles: np.ndarray  # (V, H, K, Q) on the validation windows
    reason: str

    @property
    def share(self) -> float:
        """Return its share in the forecasts."""
        return self.part.share


def pretrained_member(
    config: Config, plan: Plan, trials: list[TrainedMember], loss: ValidationLoss | None, counts: bool
) -> PretrainedMember | None:
    """Return the pretrained network with its share beside the networks of these trials, or None if it has none.

    counts: whether the ensemble of the networks is their median.
    """
    horizon = plan.architecture.horizon
    horizons = independent_horizons(plan.table, horizon)
    if loss is None or not trials:
        final = weighed_forecaster(plan.table, config, horizon, SAMPLED)
        share, reason = prior_share(horizons), f"no validation: {horizons} horizons without overlap"
        empty = np.empty((0, horizon, plan.table.targets, 0))
        return _member(final, final, horizon, share, 0, empty, reason)
    before = plan.table.head(plan.split.training_ends(horizon))
    validated = weighed_forecaster(before, config, horizon, SAMPLED)
    trained = ensemble_forecast([trial.network.quantiles for trial in trials], counts)
    if horizons >= MANY_HORIZONS and _hopeless(validated, plan, trained):
        return None
    quantiles, updates = validated.quantiles(plan.table, plan.split.validation, horizon), 0
    error = loss([quantiles])
    if planned := _updates(config.training, horizons):
        tuned = fine_tuned(validated, plan.table, plan.split, horizon, planned, config.training.seed)
        tuned_quantiles = tuned.quantiles(plan.table, plan.split.validation, horizon)
        if (tuned_error := loss([tuned_quantiles])) < error:
            validated, quantiles, error, updates = tuned, tuned_quantiles, tuned_error, planned
    losses = [loss([blend(trained, quantiles, share)]) for share in SHARES]
    windows = plan.split.independent_windows(horizon)
    trust = windows / (windows + PRIOR_WINDOWS)
    share = trust * float(SHARES[int(np.argmin(losses))]) + (1 - trust) * prior_share(horizons)
    if share < LEAST_SHARE:
        return None
    final = weighed_forecaster(plan.table, config, horizon, SAMPLED)
    if updates:
        all_rows = plan.split.without_validation(plan.table, horizon)
        final = fine_tuned(final, plan.table, all_rows, horizon, updates, config.training.seed)
    relative = error / losses[0] if losses[0] > 0 else 1.0
    reason = f"{relative:.2f} times the loss of the trained networks on {windows:.0f} independent windows"
    return _member(validated, final, horizon, share, updates, quantiles, reason)


def kept_member(start: Model, plan: Plan) -> PretrainedMember | None:
    """Return the pretrained network of a model whose other networks are fine-tuned: with the same share as before."""
    if start.pretrained is None or start.card.pretrained is None:
        return None
    quantiles = start.pretrained.quantiles(plan.training_panel, plan.split.validation, plan.architecture.horizon)
    return PretrainedMember(
        start.pretrained, start.pretrained, start.card.pretrained, quantiles, start.card.reasons["pretrained"]
    )


def _hopeless(forecaster: PretrainedForecaster, plan: Plan, trained: np.ndarray) -> bool:
    """Return whether a sample of the validation windows gives the pretrained network hardly any share.

    trained: (V, H, K, Q) forecasts of the trained networks. On many long windows more would take too much time.
    """
    validation, horizon = plan.split.validation, plan.architecture.horizon
    chosen = np.arange(len(validation.rows))[:: -(-len(validation.rows) // SAMPLED)]
    cutoffs = Cutoffs(validation.series[chosen], validation.rows[chosen])
    actual = slice_windows(plan.table, cutoffs, 1, horizon).future
    quantiles = forecaster.quantiles(plan.table, cutoffs, horizon)
    spread = interval_spread(trained[chosen], np.array(LEVELS))
    unit = np.where(spread > MIN_SPREAD, spread, np.nan)
    errors = [
        np.nanmean(np.abs(blend(trained[chosen], quantiles, share)[..., MIDDLE] - actual) / unit) for share in SHARES
    ]
    return bool(SHARES[int(np.argmin(errors))] <= HARDLY)


def _member(
    validated: PretrainedForecaster,
    final: PretrainedForecaster,
    horizon: int,
    share: float,
    updates: int,
    quantiles: np.ndarray,
    reason: str,
) -> PretrainedMember:
    # Fine-tuned weights keep networks beside them, on whose validation windows the intervals are calibrated.
    rounded = 1.0 if share > 1 - LEAST_SHARE and not updates else min(round(share, 2), 1 - LEAST_SHARE)
    part = pretrained_part(final, horizon).model_copy(update={"share": rounded, "updates": updates})
    return PretrainedMember(validated, final, part, quantiles, reason)


def _updates(training: Training, horizons: int) -> int:
    """Return the updates of fine-tuning, in proportion to the training; 0 for a table with too few rows."""
    updates = round(UPDATES_PER_SECOND * min(training.seconds, PRESET_SECONDS["best"]))
    return 0 if horizons < MIN_HORIZONS or updates < MIN_UPDATES else min(updates, MAX_UPDATES)
