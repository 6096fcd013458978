"""What inspect shows of a model file, from its card alone, and of a state file."""

from pathlib import Path
from typing import TYPE_CHECKING

from rnncli.cli import console, descriptions
from rnncli.errors import RequestError

if TYPE_CHECKING:
    from rnncli.model.card import Card
    from rnncli.model.card_file import ModelFile


def show(whole: "ModelFile", as_json: bool, plot: Path | None) -> None:
    """What a model is, was trained on, and scored; with a picture of how it was trained, if asked for.

    as_json: the card as it is, for a program.
    """
    path, card, content = whole
    if plot is not None:
        _draw_training(path, card, plot)
    if as_json:
        print(card.model_dump_json(indent=1))
        return
    columns, seen = card.config.columns, card.seen
    identifier = f'id "{columns.id}", ' if columns.id else ""
    clock = " on a clock of plain numbers" if card.integer_clock else f" in {card.zone}" if card.zone else ""
    wide = columns.layout == "wide"
    target = "and columns of numbers, each a series" if wide else f'target "{", ".join(columns.target)}"'
    target += descriptions.beside_words([(one.name, one.role) for one in card.inputs], columns.weight)
    target += f", holidays of {', '.join(columns.holidays)}" if columns.holidays else ""
    console.show_pairs(
        str(path),
        [
            ("format", f"{card.format}, written by rnncli {card.rnncli}"),
            ("size", f"{len(content) / 1024:.0f} KiB, {card.parameters} weights"),
            ("expects", f'{identifier}time "{columns.time}", {target}; steps of {card.frequency}{clock}'),
            *(("left out", words) for words in descriptions.left_out(card)),
            ("trained on", f"{seen.series} series, {seen.rows} rows, {seen.first} to {seen.last}"),
            ("missing there", f"{seen.missing} empty values, {seen.absent} steps without a row"),
            ("validated on", _validation_words(card)),
            ("libraries", ", ".join(f"{name} {version}" for name, version in card.libraries.items())),
        ],
    )
    lead = card.members[0].architecture.model_dump()
    console.show_pairs(
        "network" if len(card.members) == 1 else "first network", descriptions.with_reasons(lead, card.reasons)
    )
    _show_members(card)
    if card.scores:
        metrics = list(next(iter(card.scores.values())))
        rows = [
            [name, *(console.format_value(scores.get(metric)) for metric in metrics)]
            for name, scores in card.scores.items()
        ]
        console.show_table(["model", *metrics], rows, title="validation")


def _draw_training(path: Path, card: "Card", plot: Path) -> None:
    from rnncli.cli.figures import learning_curve

    if not any(member.course and member.course.losses for member in card.members):
        raise RequestError(f"--plot: {path} has no losses (a version kept none, or nothing was trained step by step)")
    learning_curve.draw(plot, card)


def _validation_words(card: "Card") -> str:
    held = card.validation
    if not held.windows:
        return "nothing: too few rows"
    last = ", then trained again on all rows" if held.refitted else ""
    return f"the last {held.held_out} steps of each series, {held.windows} windows{last}"


def _show_members(card: "Card") -> None:
    together = "median" if card.seen.counts else "mean"
    header = ["member", "scale", "base", "context", "segment", "updates"]
    designs = [(member.architecture, member.steps) for member in card.members]
    rows = [
        [str(number), one.scale, one.base, str(one.context), str(one.segment), str(steps)]
        for number, (one, steps) in enumerate(designs, 1)
    ]
    console.show_table(header, rows, title=f"members: the forecast is their {together}")


def show_state(path: Path) -> None:
    """What forecasts keep of the past between runs."""
    from rnncli.model import forecast_state as states

    kept = states.read(path)
    panel = kept.panel
    first, last = panel.span()
    console.show_pairs(
        str(path),
        [
            ("kept for", "rnncli forecast --state"),
            ("series", f"{len(panel.ids)}, of {descriptions.length_words(panel)} of at most {kept.steps} steps"),
            ("columns", descriptions.column_words(panel)),
            ("span", f"{first} to {last}"),
            ("frequency", descriptions.frequency_words(panel)),
            ("runs", f"{kept.runs}, which brought {kept.rows} rows"),
            ("size", f"{path.stat().st_size / 1024:.0f} KiB"),
        ],
    )
