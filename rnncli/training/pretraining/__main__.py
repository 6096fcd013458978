"""Train the weights in the package: `python -m rnncli.training.pretraining`.

Reproduces the weights of a release from its seed; run again after an interruption, it continues.
"""

import argparse
import json
import sys
import time
from pathlib import Path

from rnncli.files.atomic import atomic_writer
from rnncli.model.pretrained import package_file
from rnncli.model.pretrained.package_file import PretrainedCard
from rnncli.planning.simulation.processes import FAMILIES
from rnncli.planning.simulation.simulate import VERSION
from rnncli.training.pretraining.pretrain import Pretraining, Report, pretrain, test_losses

DATA = "simulated series only"
MEMBERS = 2


def main() -> None:
    """Train, and write the weights with their card."""
    parser = argparse.ArgumentParser(prog="python -m rnncli.training.pretraining", description=__doc__)
    defaults = Pretraining()
    parser.add_argument("--output", type=Path, default=package_file.PATH, help="weights to write (%(default)s)")
    parser.add_argument(
        "--checkpoint", type=Path, default=Path("pretraining.pt"), help="state to resume from, a file for each network"
    )
    parser.add_argument("--updates", type=int, default=defaults.updates, help="updates (%(default)s)")
    parser.add_argument("--members", type=int, default=MEMBERS, help="networks to train (%(default)s)")
    parser.add_argument("--seed", type=int, default=defaults.seed, help="seed of weights and series (%(default)s)")
    parser.add_argument("--series", type=int, help="train on this many series again and again (ever new ones)")
    parser.add_argument("--leave-out", choices=FAMILIES, help="family of processes to leave out (none)")
    parser.add_argument("--scores", type=Path, help="JSON for the card: set to score to value, measured on public data")
    arguments = parser.parse_args()
    options = [
        Pretraining(arguments.updates, arguments.seed + number, series=arguments.series, leave_out=arguments.leave_out)
        for number in range(arguments.members)
    ]
    trained = [
        pretrain(each, arguments.checkpoint.with_suffix(f".{number}.pt"), _show) for number, each in enumerate(options)
    ]
    members = tuple(each.weights for each in trained)
    card = PretrainedCard(
        name=f"simulated-{VERSION}",
        data=DATA,
        generator=VERSION,
        families=tuple(name for name in FAMILIES if name != arguments.leave_out),
        seed=arguments.seed,
        updates=arguments.updates,
        series=sum(each.series for each in trained),
        minutes=round(sum(each.seconds for each in trained) / 60, 1),
        members=len(trained),
        parameters=sum(value.size for each in trained for value in each.weights.values()),
        scores=json.loads(arguments.scores.read_text()) if arguments.scores else {},
        losses={str(season): round(loss, 4) for season, loss in test_losses(members).items()},
    )
    with atomic_writer(arguments.output) as stream:
        stream.write(package_file.encode(members, card))


def _show(report: Report) -> None:
    moment = time.strftime("%H:%M:%S")
    print(f"{moment}  {report.update} updates, loss {report.loss:.4f}, {report.seconds / 60:.1f} min", file=sys.stderr)


if __name__ == "__main__":
    main()
