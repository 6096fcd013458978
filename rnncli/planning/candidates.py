"""Alternatives to the chosen architecture that may forecast as well or better, for the search to evaluate."""

from rnncli.config.architecture import Architecture, InputSpec
from rnncli.config.base_forecasts import BASES, BaseName
from rnncli.config.fields import ScaleName
from rnncli.config.sections import NetworkOptions
from rnncli.planning import defaults

INPUT_VARIANTS_AT = 2  # scales and bases before variants with other inputs


def candidates(
    chosen: Architecture, network: NetworkOptions, scales: list[ScaleName], cycles: list[int], inputs: InputSpec
) -> tuple[Architecture, ...]:
    """Return variants in scale, base and season, and among the first of them variants in inputs.

    Settings of the network that the user made are not varied.
    """
    variants = _of_scales_and_bases(chosen, network, scales, cycles)
    trained, without_context = not network.traits.closed_form, network.context == 0
    if network.calendar is None and inputs.calendar and trained and not (without_context and not inputs.inputs):
        variants.insert(INPUT_VARIANTS_AT, chosen.model_copy(update={"calendar": not chosen.calendar}))
    if network.covariates is None and inputs.inputs and trained and not without_context:
        variants.insert(INPUT_VARIANTS_AT, without_covariates(chosen))
    if network.mix is None and inputs.series and trained and network.bptt is None:
        variants.insert(INPUT_VARIANTS_AT - 1, chosen.model_copy(update={"mix": True}))
    return tuple(variants)


def without_covariates(architecture: Architecture) -> Architecture:
    """Return the same architecture without covariates."""
    return architecture.model_copy(update={"covariates": False})


def _of_scales_and_bases(
    chosen: Architecture, network: NetworkOptions, scales: list[ScaleName], cycles: list[int]
) -> list[Architecture]:
    """Return all scales with two bases each, or one scale with three, and all other seasons.

    One change of each kind comes first, in case there is time for few.
    """
    bases = [network.base] if network.base else _bases(chosen)[: 3 if len(scales) == 1 else 2]
    scales = [network.scale] if network.scale else scales
    changes: list[dict[str, object]] = [{"base": base} for base in bases[:2]]
    changes += [{"scale": scale} for scale in scales[:2]]
    seasonal = [base for base in bases if BASES[base].seasonal][:1]
    fitting = [cycle for cycle in cycles if cycle <= chosen.context or not any(BASES[b].from_context for b in seasonal)]
    changes += [{"base": base, "season": cycle} for base in seasonal for cycle in fitting]
    changes += [{"base": base, "scale": scale} for base in bases for scale in scales]
    variants = [chosen.model_copy(update=change) for change in changes]
    return [variant for index, variant in enumerate(variants) if variant not in (chosen, *variants[:index])]


def _bases(chosen: Architecture) -> list[BaseName]:
    """Return the bases that may suit, the chosen one first.

    On windows at the end of the training parts of seven data sets, the learned bases cycle and smoothing beat seasonal
    naive and no base by 1 to 11 %; smoothing was best if each series has a season of its own.
    """
    if chosen.season == 1:
        return list(dict.fromkeys([chosen.base, "last", "smoothing"]))
    smoothing: list[BaseName] = ["smoothing"] if chosen.season <= chosen.context else []
    return list(dict.fromkeys([chosen.base, "cycle", *smoothing, "last"]))


def neighbours(chosen: Architecture, network: NetworkOptions, longest: int) -> list[Architecture]:
    """Return variants with twice and half the segment or the context, as far as the user did not set these.

    longest: steps of the longest series, which must contain the context and the horizon.
    """
    lengths = []
    if network.segment is None:
        lengths += [(2 * chosen.segment, chosen.context), (chosen.segment // 2, chosen.context)]
    if network.context is None:
        lengths += [(chosen.segment, chosen.context // 2), (chosen.segment, 2 * chosen.context)]
    variants = []
    for segment, steps in lengths:
        if not segment or (chosen.context and not steps):
            continue
        context = -(-steps // segment) * segment if network.context is None else steps
        if context + chosen.horizon <= longest and _fits(chosen, segment, context):
            parts = defaults.architecture_defaults(network, context, segment, chosen.horizon)
            variants.append(chosen.model_copy(update={"segment": segment, "context": context, **parts}))
    return variants


def _fits(chosen: Architecture, segment: int, context: int) -> bool:
    """Return whether the architecture can have these lengths."""
    # The recursive decoder must feed a segment back, unless already the chosen one is as long as the horizon.
    feeds_back = chosen.decoder != "recursive" or segment < max(chosen.horizon, chosen.segment + 1)
    return (
        context % segment == 0
        and (chosen.bptt is None or chosen.bptt % segment == 0)
        and (not BASES[chosen.base].from_context or chosen.season <= context)
        and (context > 0 or segment <= chosen.horizon)
        and feeds_back
    )
