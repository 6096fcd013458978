"""Files to DataFrames and back: CSV, TSV, Parquet, JSON lines, "-". Knows nothing of time or series."""

from rnncli.tables.delimited import MOST_NOTES
from rnncli.tables.memory import give_back
from rnncli.tables.number_parsing import EMPTY
from rnncli.tables.reading import kind_of, read, read_parts
from rnncli.tables.writing import TYPED, WRITERS, write

__all__ = ["EMPTY", "MOST_NOTES", "TYPED", "WRITERS", "give_back", "kind_of", "read", "read_parts", "write"]
