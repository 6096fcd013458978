"""Mixtures of other series: what they contain, that nothing comes from the future, and that they help."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from rnncli.config.architecture import InputSpec
from rnncli.config.fields import DecoderName
from rnncli.config.sections import Columns, Config, NetworkOptions, Training
from rnncli.model.model import Model
from rnncli.model.weights_file import load, save
from rnncli.network.cross_series import MIXTURES, CrossSeriesMixing
from rnncli.network.network import Network as Built
from rnncli.panel import Cutoffs, Panel
from rnncli.panel.window_values import slice_windows
from rnncli.planning.plan import make_plan
from rnncli.training import train_model
from rnncli.training.network_workers import network_workers
from rnncli.windows.batch import Batch, OtherSeries
from rnncli.windows.samplers import SynchronousSampler
from rnncli.windows.windows import Windows
from tests.conftest import Command
from tests.frames import from_frame
from tests.network.test_network import design

CPU = torch.device("cpu")
QUICK = ("--season", 1, "--context", 24, "--segment", 6, "--hidden", 8, "--steps", 30, "--base", "last")


def following(rows: int = 600) -> pd.DataFrame:
    """Of "b" each value is what "a" was seven steps before; "c" is by itself."""
    generator = np.random.default_rng(0)
    moves, other = generator.normal(size=(2, rows + 7))
    wave = np.convolve(moves, 0.8 ** np.arange(20))[: rows + 7]
    alone = np.convolve(other, 0.8 ** np.arange(20))[: rows + 7]
    days = pd.date_range("2020-01-01", periods=rows, freq="D")
    return pd.DataFrame({"date": days, "a": wave[7:], "b": wave[:-7], "c": alone[7:]})


def wide(frame: pd.DataFrame) -> Panel:
    return from_frame(frame, Columns(layout="wide"))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a table, and a model of it whose network mixes."""
    from rnncli.cli import app

    folder = tmp_path_factory.mktemp("mixing")
    following().to_parquet(folder / "w.parquet")
    command = ["train", folder / "w.parquet", "--horizon", 5, "--mix", "--scale", "spread", *QUICK]
    assert app.run([str(word) for word in [*command, "--output", folder / "w.rnn"]]) == 0
    return folder


@pytest.fixture
def mixing(place: Path) -> Model:
    return load(place / "w.rnn")


def forecasts(model: Model, frame: pd.DataFrame, cutoff: int) -> pd.DataFrame:
    """The medians (H, S) after the first `cutoff` rows, a column a series."""
    panel = wide(frame)
    series = np.arange(len(panel.ids))
    rows = cutoff + panel.firsts.min() - panel.firsts
    made = model.forecast(panel, Cutoffs(series, rows), np.array([0.5]), CPU)
    return pd.DataFrame(made.point[:, :, 0].T, columns=panel.ids)


def test_other_series_are_the_rows_of_all_series_before_the_same_time() -> None:
    frame = following(30)
    frame["b"] = frame["b"].where(frame.index > 9)  # begins ten days later, and "c" has a gap
    frame["c"] = frame["c"].where(frame.index != 22)
    panel = wide(frame)
    windows = Windows(panel, 8, 3, CPU, mixed_series=np.array([2, -1, 0, 1]))

    batch = windows.batch(torch.tensor([0, 1, 2]), torch.tensor([25, 6, 16]))

    others = batch.covariates.other_series
    assert others is not None
    for window, (row, number) in enumerate([(25, 2), (16, 3), (16, 0)]):
        seen = others.past[others.window_time[window], :, :, 0].numpy()
        before = frame.iloc[row - 8 : row]
        expected = before.assign(none=np.nan)[["c", "none", "a", "b"]].to_numpy().T
        assert np.array_equal(seen, expected, equal_nan=True)
        assert others.window_series[window] == number
    assert len(others.past) == 2  # moments, of which two windows share one


def test_a_series_that_is_not_mixed_has_no_index() -> None:
    windows = Windows(wide(following(30)), 8, 3, CPU, mixed_series=np.array([0, 2]))

    others = windows.batch(torch.tensor([1, 2]), torch.tensor([20, 20])).covariates.other_series

    assert others is not None
    assert others.window_series.tolist() == [-1, 1]


