"""Description of a model file, from its card alone, and of a state file, as `inspect` shows it."""

from pathlib import Path
from typing import TYPE_CHECKING

from rnncli.cli import console, descriptions
from rnncli.errors import RequestError
from rnncli.messages import counted

if TYPE_CHECKING:
    from rnncli.model.card import Card
    from rnncli.model.card_file import ModelFile


def show(model_file: "ModelFile", as_json: bool, plot: Path | None) -> None:
    """Show a model's settings, training data and validation scores, or its card as JSON; plot its training."""
    path, card, content = model_file
    if plot is not None:
        _plot_training(path, card, plot)
    if as_json:
        print(card.model_dump_json(indent=1))
        return
    _show_card(path, card, len(content))
    if card.members:
        _show_networks(card)
    if card.pretrained is not None:
        _show_pretrained(card)
    if card.scores:
        metrics = list(next(iter(card.scores.values())))
        rows = [
            [method, *(console.format_value(scores.get(metric)) for metric in metrics)]
            for method, scores in card.scores.items()
        ]
        console.show_table(["model", *metrics], rows, title="validation")


def _show_card(path: Path, card: "Card", size: int) -> None:
    """Show the model's size, expected columns, training data and validation."""
    training = card.seen
    size_words = f"{training.series} series, {counted(training.rows, 'row')}"
    console.show_pairs(
        str(path),
        [
            ("format", f"{card.format}, written by rnncli {card.rnncli}"),
            ("size", f"{size / 1024:.0f} KiB, {card.parameters} weights"),
            ("expects", _column_words(card)),
            *(("left out", words) for words in descriptions.left_out(card)),
            (
                "trained on",
                f"{size_words}, {training.first} to {training.last}",
            ),
            ("missing", descriptions.gap_words(training.missing, training.absent)),
            ("validated on", _validation_words(card)),
            ("libraries", ", ".join(f"{name} {version}" for name, version in card.libraries.items())),
        ],
    )


def _column_words(card: "Card") -> str:
    """Return the columns and the frequency that the model expects of a table."""
    columns = card.config.columns
    identifier = f'id "{columns.id}", ' if columns.id else ""
    wide = columns.layout == "wide"
    target = "and numeric columns, each a series" if wide else f'target "{", ".join(columns.target)}"'
    roles = [(covariate.name, covariate.role) for covariate in card.inputs]
    covariates = descriptions.covariate_words(roles, columns.weight)
    holidays = f", holidays of {', '.join(columns.holidays)}" if columns.holidays else ""
    zone = f" in {card.zone}" if card.zone else ""
    clock = " of an integer time index" if card.integer_clock else zone
    return f'{identifier}time "{columns.time}", {target}{covariates}{holidays}; frequency {card.frequency}{clock}'


def _plot_training(path: Path, card: "Card", plot: Path) -> None:
    """Plot the learning curves. Raises RequestError if the model contains none."""
    from rnncli.cli.figures import learning_curve

    if not any(member.course and member.course.losses for member in card.members):
        raise RequestError(
            f"--plot: {path} contains no learning curve. An old version wrote it, or it was fitted in closed form"
        )
    learning_curve.draw(plot, card)


def _validation_words(card: "Card") -> str:
    """Return which steps were held out for validation."""
    validation = card.validation
    if not validation.windows:
        return "nothing: too few rows"
    again = "retrained" if card.members else "calibrated again"
    refit = f", then {again} on all rows" if validation.refitted else ""
    return f"the last {validation.held_out} steps of each series, {counted(validation.windows, 'window')}{refit}"


def _show_networks(card: "Card") -> None:
    """Show the architecture of the first member, and what distinguishes the members."""
    first = card.members[0].architecture.model_dump()
    title = "network" if len(card.members) == 1 else "first network"
    console.show_pairs(title, descriptions.with_reasons(first, card.reasons))
    combination = "median" if card.seen.counts else "mean"
    rows = []
    for number, member in enumerate(card.members, 1):
        architecture = member.architecture
        shape = [architecture.scale, architecture.base, str(architecture.context), str(architecture.segment)]
        rows.append([str(number), *shape, str(member.steps)])
    header = ["member", "scale", "base", "context", "segment", "updates"]
    console.show_table(header, rows, title=f"members: the forecast is their {combination}")


def _show_pretrained(card: "Card") -> None:
    """Show how the model uses the pretrained network."""
    part = card.pretrained
    assert part is not None
    pairs = [
        ("weights", part.name),
        ("share", f"{100 * part.share:.0f} % of the forecast"),
        ("seasons", descriptions.season_words(card)),
        *((("fine-tuned", f"{counted(part.updates, 'update')} on the table"),) if part.updates else ()),
        *((("reason", card.reasons["pretrained"]),) if "pretrained" in card.reasons else ()),
    ]
    console.show_pairs("pretrained network", pairs)


def show_state(path: Path) -> None:
    """Show the history that a state file stores."""
    from rnncli.model import forecast_state

    state = forecast_state.read_state(path)
    panel = state.panel
    first, last = panel.span()
    console.show_pairs(
        str(path),
        [
            ("used by", "rnncli forecast --state"),
            ("series", f"{len(panel.ids)}, of {descriptions.length_words(panel)} steps (at most {state.steps})"),
            ("columns", descriptions.column_words(panel)),
            ("span", f"{first} to {last}"),
            ("frequency", descriptions.frequency_words(panel)),
            ("runs", f"{state.runs}, with {counted(state.rows, 'row')} in all"),
            ("size", f"{path.stat().st_size / 1024:.0f} KiB"),
        ],
    )
