"""Description of a table for `inspect`: series, hints about columns, and the choices of a training."""

from typing import TYPE_CHECKING

from rnncli.cli import console, data_input, descriptions
from rnncli.config.sections import Config
from rnncli.errors import DataError, about
from rnncli.messages import counted, listed

if TYPE_CHECKING:
    from rnncli.panel import Panel, Table


def show(source: str, config: Config, format: str | None) -> None:
    """Show what a table contains. Raises DataError if it cannot be read as series."""
    with about(source):
        table = data_input.read_table(source, config.columns, format)
        panel = data_input.build_panel(table, config.columns, keep_first=True)
        _show_panel(source, panel)
        _show_hints(table, panel)
        _show_plan(panel, config)


def _show_panel(source: str, panel: "Panel") -> None:
    """Show the size, span, frequency, gaps and seasons of a panel."""
    from rnncli.planning.seasonality import detected_seasons

    summary, lengths = panel.summary, panel.lengths
    shortest = int(lengths.argmin())
    constant = panel.constant_ids()
    seasons = [f"{season} steps (correlation {value:.2f})" for season, value in detected_seasons(panel).items()]
    first, last = panel.span()
    refused = " (train refuses them)" if summary.repeated else ""
    console.show_pairs(
        source,
        [
            ("series", f"{len(lengths)}, of {descriptions.length_words(panel)} steps"),
            ("shortest", f"{panel.series_name(shortest)}, {lengths[shortest]} steps"),
            ("rows", str(summary.rows)),
            ("columns", descriptions.column_words(panel)),
            ("span", f"{first} to {last}"),
            ("frequency", descriptions.frequency_words(panel)),
            ("gaps", f"{counted(summary.absent, 'step')} without a row"),
            ("missing", counted(summary.missing, "empty value")),
            ("duplicates", f"{counted(summary.repeated, 'row')} with the series and time of another row{refused}"),
            ("constant", f"{len(constant)} series{listed(constant)}"),
            ("empty", f"{len(summary.empty)} series{listed(summary.empty)}"),
            ("seasons", ", ".join(seasons) or "none found"),
        ],
    )


def _show_hints(table: "Table", panel: "Panel") -> None:
    """Show possible roles of the other columns; warn about those that contain the target."""
    from rnncli.panel.ingest.column_hints import UNDECIDED, find_hints

    found = find_hints(table, panel.summary.roles)
    pairs = [(hint.column, hint.words) for hint in found if hint.kind not in ("leak", "undecided")]
    undecided = [hint.column for hint in found if hint.kind == "undecided"]
    pairs += [("to decide", f"{', '.join(undecided)}: {UNDECIDED}")] if undecided else []
    if pairs:
        console.show_pairs("other columns", pairs)
    for hint in found:
        if hint.kind == "leak":
            console.warn(f'"{hint.column}" {hint.words}')


def _show_plan(panel: "Panel", config: Config) -> None:
    """Show what training would choose, for a typical horizon if none is given."""
    from rnncli.planning.plan import make_plan
    from rnncli.planning.seasonality import detected_seasons

    network, horizon_words = config.network, ""
    if network.horizon is None:
        horizon = min([*detected_seasons(panel), max(1, int(panel.lengths.max()) // 5)])
        network = network.model_copy(update={"horizon": horizon})
        horizon_words = f" with --horizon {horizon}"
    try:
        plan = make_plan(panel, network, config.training)
    except DataError as error:
        console.show_pairs("train would refuse", [("", str(error))])
        return
    console.show_pairs(f"train{horizon_words} would choose", descriptions.with_reasons(plan.settings, plan.reasons))
