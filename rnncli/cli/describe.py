"""A table, and what was chosen for it, in words: what `train` and `inspect` say."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rnncli.choices import Plan
    from rnncli.panel import Panel


def panel_lines(source: str, panel: "Panel") -> list[str]:
    """What was found in a table: its size and span, which columns were taken, and what is missing in it."""
    lengths = panel.lengths
    series = f"{len(lengths)} series" if len(lengths) > 1 else "1 series"
    rows = f"{lengths.min()} to {lengths.max()}" if lengths.min() < lengths.max() else str(lengths[0])
    first, last = panel.span()
    lines = [f"{source}: {series} of {rows} steps, {frequency_words(panel)}, {first} to {last}", column_line(panel)]
    if panel.found.missing or panel.found.absent:
        lines.append(
            f"missing: {panel.found.missing} empty values and {panel.found.absent} steps without a row: "
            "masked in what the network sees and in its loss"
        )
    if panel.found.empty:
        more = f" and {len(panel.found.empty) - 3} more" if len(panel.found.empty) > 3 else ""
        lines.append(f"left out, for they hold no value: {', '.join(panel.found.empty[:3])}{more}")
    return lines


def column_line(panel: "Panel") -> str:
    """Which columns were taken for what."""
    roles = panel.found.roles
    if roles.wide:
        return f'columns: time "{roles.time}", and each of the other {len(panel.ids)} columns of numbers is a series'
    identifier = f'id "{roles.id}", ' if roles.id else ""
    targets = ", ".join(f'"{name}"' for name in roles.targets)
    guessed = " (guessed by their kind; --time, --id and --target say otherwise)" if roles.guessed else ""
    return f'columns: {identifier}time "{roles.time}", target {targets}{guessed}'


def choice_lines(plan: "Plan") -> list[str]:
    """What was chosen where nothing was said, with the reasons."""
    design = plan.architecture
    values = {**design.model_dump(), "steps": plan.steps, "history": plan.history}
    lines = [f"chosen: {name} {values[name]} ({reason})" for name, reason in plan.reasons.items()]
    decoder = f"{design.decoder} decoder" + (", linear bypass" if design.bypass else "")
    cell = f"{design.layers}-layer {design.cell.upper()} of {design.hidden} units"
    steps = f"{design.context // design.segment} steps of {design.segment}"
    return [*lines, f"network: {cell}, {steps} back, {design.horizon} ahead, {decoder}"]


def frequency_words(panel: "Panel") -> str:
    """The frequency as a person says it."""
    frequency = panel.frequency
    if frequency.unit == "integer":
        return "a clock of plain numbers" + (f" by {frequency.every}" if frequency.every > 1 else "")
    known = {"h": "hourly", "D": "daily", "B": "business days", "W": "weekly", "min": "every minute"}
    known |= {"MS": "monthly", "ME": "monthly", "QS": "quarterly", "QE": "quarterly", "YS": "yearly", "YE": "yearly"}
    return f"{known[frequency.name]} ({frequency.name})" if frequency.name in known else f"every {frequency.name}"
