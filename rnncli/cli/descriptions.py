"""A table, and what was chosen for it, in words: what `train` and `inspect` say."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rnncli.config.base_forecasts import BASES
from rnncli.messages import counted, listed, source_words

if TYPE_CHECKING:
    from rnncli.config.architecture import Architecture
    from rnncli.model.card import Card
    from rnncli.panel import Panel
    from rnncli.panel.memmap import Store
    from rnncli.planning.plan import Plan


def panel_lines(source: str, panel: "Panel") -> list[str]:
    """What was found in a table: its size and span, which columns were taken, and what is missing in it."""
    found = panel.summary
    rows = length_words(panel)
    first, last = panel.span()
    name = source_words(source)
    lines = [
        f"{name}: {len(panel.ids)} series of {rows} steps, {frequency_words(panel)}, {first} to {last}",
        f"columns: {column_words(panel)}",
    ]
    if found.missing or found.absent:
        lines.append(
            f"missing: {found.missing} empty values and {found.absent} steps without a row; "
            "they are masked in what the network sees and in its loss"
        )
    lines += covariate_lines(panel)
    if found.empty:
        lines.append(f"left out: {len(found.empty)} series without any value{listed(found.empty)}")
    return lines


def length_words(panel: "Panel") -> str:
    """How long the series are."""
    shortest, longest = panel.lengths.min(), panel.lengths.max()
    return f"{shortest} to {longest}" if shortest < longest else str(longest)


def column_words(panel: "Panel") -> str:
    """Which columns were taken for what."""
    roles = panel.summary.roles
    if roles.wide:
        beside = beside_words(roles.covariates, roles.weight)
        series = f"and each of {len(roles.targets)} columns of numbers is a series (--target for one)"
        return f'time "{roles.time}", {series}{beside}'
    identifier = f'id "{roles.id}", ' if roles.id else ""
    targets = ", ".join(f'"{name}"' for name in roles.targets) + beside_words(roles.covariates, roles.weight)
    guessed = " (guessed by their kind; --time, --id and --target say otherwise)" if roles.guessed else ""
    return f'{identifier}time "{roles.time}", target {targets}{guessed}'


def beside_words(covariates: Sequence[tuple[str, str]], weight: str | None) -> str:
    """`, known "price", past "visits"`, or nothing."""
    by_role: dict[str, list[str]] = {}
    for name, role in covariates:
        by_role.setdefault(role, []).append(f'"{name}"')
    if weight is not None:
        by_role["weight"] = [f'"{weight}"']
    return "".join(f", {role} {', '.join(names)}" for role, names in by_role.items())


def covariate_lines(panel: "Panel") -> list[str]:
    """Where a covariate is empty: a line for each."""
    told = panel.covariates
    return [
        f'missing: "{column.name}" has no value in {share:.1%} of the steps; it is masked there'
        for column, share in zip(told.along, told.missing(), strict=True)
        if share > 0
    ]


def store_lines(store: "Store") -> list[str]:
    """Where the numbers are, if not in memory."""
    return [f"memory: {store.size / 1e6:.0f} MB of numbers are read from {store.folder}"] if store.full else []


def choice_lines(plan: "Plan") -> list[str]:
    """What was chosen where nothing was said, with the reasons."""
    design, chosen = plan.architecture, plan.chosen
    lines = [f"chosen: {name} {chosen[name]} ({reason})" for name, reason in plan.reasons.items()]
    decoder = ("encoder-decoder" if design.decoder == "encoder-decoder" else f"{design.decoder} decoder") + (
        (", attention" if design.attention else "") + (f", {bypass_words(design)}" if design.bypass else "")
    )
    cell = encoder_words(design)
    steps = f"{design.context // design.segment} steps of {design.segment} back" if design.context else "no past"
    return [*lines, f"network: {cell}, {steps}, {design.horizon} ahead, {decoder}"]


def bypass_words(design: "Architecture") -> str:
    """What is linear."""
    return "linear bypass" if design.experts == 1 else f"linear bypass of {design.experts} maps"


def encoder_words(design: "Architecture") -> str:
    """What reads the past."""
    if design.traits.closed_form:
        return f"reservoir (ESN) of {design.hidden} units"
    front = f"convolution of width {design.convolution}, " if design.convolution else ""
    kind = "".join(f"{name} " for name in ("bidirectional", "residual") if getattr(design, name))
    called = design.traits.label
    return f"{front}{design.layers}-layer {kind}{called} of {design.hidden} units"


def member_lines(card: "Card") -> list[str]:
    """The networks that forecast together, a line for each design."""
    designs = Counter(design_words(member.architecture) for member in card.members)
    lines = [f"{number} x {design}" if number > 1 else design for design, number in designs.items()]
    last = "trained again on all rows" if card.validation.refitted else "not trained on the rows held out"
    networks = "network" if len(card.members) == 1 else "networks"
    told = {"learning_rate": "learning rate", "start": "begun with"}
    why = [f"  {words}: {card.reasons[name]}" for name, words in told.items() if name in card.reasons]
    left = [f"left out: {words}" for words in left_out(card)]
    return [f"kept: {len(card.members)} {networks}, {last}", *(f"  {line}" for line in lines), *why, *left]


def left_out(card: "Card") -> list[str]:
    """The columns beside, where training found that no network is to be told them."""
    if not card.inputs or card.told_columns or card.config.network.covariates is False:
        return []
    names = ", ".join(one.name for one in card.inputs)
    return [f"{names} (the validation windows are forecast about as well without; train --covariates tells them)"]


def interval_line(card: "Card") -> str:
    """What the intervals held of the validation windows."""
    from rnncli.evaluation.metrics import coverages

    own = card.scores["rnncli"]
    held = [
        f"the {percent:g} % one held {100 * share:.1f} % of the values"
        for name, percent in coverages(own).items()
        if (share := own[name]) is not None and share == share
    ]
    counts = "; whole numbers, as all values are" if card.seen.counts else ""
    windows = counted(card.validation.windows, "window")
    return f"intervals: {', '.join(held)} ({windows}, each half corrected by the other){counts}"


def design_words(design: "Architecture") -> str:
    """What tells one member from another."""
    base = "no base" if design.base == "none" else f"base {design.base}"
    if BASES[design.base].seasonal:
        base += f" {design.season}"
    dated = (", calendar" if design.calendar else "") + (", sees the other series" if design.mix else "")
    dated += "" if design.covariates else ", not told the columns beside"
    seen = f"context {design.context} in segments of {design.segment}" if design.context else "nothing of the past"
    return f"scale {design.scale}, {base}, {seen}{dated}"


def frequency_words(panel: "Panel") -> str:
    """The frequency as a person says it."""
    frequency = panel.frequency
    if frequency.unit == "integer":
        return "a clock of plain numbers" + (f" by {frequency.every}" if frequency.every > 1 else "")
    known = {
        "h": "hourly",
        "D": "daily",
        "B": "business days",
        "W": "weekly",
        "min": "every minute",
        "s": "every second",
    }
    known |= {"MS": "monthly", "ME": "monthly", "QS": "quarterly", "QE": "quarterly", "YS": "yearly", "YE": "yearly"}
    return f"{known[frequency.name]} ({frequency.name})" if frequency.name in known else f"every {frequency.name}"


def with_reasons(values: Mapping[str, object], reasons: Mapping[str, str]) -> list[tuple[str, str]]:
    """Choices, each with why it was made."""
    return [(name, f"{value}" + (f"  ({reasons[name]})" if name in reasons else "")) for name, value in values.items()]


def duration_words(seconds: float) -> str:
    """Return a duration with two or three significant digits."""
    return f"{short_number(seconds / 60)} min" if seconds >= 90 else f"{short_number(seconds)} s"


def size_words(count: float) -> str:
    """Return a number of bytes with two or three significant digits."""
    units = {"GB": 1e9, "MB": 1e6, "KB": 1e3}
    unit = next((name for name, size in units.items() if count >= size), "KB")
    return f"{short_number(count / units[unit])} {unit}"


def short_number(value: float) -> str:
    """Return a number with two significant digits below 10, and without decimals from there on."""
    return f"{value:.2g}" if value < 10 else f"{value:.0f}"
