"""Feedback of a recursive decoder, against the same pass in NumPy float64."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from rnncli.config.base_forecasts import BaseName
from rnncli.config.fields import ScaleName
from rnncli.config.sections import Training
from rnncli.network import teacher_forcing
from rnncli.network.network import Network
from rnncli.network.quantile_head import QuantileHead
from rnncli.network.scaling import OUTLIER
from rnncli.network.teacher_forcing import TeacherForcing
from rnncli.network.tensors import EncoderInput
from rnncli.training import loop, losses
from rnncli.training.loop import Objective
from rnncli.training.losses import LossWeights
from rnncli.windows.batch import Batch
from tests.conftest import Command, hourly
from tests.network.cells.textbook import gelu, layer, weights
from tests.network.test_network import alone, network

HEAD = QuantileHead()

CONTEXT, SEGMENT, HORIZON, FORKS = 12, 3, 5, 2  # of `design`


def sold(windows: int, steps: int, seed: int = 0) -> np.ndarray:
    """Sales of two things now and then: (B, T, 2)."""
    generator = np.random.default_rng(seed)
    return generator.poisson(0.7, (windows, steps, 2)) * generator.uniform(1, 3, (windows, steps, 2))


def waited(past: np.ndarray) -> np.ndarray:
    """Steps since the last value above zero (T, K), or since the beginning."""
    steps, before = np.empty(past.shape), np.zeros(past.shape[1])
    for place, values in enumerate(past):
        before = np.where(values > 0, 0, before + 1)
        steps[place] = before
    return steps


def by_hand(
    made: Network, scale: tuple[np.ndarray, ...], past: np.ndarray, future: np.ndarray, step: int
) -> list[np.ndarray]:
    """The medians (H, K) at unit scale of one window whose decoder reads what came, where it is known.

    past: (T, K) from the beginning of what is told; future: (H, K); scale: level, spread and floor (K,) each.
    """
    w, (level, spread, floor) = weights(made), scale
    recurrent = {name.removeprefix("encoder.stack."): one for name, one in w.items() if name.startswith("encoder.")}
    cycle = w.get("base.values", np.zeros((1, 2)))
    logarithm = np.isfinite(floor).all()

    def scaled(values: np.ndarray, first: int) -> np.ndarray:
        read = (np.log(np.maximum(values, floor)) if logarithm else values) - level
        phases = (first + np.arange(len(values))) % len(cycle)
        return np.clip(read / spread, -OUTLIER, OUTLIER) - cycle[phases]

    def segments(values: np.ndarray, observed: np.ndarray, since: np.ndarray) -> np.ndarray:
        read = [part.reshape(-1, SEGMENT * 2) for part in (np.nan_to_num(values), observed, since)]
        read = read if made.architecture.since else read[:2]
        return gelu(np.concatenate(read, axis=-1) @ w["embedding.weight"].T + w["embedding.bias"])

    left = scaled(past, step - len(past))
    entered = segments(left, ~np.isnan(left), np.log1p(waited(past)))
    known, medians = past, list[np.ndarray]()
    for start in range(0, HORIZON, SEGMENT):
        output = layer("gru", entered[None], recurrent)[0, -1]
        parameters = (w["readout.weight"] @ output + w["readout.bias"]).reshape(SEGMENT, 2, -1)
        own = parameters[..., HEAD.median]  # beside the base, if that is taken off
        medians += list(own + cycle[(step + start + np.arange(SEGMENT)) % len(cycle)])
        if start + SEGMENT < HORIZON:
            truth = future[start : start + SEGMENT]
            value = np.where(np.isnan(truth), own, scaled(truth, step + start))
            units = np.array(medians[start : start + SEGMENT]) * spread + level
            fed = np.where(np.isnan(truth), np.where(units > np.log(floor), 1, 0) if logarithm else units, truth)
            known = np.concatenate([known, fed])
            more = segments(value, np.ones_like(value), np.log1p(waited(known)[-SEGMENT:]))
            entered = np.concatenate([entered, more])
    return medians[:HORIZON]


@pytest.mark.parametrize(("base", "scale"), [("none", "mean"), ("none", "log"), ("cycle", "mean"), ("cycle", "spread")])
@pytest.mark.parametrize("since", [True, False])
def test_a_forced_pass_from_each_boundary_computes_the_equations(base: BaseName, scale: ScaleName, since: bool) -> None:
    """Two targets, three windows, missing values on both sides."""
    made = network(2, base=base, scale=scale, since=since, decoder="recursive", bypass=False)
    values = sold(3, CONTEXT + FORKS * SEGMENT + HORIZON)
    values[0, 4:8, 1], values[1, -4:, 0], values[2, 15] = np.nan, np.nan, np.nan
    past = torch.from_numpy(values[:, :-HORIZON])
    step = torch.tensor([100, 101, 107])
    batch = Batch(past, torch.from_numpy(values[:, -HORIZON:]), step, alone(past), None)

    with torch.no_grad():
        lesson = TeacherForcing(batch.futures(CONTEXT, SEGMENT), 1.0)
        quantiles, measured = made.trace(past, step, batch.covariates, teacher=lesson).prediction

    floor = torch.full_like(measured.level, torch.nan) if measured.floor is None else measured.floor
    for number in range(3 * (1 + FORKS)):
        window, fork = number % 3, number // 3
        end = CONTEXT + fork * SEGMENT
        sizes = tuple(one[number, 0].numpy() for one in (measured.level, measured.spread, floor))
        before = int(step[window]) - (FORKS - fork) * SEGMENT
        expected = by_hand(made, sizes, values[window, :end], values[window, end : end + HORIZON], before)
        assert np.allclose(quantiles[number, ..., HEAD.median].numpy(), np.array(expected), atol=1e-4)


def test_missing_true_values_are_replaced_by_the_forecast() -> None:
    own, truth = torch.zeros(1, 3, 2), torch.tensor([[[1.0, torch.nan], [torch.nan, 2.0], [3.0, 4.0]]])

    assert teacher_forcing.forced(own, truth, 1.0).tolist() == [[[1, 0], [0, 2], [3, 4]]]
    assert teacher_forcing.forced(own, truth, 0.0).tolist() == own.tolist()


def test_whole_segments_are_forced_at_the_given_share() -> None:
    torch.manual_seed(0)

    fed = teacher_forcing.forced(torch.zeros(10_000, 3, 2), torch.ones(10_000, 3, 2), 0.3)

    assert torch.equal(fed.amin(dim=(1, 2)), fed.amax(dim=(1, 2)))
    assert fed.mean().item() == pytest.approx(0.3, abs=0.02)


def test_the_share_falls_from_its_setting_to_zero(
    rnncli: Command, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shares = list[float]()

    def noted(future: torch.Tensor, share: float) -> TeacherForcing:
        shares.append(share)
        return TeacherForcing(future, share)

    monkeypatch.setattr(loop, "TeacherForcing", noted)
    quick = ("--horizon", 6, "--steps", 40, "--hidden", 8, "--context", 24, "--segment", 3, "--no-refit")

    made = rnncli(
        *("train", data, *quick, "--decoder", "recursive", "--teacher-forcing", 0.8, "--output", tmp_path / "m.rnn")
    )

    assert made.code == 0
    assert len(shares) == 41  # the first update is made to count its work
    falls = [one - other for one, other in pairwise(shares[1:])]
    assert shares[1] == 0.8
    assert falls == pytest.approx([0.02] * 39)


@pytest.mark.parametrize("options", [{}, {"since": True, "scale": "mean", "base": "none"}])
def test_a_validation_loss_is_without_teacher_forcing(options: dict[str, object]) -> None:
    made = network(2, decoder="recursive", **options)
    past, future = (torch.from_numpy(sold(4, steps)) for steps in (CONTEXT, HORIZON))
    goal = Objective(LossWeights("quantiles", 4, ()), Training(teacher_forcing=1.0))
    batch = Batch(past, future, torch.full((4,), 100), alone(past), None)
    with torch.no_grad():
        free = made(past, batch.step, batch.covariates)

    for came in (future, 2 * future + 1):
        total, count = losses.prediction_loss(HEAD, free, came, None)
        assert loop.mean_loss(made, [(batch._replace(future=came), None)], goal) == pytest.approx(
            (total / count).item()
        )


def test_after_teacher_forcing_no_future_reaches_a_forecast(rnncli: Command, tmp_path: Path) -> None:
    frame = hourly()
    late = frame.groupby("unique_id").cumcount(ascending=False) < 6
    frame.to_parquet(tmp_path / "a.parquet")
    frame.assign(y=frame["y"].where(~late, 1e4)).to_parquet(tmp_path / "b.parquet")
    frame[~late].to_parquet(tmp_path / "early.parquet")
    options = ("--steps", 5, "--hidden", 8, "--segment", 2, "--decoder", "recursive", "--teacher-forcing", 1)
    train = ("train", tmp_path / "early.parquet", "--horizon", 6, *options, "--output", tmp_path / "m.rnn")
    assert rnncli(*train).code == 0

    tables = []
    for name in ("a", "b"):
        output = ("--windows", 1, "--output", tmp_path / f"cv-{name}.csv")
        assert rnncli("evaluate", tmp_path / "m.rnn", tmp_path / f"{name}.parquet", *output).code == 0
        tables.append(pd.read_csv(tmp_path / f"cv-{name}.csv"))

    assert not tables[0]["y"].equals(tables[1]["y"])
    assert tables[0].drop(columns="y").equals(tables[1].drop(columns="y"))


def test_a_horizon_of_one_segment_allows_no_teacher_forcing(rnncli: Command, data: Path, tmp_path: Path) -> None:
    options = ("--horizon", 6, "--decoder", "recursive", "--segment", 6, "--teacher-forcing", 0.5)

    outcome = rnncli("train", data, *options, "--output", tmp_path / "m.rnn")

    assert (outcome.code, outcome.out) == (2, "")
    assert "--teacher-forcing requires a segment shorter than the horizon" in outcome.err.splitlines()[-1]


def test_the_time_since_the_last_sale_counts_from_it() -> None:
    past = torch.tensor([0.0, 2, 0, 0, torch.nan, 3, 0]).reshape(1, 7, 1)

    assert teacher_forcing.steps_since(past > 0).flatten().tolist() == [1, 0, 1, 2, 3, 0, 1]


@given(st.lists(st.booleans(), min_size=2, max_size=12), st.data())
def test_the_steps_since_a_sale_continue_from_those_before(positive: list[bool], drawn: st.DataObject) -> None:
    cut = drawn.draw(st.integers(1, len(positive) - 1))
    every = torch.tensor(positive).reshape(1, -1, 1)

    first = teacher_forcing.steps_since(every[:, :cut])
    second = teacher_forcing.steps_since(every[:, cut:], first[:, -1:])

    assert torch.equal(torch.cat([first, second], dim=1), teacher_forcing.steps_since(every))


def test_feedback_updates_the_time_since_the_last_sale() -> None:
    """Five segments of one step: counted on from the past by hand, from medians of which some are above zero."""
    made, past = network(segment=1, decoder="recursive", scale="mean", base="none", since=True), torch.zeros(2, 12, 1)
    past[0, 4], past[1, 11] = 2.0, 3.0
    told = list[torch.Tensor]()
    embed = made.embed

    def noted(steps: EncoderInput, series: torch.Tensor) -> torch.Tensor:
        assert steps.waited is not None
        told.append(steps.waited.expm1()[:, -1, 0])
        return embed(steps, series)

    made.embed = noted  # type: ignore[method-assign]
    with torch.no_grad():
        quantiles, _ = made(past.double(), torch.full((2,), 100), alone(past.double()))

    count = torch.tensor([7.0, 0.0])
    assert torch.allclose(told[0], count)
    for step, counted in enumerate(told[1:]):
        count = torch.where(quantiles[:, step, 0, HEAD.median] > 0, 0.0, count + 1)
        assert torch.allclose(counted, count, atol=1e-4)
    assert len(told) == 5
