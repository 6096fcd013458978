"""Wording shared by messages. Imports nothing of rnncli."""

from collections.abc import Sequence
from difflib import get_close_matches


def listed(names: Sequence[str]) -> str:
    """Return `: a, b, c and 4 more`, or an empty text for no names."""
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f": {', '.join(names[:3])}{more}" if names else ""


def alternatives(words: Sequence[str]) -> str:
    """Return `a, b or c`."""
    return " or ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def counted(number: int, thing: str) -> str:
    """Return `1 row`, `2 rows`."""
    return f"{number} {thing}{'' if number == 1 else 's'}"


def source_name(source: str) -> str:
    """Return what messages call a file or a pipe. A name is empty if a shell variable was not set."""
    return {"-": "standard input", "": '""'}.get(source, source)


def did_you_mean(word: str, known: Sequence[str]) -> str:
    """Return ` Did you mean "hidden"?`, or an empty text if no known word is close."""
    lowered = {name.lower(): name for name in reversed(known)}
    close = get_close_matches(word.lower(), lowered, n=1)
    return f' Did you mean "{lowered[close[0]]}"?' if close else ""
