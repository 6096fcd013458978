"""Words for tables, plans and models, as `train` and `inspect` report them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rnncli.config.base_forecasts import BASES
from rnncli.files.paths import is_standard_stream
from rnncli.messages import counted, listed

if TYPE_CHECKING:
    from rnncli.config.architecture import Architecture
    from rnncli.model.card import Card
    from rnncli.panel import Panel
    from rnncli.panel.memmap import Store
    from rnncli.planning.plan import Plan

FREQUENCIES = {
    "h": "hourly",
    "D": "daily",
    "B": "business days",
    "W": "weekly",
    "min": "every minute",
    "s": "every second",
    "MS": "monthly",
    "ME": "monthly",
    "QS": "quarterly",
    "QE": "quarterly",
    "YS": "yearly",
    "YE": "yearly",
}


def panel_lines(source: str, panel: "Panel") -> list[str]:
    """Return the size and span of a table, its columns, and what is missing."""
    summary = panel.summary
    first, last = panel.span()
    name = "standard input" if is_standard_stream(source) else source
    size = f"{len(panel.ids)} series of {length_words(panel)} steps"
    lines = [
        f"{name}: {size}, {frequency_words(panel)}, {first} to {last}",
        f"columns: {column_words(panel)}",
    ]
    if summary.missing or summary.absent:
        lines.append(
            f"missing: {gap_words(summary.missing, summary.absent, ' and ')}; "
            "they are masked in the inputs and in the loss"
        )
    lines += covariate_lines(panel)
    if summary.empty:
        lines.append(f"left out: {len(summary.empty)} series without any value{listed(summary.empty)}")
    return lines


def gap_words(missing: int, absent: int, joint: str = ", ") -> str:
    """Return the number of empty values and of time steps without a row."""
    return f"{counted(missing, 'empty value')}{joint}{counted(absent, 'step')} without a row"


def length_words(panel: "Panel") -> str:
    """Return the length of the series, or the shortest and the longest."""
    shortest, longest = panel.lengths.min(), panel.lengths.max()
    return f"{shortest} to {longest}" if shortest < longest else str(longest)


def column_words(panel: "Panel") -> str:
    """Return the role of each column."""
    roles = panel.summary.roles
    covariates = covariate_words(roles.covariates, roles.weight)
    if roles.wide:
        series = f"each of {len(roles.targets)} numeric columns a series (or set --target)"
        return f'time "{roles.time}", {series}{covariates}'
    identifier = f'id "{roles.id}", ' if roles.id else ""
    targets = ", ".join(f'"{name}"' for name in roles.targets)
    inferred = " (inferred from their types; or set --time, --id and --target)" if roles.guessed else ""
    return f'{identifier}time "{roles.time}", target {targets}{covariates}{inferred}'


def covariate_words(covariates: Sequence[tuple[str, str]], weight: str | None) -> str:
    """Return `, known "price", past "visits"`, or nothing; covariates: (name, role)."""
    by_role: dict[str, list[str]] = {}
    for name, role in covariates:
        by_role.setdefault(role, []).append(f'"{name}"')
    if weight is not None:
        by_role["weight"] = [f'"{weight}"']
    return "".join(f", {role} {', '.join(names)}" for role, names in by_role.items())


def covariate_lines(panel: "Panel") -> list[str]:
    """Return a line for each covariate with missing values."""
    covariates = panel.covariates
    return [
        f'missing: "{column.name}" has no value in {share:.1%} of the steps; these are masked'
        for column, share in zip(covariates.varying, covariates.missing_share(), strict=True)
        if share > 0
    ]


def store_lines(store: "Store") -> list[str]:
    """Return where the values are stored, if not in memory."""
    return [f"memory: {store.size / 1e6:.0f} MB of values are read from {store.folder}"] if store.full else []


def choice_lines(plan: "Plan") -> list[str]:
    """Return the settings chosen from the data, with reasons, and the resulting network."""
    architecture = plan.architecture
    if plan.pretrained == "alone":
        shown: dict[str, object] = {
            name: plan.settings[name] for name in ("pretrained", "season") if name in plan.reasons
        }
        return [f"chosen: {name} {value}" for name, value in with_reasons(shown, plan.reasons)]
    chosen = with_reasons({name: plan.settings[name] for name in plan.reasons}, plan.reasons)
    if architecture.context:
        steps = architecture.context // architecture.segment
        history = f"context of {counted(steps, 'segment')} of {counted(architecture.segment, 'step')}"
    else:
        history = "no history"
    network = [encoder_words(architecture), history, f"horizon {architecture.horizon}", decoder_words(architecture)]
    return [*(f"chosen: {name} {value}" for name, value in chosen), f"network: {', '.join(network)}"]


def encoder_words(architecture: "Architecture") -> str:
    """Return the cell, size and front end of the encoder."""
    if architecture.traits.closed_form:
        return f"reservoir ({architecture.traits.label}) of {architecture.hidden} units"
    front = f"convolution of width {architecture.convolution}, " if architecture.convolution else ""
    variants = "".join(f"{name} " for name in ("bidirectional", "residual") if getattr(architecture, name))
    return f"{front}{architecture.layers}-layer {variants}{architecture.traits.label} of {architecture.hidden} units"


def decoder_words(architecture: "Architecture") -> str:
    """Return the decoder, with its attention and linear bypass."""
    name = architecture.decoder
    parts = [name if name == "encoder-decoder" else f"{name} decoder"]
    if architecture.attention:
        parts.append("attention")
    if architecture.bypass:
        experts = architecture.experts
        parts.append("linear bypass" if experts == 1 else f"linear bypass of {experts} experts")
    return ", ".join(parts)


def member_lines(card: "Card") -> list[str]:
    """Return the networks of an ensemble, a line for each architecture, and what training found."""
    if not card.members:
        return [f"selected: the pretrained network alone, calibrated on all rows; {season_words(card)}"]
    architectures = Counter(architecture_words(member.architecture) for member in card.members)
    lines = [f"{number} x {words}" if number > 1 else words for words, number in architectures.items()]
    rows = "retrained on all rows" if card.validation.refitted else "not trained on the held-out rows"
    labels = {"learning_rate": "learning rate", "start": "initialised with"}
    reasons = [f"  {words}: {card.reasons[name]}" for name, words in labels.items() if name in card.reasons]
    covariates = [f"left out: {words}" for words in left_out(card)]
    count = counted(len(card.members), "network")
    beside = []
    if card.pretrained is not None:
        share = f"share {100 * card.pretrained.share:.0f} %"
        beside = [f"beside: the pretrained network, {share} ({card.reasons['pretrained']})"]
    return [f"selected: {count}, {rows}", *(f"  {line}" for line in lines), *reasons, *covariates, *beside]


def season_words(card: "Card") -> str:
    """Return the seasons that the pretrained network is told, with their weights if there are several."""
    part = card.pretrained
    assert part is not None
    words = []
    for (short, long), weight in zip(part.seasons, part.weights, strict=True):
        name = "no season" if short == 1 else f"season {short}" + (f" and {long}" if long > 1 else "")
        words.append(name if len(part.seasons) == 1 else f"{name} {100 * weight:.0f} %")
    return ", ".join(words)


def left_out(card: "Card") -> list[str]:
    """Return the covariates that training dropped."""
    if not card.inputs or card.uses_covariates or card.config.network.covariates is False:
        return []
    names = ", ".join(covariate.name for covariate in card.inputs)
    return [f"{names} (no lower error on the validation windows; train --covariates keeps them)"]


def interval_line(card: "Card") -> str:
    """Return the coverage of the intervals on the validation windows."""
    from rnncli.evaluation.metrics import nominal_coverages

    scores = card.model_scores
    covered = [
        f"{percent:g} % covered {100 * share:.1f} % of the values"
        for name, percent in nominal_coverages(scores).items()
        if (share := scores[name]) is not None and share == share
    ]
    rounding = "; rounded to whole numbers, as in the training data" if card.seen.counts else ""
    windows = counted(card.validation.windows, "window")
    how = "cross-calibrated in halves" if card.members else "calibrated on the rows before"
    return f"intervals: {', '.join(covered)} ({windows}, {how}){rounding}"


def architecture_words(architecture: "Architecture") -> str:
    """Return what distinguishes the members of an ensemble."""
    base = "no base" if architecture.base == "none" else f"base {architecture.base}"
    if BASES[architecture.base].seasonal:
        base += f" {architecture.season}"
    context = f"context {architecture.context} in segments of {architecture.segment}"
    parts = [f"scale {architecture.scale}", base, context if architecture.context else "no history"]
    if architecture.calendar:
        parts.append("calendar")
    if architecture.mix:
        parts.append("mixes the series")
    if not architecture.covariates:
        parts.append("no covariates")
    return ", ".join(parts)


def frequency_words(panel: "Panel") -> str:
    """Return the frequency in words, followed by its alias."""
    frequency = panel.frequency
    if frequency.unit == "integer":
        return "integer time index" + (f" with step {frequency.every}" if frequency.every > 1 else "")
    words = FREQUENCIES.get(frequency.name)
    return f"{words} ({frequency.name})" if words else f"every {frequency.name}"


def with_reasons(values: Mapping[str, object], reasons: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return (option, value) for each setting that has a value, with the reason for it if there is one."""
    return [
        (name.replace("_", "-"), setting_words(value) + (f" ({reasons[name]})" if name in reasons else ""))
        for name, value in values.items()
        if value is not None
    ]


def setting_words(value: object) -> str:
    """Return the value of a setting: on or off, a number without needless zeros, or the text."""
    if isinstance(value, bool):
        return "on" if value else "off"
    return f"{value:g}" if isinstance(value, float) else str(value)


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
