"""Help texts of the options: the strings below their fields in `fields.py`."""

import inspect
import re
from collections.abc import Mapping
from functools import cache

from rnncli.config import fields

TEXT = re.compile(r'^    (\w+): (?:(?!^    \w+:|^\S).)*?^    """(.+?)"""$', re.MULTILINE | re.DOTALL)


@cache
def help_texts() -> Mapping[str, str]:
    """Return the help text of each field; none where the source is not installed.

    A search in the source: parsing it would take 10 ms, a tenth of `rnncli forecast --help`.
    """
    try:
        return dict(TEXT.findall(inspect.getsource(fields)))
    except OSError:  # bytecode alone, as in a frozen application
        return {}
