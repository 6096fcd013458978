"""Scores of a model on the last windows of a table, with or without retraining."""

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import torch

from rnncli.cli import console, data_input, engine, pretrained
from rnncli.cli.evaluate import report
from rnncli.cli.evaluate.request import BacktestRequest, ScoreRequest, metrics_and_conditions, parse_step
from rnncli.config.sections import Config
from rnncli.errors import about
from rnncli.evaluation import backtest
from rnncli.evaluation.backtest import ForecastChunk, Scoring
from rnncli.evaluation.breakdown import group_windows
from rnncli.evaluation.conditions import FailCondition
from rnncli.evaluation.cutoffs import available_cutoffs, window_positions
from rnncli.evaluation.metrics import DEFAULT_METRICS
from rnncli.evaluation.significance import WindowPositions
from rnncli.messages import counted
from rnncli.model.card import Card
from rnncli.model.model import Model
from rnncli.network import device
from rnncli.panel import Cutoffs, Panel, Table
from rnncli.panel.time import formats
from rnncli.planning.window_lengths import horizon_steps
from rnncli.training import refit_backtest
from rnncli.training.refit_backtest import rows_before

CPU = torch.device("cpu")


def score_model(
    model: Model,
    data: str,
    config: Config,
    scores: ScoreRequest,
    request: BacktestRequest,
    conditions: list[FailCondition],
) -> None:
    """Forecast windows of the data and report the scores. Raises GateError if a condition of --fail-if holds."""
    with about(data):
        columns = data_input.columns_for_model(model.card, config.columns, weighed=request.refit_every is not None)
        table = data_input.read_table(data, columns)
        panel = data_input.build_panel(table, columns, data_input.expected(model.card))
        backtest_of = _backtest(panel, table, model.card.horizon, scores, request)
    _score(model, data, backtest_of, config, scores, request, conditions)


def score_pretrained(data: str, config: Config, scores: ScoreRequest, request: BacktestRequest) -> None:
    """Forecast windows of the data with the pretrained network, calibrated on the rows before them, and report scores.

    Raises GateError if a condition of --fail-if holds.
    """
    with about(data):
        columns = pretrained.columns(config.columns)
        table = data_input.read_table(data, columns)
        panel = data_input.build_panel(table, columns)
        backtest_of = _backtest(panel, table, horizon_steps(config.network, panel.frequency), scores, request)
        model = pretrained.model_of(panel.head(rows_before(backtest_of.cutoffs, panel)), config)
    metrics, conditions = metrics_and_conditions(scores, config.forecast.level, model.card.season)
    _score(model, data, backtest_of, config, scores._replace(metrics=metrics), request, conditions)


class _Backtest(NamedTuple):
    """The windows of a panel to score."""

    panel: Panel
    table: Table
    cutoffs: Cutoffs
    step: int  # from one window to the next


def _backtest(panel: Panel, table: Table, horizon: int, scores: ScoreRequest, request: BacktestRequest) -> _Backtest:
    """Return the windows to score; raises RequestError for an unsuitable --by before any forecast."""
    step = horizon if request.step is None else parse_step(request.step, panel.frequency)
    cutoffs = available_cutoffs(panel, horizon, request.windows, step)
    if scores.by is not None:
        group_windows(scores.by, panel, table, cutoffs, horizon)
    return _Backtest(panel, table, cutoffs, step)


def _score(
    model: Model,
    data: str,
    windows: _Backtest,
    config: Config,
    scores: ScoreRequest,
    request: BacktestRequest,
    conditions: list[FailCondition],
) -> None:
    """Forecast the windows and report the scores. Raises GateError if a condition of --fail-if holds."""
    card, horizon, percents = model.card, model.card.horizon, config.forecast.level
    panel, table, cutoffs, step = windows
    model = replace(model, corrected=config.forecast.conformal)
    saved = None if request.output is None else report.Forecasts(request.output, percents)
    with about(data):
        where = engine.device_of(model, len(cutoffs.rows), config.compute.model_copy(update={"engine": "torch"}))
        scoring = Scoring(
            card.season,
            percents,
            scores.metrics or list(DEFAULT_METRICS),
            config.forecast.point,
            scores.baselines,
            device.free_cores(),
        )
        positions = window_positions(panel, cutoffs, horizon, step)
        if request.refit_every is None:
            chunks = _fixed_model_chunks(model, panel, cutoffs, scoring, where)
        else:
            chunks = _refit_chunks(model, panel, cutoffs, positions, request.refit_every, scoring, where or CPU)
        if saved is not None:
            chunks = saved.collected(panel, chunks)
        ledger = backtest.score_windows(chunks, scoring, by_step=scores.by == "horizon" or request.plot is not None)
        grouping = None if scores.by is None else group_windows(scores.by, panel, table, ledger.cutoffs, horizon)
    if request.refit_every is None:
        _report_windows(card, panel, cutoffs, request.windows * len(panel.ids))
    result = report.report(ledger, window_positions(panel, ledger.cutoffs, horizon, step), grouping)
    report.write_results(result, ledger, scores, request, saved, panel.frequency.name)
    report.check_conditions(conditions, result)


def _fixed_model_chunks(
    model: Model, panel: Panel, cutoffs: Cutoffs, scoring: Scoring, where: torch.device | None
) -> Iterator[ForecastChunk]:
    """Yield the windows with the forecasts of the model and the baselines."""
    chunks = backtest.forecast_in_chunks(model, panel, cutoffs, scoring, where)
    yield from console.track(chunks, "windows", len(cutoffs.rows), lambda chunk: len(chunk.cutoffs.rows))


def _refit_chunks(
    model: Model,
    panel: Panel,
    cutoffs: Cutoffs,
    positions: WindowPositions,
    refit_every: int,
    scoring: Scoring,
    where: torch.device,
) -> Iterator[ForecastChunk]:
    """Yield the windows with the forecasts of models trained on the rows before them."""
    trainings = -(-(int(positions.back.max()) + 1) // refit_every)
    with console.progress() as progress:
        models = refit_backtest.refit_models(model, panel, cutoffs, positions, refit_every, where, progress)
        for number, (refitted, some_cutoffs) in enumerate(models, 1):
            console.note(f"retrained {number} of {trainings}: on rows before {panel.earliest_time(some_cutoffs)}")
            yield from backtest.forecast_in_chunks(refitted, panel, some_cutoffs, scoring, where)


def _report_windows(card: Card, panel: Panel, cutoffs: Cutoffs, requested: int) -> None:
    """Report the number of windows, and whether the networks may have been trained on them."""
    horizon, training, held_out = card.horizon, card.seen, card.validation.held_out
    first, found = panel.earliest_time(cutoffs), len(cutoffs.rows)
    count = counted(requested, "window") if requested == found else f"{found} of {counted(requested, 'window')}"
    console.note(f"scored: {count} of {counted(horizon, 'step')}, the earliest from {first}; season {card.season}")
    if not card.members:
        return  # the pretrained network has seen no row
    summary = [len(panel.ids), panel.summary.rows, *panel.span()]
    same_rows = summary == [training.series, training.rows, training.first, training.last]
    back = int((panel.lengths[cutoffs.series] - cutoffs.rows).max())
    if same_rows and back <= held_out and not card.validation.refitted:
        console.note("these rows were held out: used for early stopping and to select networks, not to train them")
    elif same_rows or not formats.is_later(first, training.last):
        console.warn(
            f"the networks were trained on rows up to {training.last}, including these: scores on newer rows will be "
            "worse. rnncli inspect shows the scores on held-out rows"
        )
    else:
        console.note("all scored rows are newer than the training rows")
