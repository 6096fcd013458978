"""Words that messages are made of. Imports nothing of rnncli."""

from collections.abc import Sequence
from difflib import get_close_matches


def listed(names: Sequence[str]) -> str:
    """`: a, b, c and 4 more`, or nothing where there are none."""
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f": {', '.join(names[:3])}{more}" if names else ""


def counted(number: int, thing: str) -> str:
    """`1 row`, `2 rows`."""
    return f"{number} {thing}{'' if number == 1 else 's'}"


def source_words(source: str) -> str:
    """What messages call a file, or a pipe. (A name is empty where a shell's variable was not set.)"""
    return {"-": "standard input", "": '""'}.get(source, source)


def did_you_mean(word: str, known: Sequence[str]) -> str:
    """` Did you mean "hidden"?`, or nothing where no known word is close."""
    lowered = {name.lower(): name for name in reversed(known)}
    close = get_close_matches(word.lower(), lowered, n=1)
    return f' Did you mean "{lowered[close[0]]}"?' if close else ""
