"""`train --publish-if`: replace the current model only if the new one meets conditions; `--rollback` undoes it."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from rnncli.cli import console, run_report
from rnncli.cli.comparison_words import difference_words, violation_words
from rnncli.errors import DataError, GateError, RequestError
from rnncli.evaluation import conditions
from rnncli.evaluation.conditions import PublishCondition
from rnncli.files import atomic

if TYPE_CHECKING:
    from rnncli.evaluation.backtest import WindowScores
    from rnncli.evaluation.significance import Difference
    from rnncli.model.model import Model
    from rnncli.panel import Panel
    from rnncli.training.assembly import TrainedModel


class Publication(NamedTuple):
    """The conditions for a new model, and the model it would replace."""

    conditions: list[PublishCondition]
    current: "Model | None"


def parse_conditions(texts: list[str], percents: tuple[float, ...]) -> list[PublishCondition]:
    """Return the conditions. Raises RequestError if a text is not a condition."""
    from rnncli.evaluation.metrics import DEFAULT_METRICS, columns

    return [
        conditions.parse_publish_condition("--publish-if", text, columns(DEFAULT_METRICS, percents)) for text in texts
    ]


def prepare(conditions: list[PublishCondition], output: Path, panel: "Panel", horizon: int) -> Publication:
    """Read the current model. Raises RequestError if it cannot be compared on this panel and horizon."""
    from rnncli.model import weights_file

    if not conditions or not output.exists():
        return Publication(conditions, None)
    current = weights_file.load(output)
    if current.card.horizon != horizon:
        raise RequestError(
            f"{output}: models of different horizons cannot be compared (current {current.card.horizon}, new "
            f"{horizon}). Publish once without --publish-if"
        )
    try:
        current.check(panel)
    except DataError as error:
        raise RequestError(f"{output}: the current model cannot forecast this table: {error}") from error
    return Publication(conditions, current)


def check_conditions(publication: Publication, outcome: "TrainedModel", panel: "Panel") -> None:
    """Raise GateError if the new model does not meet the conditions."""
    from rnncli.panel.export.names import POINT
    from rnncli.training.assembly import CURRENT

    if not publication.conditions:
        return
    backtest = outcome.scores
    if backtest is None:
        raise GateError("no series is long enough for validation, so the conditions cannot be tested. No model written")
    scores, current, difference = backtest.overall(), publication.current, None
    if current is not None:
        difference = _compare(current, backtest, outcome.model.card.horizon, panel)
        run_report.add_facts(current=scores[CURRENT])
    found = [
        conditions.check_publish_condition(condition, scores[POINT], scores.get(CURRENT), difference)
        for condition in publication.conditions
    ]
    if reasons := [violation_words(violation) for violation in found if violation]:
        raise GateError(f"--publish-if {'; '.join(reasons)}. The model file is unchanged")


def _compare(current: "Model", backtest: "WindowScores", horizon: int, panel: "Panel") -> "Difference":
    """Report and return the difference in MASE between the new and the current model."""
    from rnncli.evaluation.cutoffs import window_positions
    from rnncli.evaluation.significance import compare
    from rnncli.panel.export.names import POINT
    from rnncli.panel.time import formats
    from rnncli.training.assembly import CURRENT

    positions = window_positions(panel, backtest.cutoffs, horizon, horizon)
    difference = compare(backtest.terms[POINT]["MASE"], backtest.terms[CURRENT]["MASE"], positions)
    console.note(f"current model: MASE {backtest.overall()[CURRENT]['MASE']:.3f} on the same windows")
    console.note(f"MASE: {difference_words(difference, 'the current model')}")
    if not formats.is_later(panel.earliest_time(backtest.cutoffs), current.card.seen.last):
        console.warn(
            f"the current model was trained on rows up to {current.card.seen.last}, including windows of this "
            "comparison: it may look better than it is"
        )
    return difference


def publish(model: "Model", output: Path) -> None:
    """Replace the model file; the replaced model stays next to it as NAME.previous."""
    from rnncli.model import weights_file

    if not output.exists():
        weights_file.save(model, output)
        return
    content, current = weights_file.encode(model), output.read_bytes()
    if content == current:  # an earlier run was interrupted after publishing
        console.note("published: the new model is identical to the current one; the previous model is unchanged")
        return
    previous = atomic.replace_keeping_previous(output, content, current)
    console.note(f"published: the previous model is {previous.name}; train --rollback restores it")


def roll_back(output: Path) -> None:
    """Restore the previous model.

    Raises RequestError if there is none, ModelFileError if it is damaged.
    """
    from rnncli.model import card_file

    atomic.check_writable(output)
    output = output.resolve()  # a link remains a link
    previous = output.with_name(f"{output.name}.previous")
    if not previous.exists():
        raise RequestError(f"{previous} does not exist: there is no model to restore. train --publish-if writes it")
    restored = card_file.read_card(previous)
    os.replace(previous, output)
    console.note(f"restored: {output} is again the model trained on rows up to {restored.seen.last}")
