"""--context 0: forecasts depend on covariates only."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from rnncli.cli import app
from rnncli.config.architecture import Covariate, InputSpec
from rnncli.config.cells import CellName
from rnncli.config.fields import DecoderName
from rnncli.config.sections import Columns, NetworkOptions, Training
from rnncli.errors import RequestError
from rnncli.model import card_file
from rnncli.network.network import Network as Built
from rnncli.network.quantile_head import QuantileHead
from rnncli.panel import Expected, Panel
from rnncli.panel.known_future import ends
from rnncli.panel.time.frequency import parse_frequency
from rnncli.planning import candidates
from rnncli.planning import plan as choices
from rnncli.windows.batch import CovariateBatch
from tests.conftest import Command
from tests.frames import from_frame
from tests.network.cells.textbook import gelu, layer, weights
from tests.network.test_network import design

HEAD = QuantileHead()

DAYS, HORIZON = 42, 7
BLIND = ("--horizon", HORIZON, "--context", 0, "--static", "kind,size", "--known", "price")
NOTHING = {"context": 0, "base": "none", "scale": "global", "bypass": False}


def shops(count: int, days: int = DAYS, seed: int = 0, named: str = "shop") -> pd.DataFrame:
    """Sales by kind, size, weekday and price."""
    generator, parts = np.random.default_rng(seed), []
    for number in range(count):
        kind, size = generator.choice(["small", "large"]), generator.uniform(1, 3)
        price, day = generator.uniform(0.8, 1.2, days), np.arange(days)
        level = size * {"small": 20, "large": 90}[kind] * (1 + 0.3 * np.sin(2 * np.pi * day / 7)) * (2 - price)
        stamps = pd.date_range("2024-01-01", periods=days)
        known = {"y": level * (1 + 0.02 * generator.standard_normal(days)), "price": price}
        parts.append(pd.DataFrame({"id": f"{named}{number:02}", "ds": stamps, "kind": kind, "size": size, **known}))
    return pd.concat(parts, ignore_index=True)


def panel(frame: pd.DataFrame, **roles: tuple[str, ...]) -> Panel:
    return from_frame(frame, Columns.model_validate({"id": "id", "time": "ds", "target": ("y",)} | roles))


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
@pytest.mark.parametrize("decoder", ["parallel", "direct", "recursive"])
def test_one_pass_from_a_vector_to_a_sequence(cell: CellName, decoder: DecoderName) -> None:
    """A static amount and a kind, an amount known in advance; five steps in segments of three."""
    size = Covariate(name="size", role="static", level=2.0, spread=0.5)
    kind = Covariate(name="kind", role="static", categories=("small", "large"))
    price = Covariate(name="price", role="known", level=1.0, spread=0.1)
    torch.manual_seed(0)
    made = Built(design(cell=cell, decoder=decoder, **NOTHING), 1, InputSpec((price, size, kind))).eval()
    made.fix_scale(torch.randn(50, 1).double() * 30 + 100)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    prices, fixed = (
        torch.rand(4, 5, 1).double() * 0.4 + 0.8,
        torch.tensor([[1.9, 1], [2.6, 2], [1.2, 0], [torch.nan, 1]]),
    )
    w = weights(made)
    recurrent = {name.removeprefix("encoder.stack."): one for name, one in w.items() if name.startswith("encoder.")}

    with torch.no_grad():
        given = torch.empty(4, 0, 1).double(), torch.full((4,), 100), CovariateBatch(prices, fixed.double(), None)
        quantiles, _ = made(*given)

    for number in range(4):
        amount = (float(fixed[number, 0]) - 2.0) / 0.5
        of_kind = w["inputs.fixed.embeddings.0.weight"][int(fixed[number, 1])]
        told = [0, 0, np.nan_to_num(amount), not np.isnan(amount), *of_kind]
        window = w["window.weight"] @ np.array(told) + w["window.bias"]
        dear = (prices[number].numpy() - 1.0) / 0.1  # (5, 1)
        steps = np.pad(np.repeat(dear, 2, axis=1), ((0, 1), (0, 0)))  # told twice; two segments
        centre = w["outlook.linear.weight"] @ dear[:, 0]
        entered, expected = [gelu(w["embedding.bias"] + window)], np.empty(0)
        for start in (0, 3) if decoder != "direct" else (0,):
            length = 5 if decoder == "direct" else 3
            if decoder == "parallel":
                entry = w["outlook.entry.weight"] @ steps[start : start + 3].ravel() + w["outlook.entry.bias"]
                entered = [entered[0], w["positions"][start // 3] + window + entry]
            output = layer(cell, np.array(entered)[None], recurrent)[0, -1]
            parameters = (w["readout.weight"] @ output + w["readout.bias"]).reshape(length, -1)
            for place in range(length):
                read = np.concatenate([steps[start + place], steps[start + place, :1], output])
                detail = gelu(w["outlook.detail.0.weight"] @ read + w["outlook.detail.0.bias"])
                parameters[place] += w["outlook.detail.2.weight"] @ detail + w["outlook.detail.2.bias"]
            medians = parameters[:, HEAD.median] + np.pad(centre, (0, 1))[start : start + length]
            expected = np.append(expected, medians)
            if decoder == "recursive":
                fed = np.concatenate([medians, np.ones(3), steps[:3, 0]])
                entered.append(gelu(w["embedding.weight"] @ fed + w["embedding.bias"] + window))
        assert np.allclose(quantiles[number, :, 0, HEAD.median].numpy(), expected[:5], atol=1e-4)


@pytest.mark.parametrize("decoder", ["parallel", "direct", "recursive", "encoder-decoder"])
def test_no_past_value_reaches_a_forecast(rnncli: Command, tmp_path: Path, decoder: str) -> None:
    frame = shops(3)
    frame.to_csv(tmp_path / "a.csv", index=False)
    frame.assign(y=np.arange(len(frame))[::-1]).to_csv(tmp_path / "b.csv", index=False)
    train = ("train", tmp_path / "a.csv", *BLIND, "--decoder", decoder, "--steps", 5, "--output", tmp_path / "m.rnn")
    assert rnncli(*train).code == 0

    one, two = (
        rnncli("evaluate", tmp_path / "m.rnn", tmp_path / name, "--windows", 2, "--output", tmp_path / f"{name}.cv.csv")
        for name in ("a.csv", "b.csv")
    )

    assert (one.code, two.code) == (0, 0), two.err
    tables = [pd.read_csv(tmp_path / f"{name}.cv.csv").drop(columns="y") for name in ("a.csv", "b.csv")]
    assert tables[0].filter(like="rnncli").equals(tables[1].filter(like="rnncli"))


def test_the_choices_without_history_are_on_the_card(rnncli: Command, tmp_path: Path) -> None:
    shops(3).to_csv(tmp_path / "a.csv", index=False)

    trained = rnncli("train", tmp_path / "a.csv", *BLIND, "--steps", 5, "--output", tmp_path / "m.rnn")

    card = card_file.read_card(tmp_path / "m.rnn")
    assert "network: 1-layer GRU of 32 units, no history, horizon 7, parallel decoder" in " ".join(trained.err.split())
    assert {card.reasons[name] for name in ("scale", "base", "bypass")} == {
        "without a context there is no past to read"
    }
    made = card.members[0].architecture
    assert (made.context, made.scale, made.base, made.bypass, made.since) == (0, "global", "none", False, False)


def test_candidates_differ_in_segment_and_calendar_only() -> None:
    table = panel(shops(3), known=("price",), static=("kind", "size"))
    asked = NetworkOptions(horizon=HORIZON, context=0)

    plan = choices.make_plan(table, asked, Training())

    assert [(one.context, one.calendar) for one in (plan.architecture, *plan.candidates)] == [(0, True), (0, False)]
    nearby = candidates.neighbours(plan.architecture, asked, 10_000)
    assert [(one.segment, one.context) for one in nearby] == [(plan.architecture.segment // 2, 0)]


def test_windows_begin_with_the_first_row() -> None:
    table = panel(shops(2), known=("price",))

    blind, seeing = (
        choices.make_plan(table, NetworkOptions(horizon=HORIZON, context=context), Training()) for context in (0, 14)
    )

    assert blind.split.first.tolist() == [0, 0]
    assert seeing.split.first.tolist() == [1 + HORIZON // 2] * 2
    assert (blind.split.validation.rows >= 1 + HORIZON // 2).all()


def test_series_of_one_horizon_are_enough_to_learn_from() -> None:
    plan = choices.make_plan(
        panel(shops(4, HORIZON), static=("kind",)), NetworkOptions(horizon=HORIZON, context=0), Training()
    )

    assert plan.split.training_windows == 4


@pytest.mark.parametrize(
    ("roles", "network", "said"),
    [
        ({}, {"calendar": False}, "--context 0 requires covariates"),
        ({"past": ("price",), "static": ("size",)}, {}, "--past price cannot be used with --context 0"),
    ],
)
def test_a_network_without_any_input_is_refused(
    roles: dict[str, tuple[str, ...]], network: dict[str, object], said: str
) -> None:
    asked = NetworkOptions.model_validate({"horizon": HORIZON, "context": 0} | network)

    with pytest.raises(RequestError, match=said):
        choices.make_plan(panel(shops(2), **roles), asked, Training())


def test_the_calendar_alone_is_sufficient_and_never_dropped() -> None:
    plan = choices.make_plan(panel(shops(2)), NetworkOptions(horizon=HORIZON, context=0), Training())

    assert plan.architecture.calendar
    assert plan.candidates == ()


@pytest.mark.parametrize("changes", [{"bypass": True}, {"base": "last"}, {"scale": "spread"}, {"bptt": 3}])
def test_parts_that_need_a_history_are_refused_on_a_card(changes: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="context 0"):
        design(**NOTHING | changes)


def test_commands_that_need_a_history_are_refused_and_others_work(rnncli: Command, tmp_path: Path) -> None:
    data, model = tmp_path / "a.csv", tmp_path / "m.rnn"
    shops(3).to_csv(data, index=False)
    trained = rnncli("train", data, *BLIND, "--metric", "mse", "--steps", 20, "--output", model)
    assert trained.code == 0, trained.err

    for refused in (
        ("forecast", model, data, "--state", tmp_path / "s.state"),
        ("forecast", model, data, "--follow"),
        ("inspect", model, data),
    ):
        outcome = rnncli(*refused)
        assert (outcome.code, outcome.out) == (2, "")
        assert "no history (train --context 0)" in outcome.err
    important = rnncli("inspect", model, "--importance", data)
    assert important.code == 0, important.err
    assert {line.split()[0] for line in important.out.splitlines() if "%" in line} == {
        "calendar",
        "kind",
        "price",
        "size",
    }
    assert re.search(r"context +0\b", rnncli("inspect", model).out)
    gone_on = rnncli("train", data, "--from", model, "--steps", 5, "--output", tmp_path / "next.rnn")
    assert gone_on.code == 0, gone_on.err


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a model of 30 shops, `m.rnn`, and `new.csv`, in which three of them go on and four are to open."""
    folder = tmp_path_factory.mktemp("opened")
    every, new = shops(30), shops(4, 2 * HORIZON, seed=1, named="new")
    every.to_csv(folder / "past.csv", index=False)
    going = shops(3, DAYS + HORIZON)
    going.loc[going.groupby("id").cumcount() >= DAYS, "y"] = np.nan
    pd.concat([going, new.assign(y=np.nan)]).to_csv(folder / "new.csv", index=False)
    new.to_csv(folder / "came.csv", index=False)
    quick = ("--steps", 300, "--batch", 32, "--learning-rate", 0.02, "--dropout", 0, "--no-refit")
    arguments = ("train", folder / "past.csv", *BLIND, "--hidden", 32, *quick, "--output", folder / "m.rnn")
    assert app.run([str(one) for one in arguments]) == 0
    return folder


