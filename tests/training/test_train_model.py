"""Training several networks through the command line: by time or number, repeatable, interruptible."""

import dataclasses
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from rnncli.config import fields, sections
from rnncli.config.sections import Columns, Config, Training
from rnncli.model import card_file, weights_file
from rnncli.network import device
from rnncli.network.network import Network
from rnncli.panel import Cutoffs
from rnncli.planning.plan import Plan, make_plan
from rnncli.training import train_model, work
from rnncli.training.assembly import BEST_TRIAL_REASON
from rnncli.training.network_workers import NetworkTraining, series_data
from rnncli.training.progress import Progress
from rnncli.training.task import TrainedNetwork, TrainingTask
from rnncli.training.workers import InProcess
from tests.conftest import Command, Outcome, hourly
from tests.frames import from_frame

SMALL = ("--horizon", 6, "--hidden", 8, "--context", 48, "--season", 24)
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def several(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a model of three networks, trained by worker processes if there are cores for them."""
    from rnncli.cli import app

    folder = tmp_path_factory.mktemp("several")
    hourly().to_csv(folder / "data.csv", index=False)
    arguments = ["train", folder / "data.csv", *SMALL, "--steps", 20, "--members", 3, "--output", folder / "m.rnn"]
    assert app.run([str(argument) for argument in arguments]) == 0
    return folder / "m.rnn"


def test_a_given_number_of_members_has_the_same_bits_again(rnncli: Command, several: Path, tmp_path: Path) -> None:
    """Here the networks are trained in this process."""
    outcome = rnncli(
        "train", several.parent / "data.csv", *SMALL, "--steps", 20, "--members", 3, "-o", tmp_path / "m.rnn"
    )

    assert outcome.code == 0
    assert "selected: 3 networks, retrained on all rows" in outcome.err
    assert (tmp_path / "m.rnn").read_bytes() == several.read_bytes()


def test_the_forecast_is_the_mean_of_the_members(several: Path) -> None:
    panel, levels = from_frame(hourly(), Columns()), np.array([0.1, 0.5, 0.9])
    ends = Cutoffs(np.arange(len(panel.ids)), panel.lengths)
    whole = dataclasses.replace(weights_file.load(several), calibration=None)

    alone = [
        dataclasses.replace(whole, networks=(network,)).forecast(panel, ends, levels, CPU) for network in whole.networks
    ]

    together = whole.forecast(panel, ends, levels, CPU)
    assert np.allclose(together.quantiles, np.mean([one.quantiles for one in alone], axis=0))
    assert np.allclose(together.point, np.mean([one.point for one in alone], axis=0))


def test_intervals_are_as_wide_as_those_of_the_trials(rnncli: Command, several: Path, tmp_path: Path) -> None:
    """At each step the median of three series decides."""
    data = several.parent / "data.csv"
    judged = tmp_path / "judged.rnn"
    rnncli("train", data, *SMALL, "--steps", 20, "--members", 3, "--no-refit", "--output", judged)

    tables = [rnncli("forecast", model, data, "--level", 80).table for model in (several, judged)]

    for end in ("lo", "hi"):
        again, before = ((table[f"rnncli-{end}-80"] - table["rnncli"]).to_numpy().reshape(3, 6) for table in tables)
        assert np.isclose(again, before, rtol=1e-3).any(axis=0).all()
        assert not np.isclose(again, before, rtol=1e-3).all()


class StillImproving(InProcess[TrainingTask, TrainedNetwork]):
    """Networks that seem to improve until the last of their steps, though they make only one."""

    def __init__(self, plan: Plan) -> None:
        training = NetworkTraining(series_data(plan), CPU)
        self.trained: list[tuple[TrainingTask, TrainedNetwork]] = []

        def improving(task: TrainingTask, report: Callable[[Progress], None]) -> TrainedNetwork:
            network = training(task._replace(steps=1), report)
            curve = network.curve.model_copy(update={"validations": (2.0, 1.0)})
            self.trained.append((task, network._replace(best_step=task.steps, steps=task.steps, curve=curve)))
            return self.trained[-1][1]

        super().__init__(improving)


def test_networks_still_improving_when_the_time_for_trials_is_over_continue_from_their_trials() -> None:
    panel = from_frame(hourly(), Columns())
    network = sections.NetworkOptions(horizon=6, hidden=8, context=48, season=24)
    config = Config(network=network, training=Training(preset="fast"))
    plan = make_plan(panel, network, config.training)
    workers = StillImproving(plan)

    model = train_model.train(config, plan, workers, lambda _: None).model

    trials = {task.architecture: trained for task, trained in workers.trained if len(task.validation.rows)}
    refits = [task for task, _ in workers.trained if not len(task.validation.rows)]
    assert len(refits) == len(model.networks) > 0
    assert all(task.initial is trials[task.architecture].weights for task in refits)
    assert all(2 <= task.steps / plan.steps <= 4 for task in refits)
    assert "still improving" in model.card.reasons["start"]


def test_reasons_are_those_of_the_first_network(rnncli: Command, data: Path, tmp_path: Path) -> None:
    outcome = rnncli("train", data, "-H", 6, "--hidden", 4, "--steps", 5, "--members", 6, "-o", tmp_path / "m.rnn")

    chosen = dict(re.findall(r"chosen: (\w+) (\S+) \(", outcome.err))
    card = card_file.read_card(tmp_path / "m.rnn")
    first = card.members[0].architecture.model_dump()
    planned = {name: value for name, value in chosen.items() if name in first}
    assert {"scale", "base", "context"} <= planned.keys()
    for name, value in planned.items():
        trained = {True: "on", False: "off"}.get(first[name], str(first[name]))
        assert (card.reasons[name] == BEST_TRIAL_REASON) == (trained != value)


def test_members_without_a_value_in_their_context_are_ignored(several: Path) -> None:
    """A gap is as long as the shorter context, but not as the longer one."""
    whole = weights_file.load(several)
    short = whole.card.members[0].architecture.model_copy(update={"context": 24})
    members = (whole.card.members[0].model_copy(update={"architecture": short}), *whole.card.members[1:])
    networks = (Network(short, 1), *whole.networks[1:])
    mixed = dataclasses.replace(whole, networks=networks, card=whole.card.model_copy(update={"members": members}))
    frame = hourly(series=1)
    frame.loc[frame.index[-30:], "y"] = np.nan
    panel = from_frame(frame, Columns())
    ends, levels = Cutoffs(np.array([0]), panel.lengths), np.array([0.5])

    forecast = mixed.forecast(panel, ends, levels, CPU)

    rest = dataclasses.replace(whole, networks=whole.networks[1:]).forecast(panel, ends, levels, CPU)
    assert np.allclose(forecast.point, rest.point)


def test_a_budget_ends_with_members(
    rnncli: Command, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RNNCLI_MEMBERS")

    outcome = rnncli("train", data, *SMALL, "--steps", 5, "--budget", "2s", "--output", tmp_path / "m.rnn")

    assert outcome.code == 0
    assert re.search(r"selected: \d+ networks?, retrained on all rows", outcome.err)
    assert len(weights_file.load(tmp_path / "m.rnn").networks) >= 1


def test_what_a_budget_leaves_out_is_reported(
    rnncli: Command, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RNNCLI_MEMBERS")
    for price in ("SECONDS_PER_OPERATION", "SECONDS_PER_FLOP", "SECONDS_PER_VALUE"):  # a very slow machine
        monkeypatch.setattr(work, price, 1e-3 * getattr(work, price))

    outcome = rnncli("train", data, *SMALL, "--steps", 2000, "--budget", "2s", "--output", tmp_path / "m.rnn")

    assert outcome.code == 0
    warned = re.search(r"warning: training stopped by --budget after (\d+) of (\d+) steps\n", outcome.err)
    assert warned is not None
    assert 0 < int(warned[1]) < int(warned[2])


@pytest.mark.parametrize("size", [1, 2])
def test_a_preset_gives_the_same_model_every_time(
    rnncli: Command, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.delenv("RNNCLI_MEMBERS")
    monkeypatch.setitem(fields.PRESET_SECONDS, "fast", 2)
    monkeypatch.setattr(device, "processes", lambda _networks: size)
    asked = ("train", data, *SMALL, "--preset", "fast")

    outcomes = [rnncli(*asked, "--output", tmp_path / f"{number}.rnn") for number in range(2)]

    assert [outcome.code for outcome in outcomes] == [0, 0]
    assert (tmp_path / "0.rnn").read_bytes() == (tmp_path / "1.rnn").read_bytes()


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--budget", "soon", '--budget "soon" must be a time such as 60s, 5m or 1h'),
        ("--budget", "0", "--budget"),
        ("--preset", "quick", '--preset "quick" must be one of fast, balanced, best'),
        ("--members", "0", "--members"),
        ("--metric", "rsme", "Did you mean"),
    ],
)
def test_wrong_training_options_are_refused(
    rnncli: Command, data: Path, tmp_path: Path, option: str, value: str, message: str
) -> None:
    outcome = rnncli("train", data, "--horizon", 6, option, value, "--output", tmp_path / "m.rnn")

    assert (outcome.code, outcome.out) == (2, "")
    assert message in outcome.err


def interrupted(data: Path, folder: Path, after: str, *options: str) -> tuple[int, str]:
    """Press Ctrl-C after a line of output, and return exit code and stderr."""
    command = [sys.executable, "-m", "rnncli", "train", str(data), *map(str, SMALL), "--output", str(folder / "m.rnn")]
    said = ""
    with subprocess.Popen([*command, *options], stderr=subprocess.PIPE, text=True, start_new_session=True) as running:
        assert running.stderr is not None
        for line in running.stderr:
            said += line
            if after in line:
                os.killpg(running.pid, signal.SIGINT)
                break
        said += running.communicate(timeout=300)[1]
    return running.returncode, said


def test_an_interrupt_keeps_the_finished_members(rnncli: Command, data: Path, tmp_path: Path) -> None:
    code, said = interrupted(data, tmp_path, "all rows: 1/", "--members", "8", "--steps", "40")

    assert code == 0, said
    assert "interrupted: finished work is kept" in said
    assert "Traceback" not in said
    kept = weights_file.load(tmp_path / "m.rnn")
    assert 1 <= len(kept.networks) < 8
    assert kept.card.validation.refitted
    assert rnncli("forecast", tmp_path / "m.rnn", data).code == 0


def test_an_interrupt_before_that_keeps_the_trials(data: Path, tmp_path: Path) -> None:
    code, said = interrupted(data, tmp_path, "comparing architectures: 1/", "--members", "4", "--steps", "30")

    assert code == 0, said
    kept = weights_file.load(tmp_path / "m.rnn")
    assert not kept.card.validation.refitted
    assert kept.card.scores["rnncli"]["MASE"]


def test_an_interrupt_before_the_first_network_leaves_no_file(data: Path, tmp_path: Path) -> None:
    code, said = interrupted(data, tmp_path, "device:", "--members", "2", "--steps", "1000000")

    assert code == 130, said
    assert said.splitlines()[-1] == "error: interrupted. No file was written"
    assert "Traceback" not in said
    assert list(tmp_path.iterdir()) == []


def trained_on_sales(rnncli: Command, folder: Path, each: float) -> Outcome:
    """Train m.rnn on sales.csv, intermittent sales in units of `each`."""
    generator = np.random.default_rng(0)
    sales = each * generator.poisson(0.3, size=(20, 60))
    frame = pd.DataFrame(
        {"item": np.repeat(np.arange(20), 60), "ds": np.tile(np.arange(60), 20), "sold": sales.reshape(-1)}
    )
    frame.to_csv(folder / "sales.csv", index=False)
    columns = ("--id", "item", "--time", "ds", "--target", "sold")
    return rnncli("train", folder / "sales.csv", *columns, "-H", 6, "--steps", 20, "-o", folder / "m.rnn")


def test_nonnegative_values_have_nonnegative_forecasts(rnncli: Command, tmp_path: Path) -> None:
    trained = trained_on_sales(rnncli, tmp_path, each=2.5)

    table = rnncli("forecast", tmp_path / "m.rnn", tmp_path / "sales.csv", "--level", 99.9).table

    assert "chosen: scale mean" in trained.err
    assert "chosen: since on" in trained.err
    assert "whole numbers" not in trained.err
    made = table.filter(like="rnncli")
    assert (made >= 0).all(axis=None)
    assert (made % 1 > 0).any(axis=None)


def test_forecasts_of_counts_are_counts_except_for_the_mean(rnncli: Command, tmp_path: Path) -> None:
    trained = trained_on_sales(rnncli, tmp_path, each=1)
    forecast = ("forecast", tmp_path / "m.rnn", tmp_path / "sales.csv", "--quantiles", "0.5,0.93", "--samples", 5)

    medians, means = (rnncli(*forecast, "--point", point).table.drop(columns="item") for point in ("median", "mean"))

    assert "rounded to whole numbers" in trained.err
    assert (medians.drop(columns="ds") % 1 == 0).all(axis=None)
    assert (medians["rnncli"] == medians["rnncli-q0.5"]).all()
    assert (means["rnncli"] % 1 > 0).any()
    assert means.drop(columns="rnncli").equals(medians.drop(columns="rnncli"))


def test_a_squared_metric_forecasts_the_mean(rnncli: Command, data: Path, tmp_path: Path) -> None:
    squared = ("--metric", "mse", "--scale", "spread", "--steps", 20)
    assert rnncli("train", data, *SMALL, *squared, "--output", tmp_path / "m.rnn").code == 0

    table = rnncli("forecast", tmp_path / "m.rnn", data, "--quantiles", "0.5", "--no-conformal").table

    quantiles = ",".join(f"{(number + 0.5) / 200:g}" for number in range(200))
    read = rnncli("forecast", tmp_path / "m.rnn", data, "--no-conformal", "--quantiles", quantiles)
    every = read.table.filter(like="rnncli-q")
    assert table["rnncli"].to_numpy() == pytest.approx(every.mean(axis=1).to_numpy(), rel=1e-4)
    assert not np.allclose(table["rnncli"], table["rnncli-q0.5"])


def test_series_too_short_for_validation_are_trained_on(rnncli: Command, tmp_path: Path) -> None:
    rows = pd.DataFrame({"id": np.repeat(np.arange(5), 20), "ds": np.tile(np.arange(20), 5)})
    rows.assign(y=np.sin(rows["ds"]) + rows["id"]).to_csv(tmp_path / "d.csv", index=False)

    outcome = rnncli("train", tmp_path / "d.csv", "-H", 12, "--steps", 5, "--output", tmp_path / "m.rnn")

    assert outcome.code == 0
    assert "no series is long enough for validation" in outcome.err
    assert len(rnncli("forecast", tmp_path / "m.rnn", tmp_path / "d.csv").table) == 60
    assert "nothing: too few rows" in rnncli("inspect", tmp_path / "m.rnn").out