def test_synchronous_windows_are_all_series_that_train_at_some_times() -> None:
    first, last = np.array([3, 5, 9, 0]), np.array([20, 20, 8, 12])  # of the third none trains
    firsts = torch.tensor([100, 100, 100, 103])

    series, cutoffs = SynchronousSampler(first, last, firsts).draw(40, torch.Generator().manual_seed(0))

    moments = (firsts[series] + cutoffs).tolist()
    assert 2 not in series
    assert all(first[one] <= row <= last[one] for one, row in zip(series.tolist(), cutoffs.tolist(), strict=True))
    for moment in set(moments):
        there = {one for one in (0, 1, 3) if first[one] <= moment - int(firsts[one]) <= last[one]}
        drawn = {int(one) for one, at in zip(series, moments, strict=True) if at == moment}
        assert drawn == there


def test_mixtures_are_weighted_sums_of_the_others_at_the_scale_of_their_windows() -> None:
    torch.manual_seed(0)
    mixing = CrossSeriesMixing(design(base="last", season=1), 3)
    past = 10 * torch.rand(2, 3, 12, 1).double()
    past[1, 2] = torch.nan
    past[0, 1, 4] = torch.nan

    mixed = mixing(OtherSeries(past, torch.tensor([1, 0, 1]), torch.tensor([0, 2, -1])))

    shares = mixing.shares.detach().double().numpy()  # (S, M, S)
    for window, (moment, place) in enumerate([(1, 0), (0, 2)]):
        expected = np.zeros((12, MIXTURES))
        for number, values in enumerate(past[moment, :, :, 0].numpy()):
            if not np.isnan(values).all():
                scaled = (values - values[-1]) / np.nanstd(values)
                expected += np.outer(np.nan_to_num(scaled), shares[place, :, number])
        assert np.allclose(mixed[window].detach().numpy(), expected, atol=1e-5)
    assert not mixed[2].any()


@pytest.mark.parametrize("decoder", ["parallel", "direct", "recursive"])
def test_a_network_that_mixes_begins_as_the_one_that_does_not(decoder: DecoderName) -> None:
    (batch,) = Windows(wide(following(40)), 12, 5, CPU, mixed_series=np.arange(3)).at(
        Cutoffs(np.arange(3), np.full(3, 30)), 9
    )
    made = []
    for mix in (False, True):
        torch.manual_seed(1)
        built = Built(design(mix=mix, decoder=decoder), 1, InputSpec(series=3)).eval()
        made.append(built(batch.past, batch.step, batch.covariates).quantiles)

    assert torch.equal(*made)


def test_all_weights_of_the_mixtures_get_gradients_with_forks_too() -> None:
    built = Built(design(mix=True), 1, InputSpec(series=3))
    assert built.mixing is not None
    torch.nn.init.normal_(built.mixing.entry.weight)
    windows = Windows(wide(following(60)), 12 + 2 * 3, 5, CPU, mixed_series=np.arange(3))
    batch: Batch = windows.batch(torch.tensor([0, 1, 2, 1]), torch.tensor([40, 40, 40, 50]))

    quantiles, _ = built(batch.past, batch.step, batch.covariates)
    quantiles.sum().backward()

    assert len(quantiles) == 3 * 4
    for weight in built.mixing.parameters():
        assert weight.grad is not None
        assert weight.grad.abs().sum() > 0


def test_only_the_past_of_another_series_changes_a_forecast(
    mixing: Model,
) -> None:
    frame, cutoff = following(), 400
    before = forecasts(mixing, frame, cutoff)
    later, earlier = frame.copy(), frame.copy()
    later.iloc[cutoff:, 1:] = 1000.0
    earlier["a"] += 3.0 * (earlier.index == cutoff - 5)

    assert forecasts(mixing, later, cutoff).equals(before)
    assert not np.allclose(forecasts(mixing, earlier, cutoff)["b"], before["b"])


def test_columns_in_any_order_give_the_same_forecasts(mixing: Model) -> None:
    frame = following()

    turned = forecasts(mixing, frame[["date", "c", "a", "b"]], 500)

    assert np.allclose(turned[["a", "b", "c"]], forecasts(mixing, frame, 500), atol=1e-6)


