"""Designs beside the chosen one that may forecast as well or better: a search tries them."""

from rnncli.config.architecture import Architecture, InputSpec
from rnncli.config.base_forecasts import BASES, BaseName
from rnncli.config.sections import Network, ScaleName
from rnncli.planning import defaults

INPUT_VARIANTS_AT = 2  # scales and bases that are tried before what is told is


def candidates(
    chosen: Architecture, asked: Network, scales: list[ScaleName], cycles: list[int], told: InputSpec
) -> tuple[Architecture, ...]:
    """Other scales, bases and cycles, and among them, early enough to be tried, what differs in what is told."""
    rivals = _of_scales_and_bases(chosen, asked, scales, cycles)
    trained, blind = not asked.traits.closed_form, asked.context == 0
    if asked.calendar is None and told.calendar and trained and not (blind and not told.inputs):
        rivals.insert(INPUT_VARIANTS_AT, chosen.model_copy(update={"calendar": not chosen.calendar}))
    if asked.covariates is None and told.inputs and trained and not blind:
        rivals.insert(INPUT_VARIANTS_AT, without_covariates(chosen))
    if asked.mix is None and told.series and trained and asked.bptt is None:
        rivals.insert(INPUT_VARIANTS_AT - 1, chosen.model_copy(update={"mix": True}))
    return tuple(rivals)


def without_covariates(design: Architecture) -> Architecture:
    """The same design, not told the columns beside."""
    return design.model_copy(update={"covariates": False})


def _of_scales_and_bases(
    chosen: Architecture, asked: Network, scales: list[ScaleName], cycles: list[int]
) -> list[Architecture]:
    """Every scale with two bases, of a single scale three, and every other cycle, but for what was asked for.

    One change of each kind comes first, for where there is time for few.
    """
    bases = [asked.base] if asked.base else _bases(chosen)[: 3 if len(scales) == 1 else 2]
    scales = [asked.scale] if asked.scale else scales
    changes: list[dict[str, object]] = [{"base": base} for base in bases[:2]]
    changes += [{"scale": scale} for scale in scales[:2]]
    seasonal = [base for base in bases if BASES[base].seasonal][:1]
    others = [cycle for cycle in cycles if seasonal == ["cycle"] or cycle <= chosen.context]
    changes += [{"base": base, "season": cycle} for base in seasonal for cycle in others]
    changes += [{"base": base, "scale": scale} for base in bases for scale in scales]
    variants = [chosen.model_copy(update=change) for change in changes]
    return [variant for place, variant in enumerate(variants) if variant not in (chosen, *variants[:place])]


def _bases(chosen: Architecture) -> list[BaseName]:
    """What may suit, the chosen one first.

    On windows of seven sets at the end of their training parts a cycle or smoothing, both learned, did better than the
    season before as it was and than no base at all, by 1 to 11 %: smoothing where each series has a season of its own.
    """
    if chosen.season == 1:
        return list(dict.fromkeys([chosen.base, "last", "smoothing"]))
    smoothed: list[BaseName] = ["smoothing"] if chosen.season <= chosen.context else []
    return list(dict.fromkeys([chosen.base, "cycle", *smoothed, "last"]))


def neighbours(chosen: Architecture, asked: Network, longest: int) -> list[Architecture]:
    """The same design with twice and half the segment, and the same of the context, but for what was asked for."""
    changes = []
    if asked.segment is None:
        changes += [(2 * chosen.segment, chosen.context), (chosen.segment // 2, chosen.context)]
    if asked.context is None:
        changes += [(chosen.segment, chosen.context // 2), (chosen.segment, 2 * chosen.context)]
    found = []
    for segment, length in changes:
        if not segment or (chosen.context and not length):
            continue
        context = -(-length // segment) * segment if asked.context is None else length
        fits = chosen.bptt is None or chosen.bptt % segment == 0
        fits &= not BASES[chosen.base].from_context or chosen.season <= context
        fits &= context > 0 or segment <= chosen.horizon
        fits &= chosen.decoder != "recursive" or segment < max(chosen.horizon, chosen.segment + 1)  # it feeds back
        if context % segment == 0 and context + chosen.horizon <= longest and fits:
            parts = defaults.architecture_defaults(asked, context, segment, chosen.horizon)
            found.append(chosen.model_copy(update={"segment": segment, "context": context, **parts}))
    return found
