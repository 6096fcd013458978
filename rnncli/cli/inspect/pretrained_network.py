"""`inspect pretrained`: the card of the pretrained network, and what its forecasts of a table rest on."""

import json
from typing import TYPE_CHECKING

import numpy as np

from rnncli.cli import console, data_input, pretrained
from rnncli.errors import about
from rnncli.messages import counted
from rnncli.model.pretrained import network, package_file
from rnncli.model.pretrained.simple_forecasts import METHODS
from rnncli.model.pretrained.window_features import CANDIDATES, window_features
from rnncli.panel import Cutoffs

if TYPE_CHECKING:
    from rnncli.config.sections import Config
    from rnncli.model.card_file import ModelFile
    from rnncli.model.model import Model
    from rnncli.panel import Panel

MAX_SERIES = 200  # of a table that the shares are averaged over
SHOWN = 12  # simple forecasts with the largest shares


def show_card(as_json: bool) -> None:
    """Show what the pretrained network is, how it was trained, and how accurate it is."""
    card = package_file.load().card
    if as_json:
        print(card.model_dump_json(indent=1))
        return
    networks = counted(card.members, "network")
    size = f"{package_file.PATH.stat().st_size / 1024:.0f} KiB, {networks} of {card.parameters} weights"
    console.show_pairs(
        f"pretrained network {card.name}",
        [
            ("trained on", f"{card.data}: {card.series:,} series, seed {card.seed}, generator {card.generator}"),
            ("families", ", ".join(name.replace("_", " ") for name in card.families)),
            ("training", f"{counted(card.updates, 'update')} of each network, {card.minutes:g} minutes of two cores"),
            ("size", size),
            ("takes", "the past of one series; no covariates"),
            ("forecasts", "any horizon, season and number of rows from 3 on: rnncli forecast DATA --horizon 12"),
        ],
    )
    rows = [[f"season {season}" if season != "1" else "none", f"{loss:.3f}"] for season, loss in card.losses.items()]
    title = "mean quantile loss on simulated series that no training saw, in seasonal changes"
    console.show_table(["season", "loss"], rows, title=title)
    if card.scores:
        names = list(dict.fromkeys(name for scores in card.scores.values() for name in scores))
        rows = [
            [where, *(console.format_value(scores.get(name)) for name in names)]
            for where, scores in card.scores.items()
        ]
        console.show_table(["data", *names], rows, title="accuracy on public data, of which no training saw a value")


def show_importance(data: str, config: "Config", format: str | None) -> None:
    """Show by how much the error on a table grows if a part of the past is shuffled between windows."""
    from rnncli.cli.inspect import importance

    panel, model = _calibrated(data, config, format)
    importance.show_model(model, panel, data)


def show_basis(data: str, config: "Config", format: str | None, as_json: bool) -> None:
    """Show the simple forecasts that the forecasts of a table rest on, with their shares."""
    panel, model = _calibrated(data, config, format)
    show_model_basis(model, panel, as_json)


def show_file_basis(model_file: "ModelFile", data: str, config: "Config", format: str | None, as_json: bool) -> None:
    """Show the same for the pretrained network in a model file."""
    from rnncli.model.weights_file import decode

    model = decode(model_file)
    with about(data):
        panel = data_input.read_panel_for_model(model.card, data, config.columns, format)
    show_model_basis(model, panel, as_json)


def show_model_basis(model: "Model", panel: "Panel", as_json: bool) -> None:
    """Show the shares of the simple forecasts in those of a model's pretrained network."""
    shares = mean_shares(model, panel)
    order = np.argsort(-shares)
    if as_json:
        print(json.dumps({"shares": {_method_name(number): float(shares[number]) for number in order}}, indent=1))
        return
    rows = [[_method_name(number), f"{100 * shares[number]:.1f} %"] for number in order[:SHOWN]]
    rest = 100 * shares[order[SHOWN:]].sum()
    caption = f"{CANDIDATES - SHOWN} others: {rest:.1f} %. The network corrects their weighted mean."
    console.show_table(["simple forecast", "share"], rows, title="what the forecasts rest on", caption=caption)


def mean_shares(model: "Model", panel: "Panel") -> np.ndarray:
    """Return the share (K,) of each simple forecast, on average over series, steps and views of the season."""
    assert model.pretrained is not None
    chosen = np.arange(len(panel.ids))[:: -(-len(panel.ids) // MAX_SERIES)]
    cutoffs = Cutoffs(chosen, panel.lengths[chosen])
    steps = np.arange(1, model.card.horizon + 1)
    total = np.zeros(CANDIDATES)
    for _, past in model.pretrained.windows(panel, cutoffs):
        flat = past.transpose(0, 2, 1).reshape(-1, past.shape[1])
        known = flat[~np.isnan(flat).all(axis=1)]
        for view in model.pretrained.views:
            features = window_features(known, view.seasons, steps)
            for weights in model.pretrained.members:
                total += view.weight * network.shares(weights, features).mean(axis=1).sum(axis=0)
    return total / total.sum()


def _method_name(number: int) -> str:
    logarithms = number >= len(METHODS)
    return METHODS[number % len(METHODS)] + (" of logarithms" if logarithms else "")


def _calibrated(data: str, config: "Config", format: str | None) -> tuple["Panel", "Model"]:
    """Return a table and the pretrained network calibrated on it."""
    with about(data):
        panel = data_input.read_panel(data, pretrained.columns(config.columns), None, format)
        return panel, pretrained.model_of(panel, config)
