"""Check that options fit together, as their fields in `fields.py` require. Nothing is ignored in silence."""

import dataclasses
from collections.abc import Iterator
from typing import NamedTuple

from rnncli.config.metadata import Requires, declared
from rnncli.config.sections import NetworkOptions, Training
from rnncli.errors import RequestError


class Rule(NamedTuple):
    """A requirement and the option that has it."""

    section: type[NetworkOptions | Training]
    option: str
    default: object
    requires: Requires

    def broken(self, network: NetworkOptions, training: Training) -> bool:
        """Return whether the option is set and its requirement is not met."""
        value, values = self.value(network, training), self.requires.values
        # False is the absence of a part, which every network can do without.
        is_set = value not in (self.default, None) and value is not False
        return is_set and (not values or value in values) and not self.requires.met(network, training)

    def value(self, network: NetworkOptions, training: Training) -> object:
        """Return the value of the option."""
        return getattr(network if self.section is NetworkOptions else training, self.option)


def rules() -> Iterator[Rule]:
    """Yield the requirements of every option of the network and of its training."""
    for section in (NetworkOptions, Training):
        for field in dataclasses.fields(section):
            for requires in declared(field.type, Requires):
                yield Rule(section, field.name, field.default, requires)


def check(network: NetworkOptions, training: Training) -> None:
    """Raise RequestError if an option is set whose requirements the others do not meet."""
    for rule in rules():
        if rule.broken(network, training):
            value = rule.value(network, training)
            flag = f"--{rule.option.replace('_', '-')}" + ("" if isinstance(value, bool) else f" {value}")
            raise RequestError(f"{flag} requires {rule.requires.requirement}")
