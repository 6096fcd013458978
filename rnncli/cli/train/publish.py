"""A new model takes the place of the one in use only where it shows what was asked for; and that can be undone."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from rnncli.cli import console, run_report
from rnncli.errors import DataError, GateError, RequestError
from rnncli.evaluation import conditions
from rnncli.files import atomic

if TYPE_CHECKING:
    from rnncli.model.model import Model
    from rnncli.panel import Panel
    from rnncli.training.train_model import TrainedModel


class Publication(NamedTuple):
    """What has to hold."""

    conditions: list[conditions.Condition]
    current: "Model | None"  # the one in use, if there is one


def asked(texts: list[str], percents: tuple[float, ...]) -> list[conditions.Condition]:
    """The conditions. Raises RequestError where a text is none."""
    from rnncli.evaluation.metrics import USUAL, columns

    return [conditions.condition(text, columns(list(USUAL), percents)) for text in texts]


def prepared(conditions: list[conditions.Condition], output: Path, panel: "Panel", horizon: int) -> Publication:
    """The model in use. Raises RequestError where it cannot be compared with one of this horizon on this panel."""
    from rnncli.model import weights_file

    if not conditions or not output.exists():
        return Publication(conditions, None)
    current = weights_file.load(output)
    if current.card.horizon != horizon:
        raise RequestError(
            f"{output} forecasts {current.card.horizon} steps, the new model {horizon}: they cannot be compared. "
            "Publish it once without --publish-if"
        )
    try:
        current.check(panel)
    except DataError as error:
        raise RequestError(f"{output} cannot forecast this table to be compared with: {error}") from error
    return Publication(conditions, current)


def decide(publication: Publication, outcome: "TrainedModel", panel: "Panel") -> None:
    """Raise GateError where the new model does not show what was asked for."""
    from rnncli.evaluation import backtest
    from rnncli.evaluation.significance import compare
    from rnncli.panel.export.forecast_table import POINT
    from rnncli.panel.time import formats
    from rnncli.training.train_model import CURRENT

    if not publication.conditions:
        return
    found = outcome.judged
    if found is None:
        raise GateError("no series has rows enough to validate on: nothing can be shown. The model was not written")
    scores, current, difference = found.table(), publication.current, None
    if current is not None:
        card = outcome.model.card
        windows = backtest.windows(panel, found.places, card.horizon, card.horizon)
        difference = compare(found.parts[POINT]["MASE"], found.parts[CURRENT]["MASE"], windows)
        console.note(f"the current model: MASE {scores[CURRENT]['MASE']:.3f} on the same windows")
        console.note(f"MASE: {difference.sentence('the current model')}")
        if not formats.later(panel.earliest(found.places), current.card.seen.last):
            console.warn(
                f"the current model was trained on rows up to {current.card.seen.last}, windows of the comparison "
                "among them: it may be worse than it looks"
            )
        run_report.add_facts(current=scores[CURRENT])
    wanted = publication.conditions
    reasons = [conditions.unmet(one, scores[POINT], scores.get(CURRENT), difference) for one in wanted]
    if said := [reason for reason in reasons if reason]:
        raise GateError(f"{'; '.join(said)}. The model file was left as it was")


def publish(model: "Model", output: Path) -> None:
    """Put the model in the place of the one in use, which stays beside it."""
    from rnncli.model import weights_file

    if not output.exists():
        weights_file.save(model, output)
    elif (before := output.read_bytes()) == (
        content := weights_file.encode(model)
    ):  # a run that was cut off behind this comes again
        console.note("published: the model in use is the same, and the one before stays the one before")
    else:
        previous = atomic.replace_keeping_previous(output, content, before)
        console.note(f"published: the model before is {previous.name}; train --rollback puts it back")


def roll_back(output: Path) -> None:
    """The model before in its place again.

    Raises RequestError where there is none, ModelFileError where it is damaged.
    """
    from rnncli.model import card_file

    atomic.check_writable(output)
    output = output.resolve()  # a link stays a link
    previous = output.with_name(f"{output.name}.previous")
    if not previous.exists():
        raise RequestError(f"there is no {previous} to put back. It is left there by train --publish-if")
    before = card_file.read_card(previous)
    os.replace(previous, output)
    console.note(f"{output} is again the model that was trained on rows up to {before.seen.last}")
