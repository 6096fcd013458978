"""rnncli inspect: what a table or a model file holds. Without torch, so it answers at once."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rnncli.cli import screen
from rnncli.cli.options import Asked, configured
from rnncli.config import Config
from rnncli.errors import DataError, about

if TYPE_CHECKING:
    from rnncli.card import Card
    from rnncli.panel import Panel


@configured("columns", "network", "training")
def inspect(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A table, a model file, or - for a table on stdin.")],
    asked: Asked,
    format: Annotated[
        str | None, typer.Option(metavar="csv|tsv|parquet", help="What FILE is, if its name does not tell.")
    ] = None,
) -> None:
    """What a table or a model file holds.

    Of a table: its series, gaps and seasons, and what training on it would choose.
    """
    config = asked.over(Config())
    if format is None and _is_model(Path(file)):
        from rnncli import card

        _show_card(Path(file), card.read(Path(file)))
        return
    from rnncli import tables
    from rnncli.panel import from_frame

    frame = tables.read(file, format)
    with about(file):
        panel = from_frame(frame, config.columns, keep_first=True)
        _show_panel(file, panel)
        _show_choices(panel, config)


def _is_model(path: Path) -> bool:
    """By its name, or by the head of a safetensors file: a length of eight bytes, then JSON."""
    if path.suffix == ".rnn":
        return True
    try:
        with path.open("rb") as stream:
            return stream.read(10)[8:] == b'{"'
    except OSError:
        return False


def _show_panel(source: str, panel: "Panel") -> None:
    from rnncli import choices
    from rnncli.cli import describe

    found, lengths = panel.found, panel.lengths
    first, last = panel.span()
    constant = panel.constant()
    shortest = int(lengths.argmin())
    seasons = choices.seasons_seen(panel)
    pairs = [
        ("series", f"{len(lengths)}, of {lengths.min()} to {lengths.max()} steps"),
        ("shortest", f"{panel.called(shortest)}, {lengths[shortest]} steps"),
        ("rows", str(found.rows)),
        ("columns", describe.column_line(panel)),
        ("from, to", f"{first}, {last}" + (f" ({panel.times.zone})" if panel.times.zone else "")),
        ("frequency", describe.frequency_words(panel)),
        ("gaps", f"{found.absent} steps without a row"),
        ("missing", f"{found.missing} empty values"),
        ("duplicates", f"{found.repeated} rows with the series and time of another" + (": train will refuse them" if found.repeated else "")),
        ("constant", f"{len(constant)} series" + (f": {', '.join(constant[:3])}" + (", ..." if len(constant) > 3 else "") if constant else "")),
        ("empty", f"{len(found.empty)} series"),
        ("seasons", ", ".join(f"{season} steps (correlation {value:.2f})" for season, value in seasons.items()) or "none seen"),
    ]  # fmt: skip
    screen.show_pairs(source, pairs)


def _show_choices(panel: "Panel", config: Config) -> None:
    from rnncli import choices

    network = config.network
    said = ""
    if network.horizon is None:
        horizon = next(iter(choices.seasons_seen(panel)), min(12, int(panel.lengths.max()) // 4) or 1)
        network = network.model_copy(update={"horizon": horizon})
        said = f" (a guess at the horizon: {horizon}; --horizon says otherwise)"
    try:
        plan = choices.make(panel, network, config.training)
    except DataError as error:
        screen.show_pairs("training on it", [("not possible", str(error))])
        return
    values = plan.architecture.model_dump() | {"steps": plan.steps, "history": plan.history}
    pairs = [
        (name, f"{value}" + (f"  ({plan.reasons[name]})" if name in plan.reasons else ""))
        for name, value in values.items()
    ]
    screen.show_pairs(f"training on it would choose{said}", pairs)


def _show_card(path: Path, card: "Card") -> None:
    columns, seen = card.config.columns, card.seen
    needs = [f'time "{columns.time}"', *([f'id "{columns.id}"'] if columns.id else [])]
    needs.append(
        "columns of numbers, each a series" if columns.layout == "wide" else f"target {', '.join(columns.target)}"
    )
    screen.show_pairs(
        str(path),
        [
            ("format", f"{card.format}, written by rnncli {card.rnncli}"),
            ("size", f"{path.stat().st_size / 1024:.0f} KiB, {card.parameters} weights"),
            ("expects", f"a table with {'; '.join(needs)}; steps of {card.frequency}" + (f", zone {card.zone}" if card.zone else "")),
            ("trained on", f"{seen.series} series, {seen.rows} rows, {seen.first} to {seen.last}; {seen.missing} empty values, {seen.absent} absent rows"),
            ("held out", f"the last {seen.held_out} steps of each series, {card.validation_windows} windows"),
            ("updates", str(card.steps)),
            ("libraries", ", ".join(f"{name} {version}" for name, version in card.libraries.items())),
        ],
    )  # fmt: skip
    design = card.architecture.model_dump()
    screen.show_pairs(
        "network", [(name, f"{value}" + (f"  ({card.reasons[name]})" if name in card.reasons else "")) for name, value in design.items()]
    )  # fmt: skip
    for name, scores in card.scores.items():
        pairs = [
            (metric, screen.cell(value)) for metric, value in scores.items() if value == value and value is not None
        ]
        screen.show_pairs(f"validation: {name}", pairs)
