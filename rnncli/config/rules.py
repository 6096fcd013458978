"""Check that options fit together, as their fields in `sections.py` require. Nothing is ignored in silence."""

from collections.abc import Iterator
from typing import NamedTuple

from rnncli.config.metadata import Requires, declared
from rnncli.config.sections import NetworkOptions, Section, Training
from rnncli.errors import RequestError


class Rule(NamedTuple):
    """A requirement and the option that has it."""

    section: type[Section]
    option: str
    requires: Requires

    def broken(self, network: NetworkOptions, training: Training) -> bool:
        """Return whether the option is set and its requirement is not met."""
        value, values = self.value(network, training), self.requires.values
        # False is the absence of a part, which every network can do without.
        is_set = value not in (self.section.model_fields[self.option].default, None) and value is not False
        return is_set and (not values or value in values) and not self.requires.met(network, training)

    def value(self, network: NetworkOptions, training: Training) -> object:
        """Return the value of the option."""
        return getattr(network if self.section is NetworkOptions else training, self.option)


def rules() -> Iterator[Rule]:
    """Yield the requirements of every option of the network and of its training."""
    for section in (NetworkOptions, Training):
        for option, field in section.model_fields.items():
            for requires in declared(field, Requires):
                yield Rule(section, option, requires)


def check(network: NetworkOptions, training: Training) -> None:
    """Raise RequestError if an option is set whose requirements the others do not meet."""
    for rule in rules():
        if rule.broken(network, training):
            value = rule.value(network, training)
            flag = f"--{rule.option.replace('_', '-')}" + ("" if isinstance(value, bool) else f" {value}")
            raise RequestError(f"{flag} requires {rule.requires.requirement}")