def test_a_new_series_is_forecast_from_its_first_row_with_a_small_error(rnncli: Command, opened: Path) -> None:
    made = rnncli("forecast", opened / "m.rnn", opened / "new.csv")

    assert made.code == 0, made.err
    assert "4 series without any value: new00, new01, new02 and 1 more" in made.err
    table, came = made.table, pd.read_csv(opened / "came.csv")
    begins = table.groupby("id")["ds"].min()
    assert begins.to_dict() == {
        **{f"shop{number:02}": "2024-02-12" for number in range(3)},
        **{f"new{number:02}": "2024-01-01" for number in range(4)},
    }
    both = table.merge(came, on=["id", "ds"])
    assert len(both) == 4 * HORIZON
    others = pd.read_csv(opened / "past.csv")["y"]
    naive = min((both["y"] - value).abs().mean() for value in (others.mean(), others.median()))
    assert (both["y"] - both["rnncli"]).abs().mean() < 0.25 * naive


def test_a_table_of_new_series_alone_is_forecast(rnncli: Command, opened: Path, tmp_path: Path) -> None:
    frame = pd.read_csv(opened / "new.csv")
    frame[frame["id"] >= "new"][lambda one: one["id"] < "shop"].to_csv(tmp_path / "only.csv", index=False)
    every = rnncli("forecast", opened / "m.rnn", opened / "new.csv").table

    plot = ("--plot", tmp_path / "f.png", "--as-of", "2023-12-01", "--max-age", "1d")
    only = rnncli("forecast", opened / "m.rnn", tmp_path / "only.csv", *plot)

    assert only.code == 0, only.err
    new = every[every["id"].str.startswith("new")].reset_index(drop=True)
    pd.testing.assert_frame_equal(only.table, new, check_exact=False, rtol=1e-4)
    drawn = rnncli("forecast", opened / "m.rnn", tmp_path / "only.csv", "--format", "table").out
    assert "new00: the first 7 steps" in drawn