def test_a_missing_column_equals_one_without_values_and_a_new_one_has_no_mixtures(mixing: Model) -> None:
    frame = following()
    empty = frame.assign(a=frame["a"].where(frame.index < 400))  # further back than any context
    new = frame.assign(d=frame["c"])

    assert np.allclose(forecasts(mixing, frame.drop(columns="a"), 500), forecasts(mixing, empty, 500)[["b", "c"]])
    assert np.allclose(forecasts(mixing, new, 500)[["a", "b", "c"]], forecasts(mixing, frame, 500), atol=1e-6)
    moved = new.assign(a=new["a"] + np.arange(len(new)) % 3)
    assert np.allclose(forecasts(mixing, moved, 500)["d"], forecasts(mixing, new, 500)["d"])


def test_missing_columns_are_reported(rnncli: Command, place: Path, tmp_path: Path) -> None:
    following().drop(columns="a").to_parquet(tmp_path / "w.parquet")

    outcome = rnncli("forecast", place / "w.rnn", tmp_path / "w.parquet")

    assert outcome.code == 0
    assert "1 series that the networks mix is not in the table: a" in outcome.err


def test_validation_finds_that_one_series_leads_another() -> None:
    frame = following()
    panel, late = wide(frame.iloc[:500]), np.arange(500, 595, 5)
    given = NetworkOptions(
        horizon=5, season=1, context=24, segment=6, hidden=8, scale="spread", base="last", calendar=False
    )
    training = Training(members=2, steps=120, refit=False)
    places = Cutoffs(np.full(len(late), 1), late)  # "b" after the rows that were trained on
    _, actual = slice_windows(wide(frame), places, 1, 5)
    errors = []
    for network in (given, given.model_copy(update={"mix": False})):
        config = Config(network=network, training=training)
        plan = make_plan(panel, network, training)
        model = train_model.train(config, plan, network_workers(plan, CPU, 1), lambda _: None).model
        made = model.forecast(wide(frame), places, np.array([0.5]), CPU)
        errors.append(np.abs(made.point - actual).mean())
        assert model.card.members[0].architecture.mix == (network.mix is None)

    assert errors[0] < 0.6 * errors[1]


def test_the_same_seed_gives_the_same_bits(rnncli: Command, place: Path, tmp_path: Path) -> None:
    for name in ("one.rnn", "two.rnn"):
        command = ("train", place / "w.parquet", "--horizon", 5, "--mix", *QUICK[:-4], "--steps", 5)
        assert rnncli(*command, "--output", tmp_path / name).code == 0

    assert (tmp_path / "one.rnn").read_bytes() == (tmp_path / "two.rnn").read_bytes()


def test_saved_and_loaded_it_forecasts_the_same_bits(mixing: Model, tmp_path: Path) -> None:
    save(mixing, tmp_path / "again.rnn")

    assert forecasts(load(tmp_path / "again.rnn"), following(), 500).equals(forecasts(mixing, following(), 500))


def test_the_other_series_have_an_importance(rnncli: Command, place: Path) -> None:
    outcome = rnncli("inspect", place / "w.rnn", "--importance", place / "w.parquet")

    assert outcome.code == 0
    assert "the other series" in outcome.out


def test_only_wide_tables_have_series_to_mix(rnncli: Command, data: Path, tmp_path: Path) -> None:
    outcome = rnncli("train", data, "--horizon", 6, "--mix", "--output", tmp_path / "m.rnn")

    assert (outcome.code, outcome.out) == (2, "")
    assert "--mix requires a wide table" in outcome.err
    assert "found 3 series in a long table" in outcome.err


def test_mixing_is_a_candidate_if_there_are_series_to_mix() -> None:
    network, training = NetworkOptions(horizon=5), Training()
    frame = following()

    tried = make_plan(wide(frame), network, training)
    single = make_plan(wide(frame[["date", "a"]]), network, training)
    unasked = make_plan(wide(frame), network.model_copy(update={"mix": False}), training)

    assert not tried.architecture.mix
    assert [rival.mix for rival in tried.candidates].count(True) == 1
    assert not any(rival.mix for plan in (single, unasked) for rival in plan.candidates)
