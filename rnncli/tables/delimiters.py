"""Delimiters of text tables."""

DELIMITERS = ",;\t|"


def find_delimiter(header: str) -> str:
    """Return the delimiter that occurs most often in a header; the comma if none does."""
    return max(DELIMITERS, key=header.count)
