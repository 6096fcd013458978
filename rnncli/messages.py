"""Words that messages are made of. Imports nothing of rnncli."""

from collections.abc import Sequence


def listed(names: Sequence[str]) -> str:
    """`: a, b, c and 4 more`, or nothing where there are none."""
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f": {', '.join(names[:3])}{more}" if names else ""


def counted(number: int, thing: str) -> str:
    """`1 row`, `2 rows`."""
    return f"{number} {thing}{'' if number == 1 else 's'}"