def test_covariates_of_new_series_may_be_in_another_table(rnncli: Command, opened: Path, tmp_path: Path) -> None:
    frame = pd.read_csv(opened / "new.csv")
    begins = frame.groupby("id").cumcount() == 0
    frame[frame["y"].notna() | begins].assign(price=lambda one: one["price"].where(one["y"].notna())).to_csv(
        tmp_path / "short.csv", index=False
    )
    short = ("forecast", opened / "m.rnn", tmp_path / "short.csv")

    lacking = rnncli(*short)
    assert rnncli(*short, "--future-template", tmp_path / "coming.csv").code == 0
    coming = pd.read_csv(tmp_path / "coming.csv").drop(columns="price").merge(frame[["id", "ds", "price"]])
    coming.to_csv(tmp_path / "coming.csv", index=False)
    told = rnncli(*short, "--future", tmp_path / "coming.csv")

    assert lacking.code == 3
    assert 'series "new00": known column "price" has no value for 2024-01-01 to 2024-01-07' in lacking.err
    assert told.code == 0, told.err
    assert len(coming) == 7 * HORIZON
    assert told.table.equals(rnncli("forecast", opened / "m.rnn", opened / "new.csv").table)


def test_a_network_with_a_context_leaves_new_series_out(
    rnncli: Command, data: Path, model: Path, tmp_path: Path
) -> None:
    new = pd.read_csv(data).query("unique_id == 's0'").assign(unique_id="new", y=np.nan)
    pd.concat([pd.read_csv(data), new]).to_csv(tmp_path / "new.csv", index=False)

    made = rnncli("forecast", model, tmp_path / "new.csv")

    assert set(made.table["unique_id"]) == {"s0", "s1", "s2"}


def test_a_series_without_values_keeps_its_first_step_and_covariates() -> None:
    frame = shops(2, 5).assign(y=lambda one: one["y"].where(one["id"] == "shop01"))
    columns = Columns(id="id", time="ds", target=("y",), known=("price",))

    found = from_frame(frame, columns, Expected(parse_frequency("D"), None, without_history=True))

    assert found.lengths.tolist() == [1, 5]
    assert found.covariates.lengths.tolist() == [5, 5]
    assert np.isnan(found.series(0)).all()
    assert ends(found, from_first_row=True).rows.tolist() == [0, 5]
    assert found.summary.empty == ()
    assert found.summary.missing == 1
