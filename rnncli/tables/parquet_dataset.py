"""Folders of Parquet files to Arrow tables."""

from collections.abc import Iterator
from pathlib import PurePosixPath

import pyarrow as pa
from pyarrow import fs

from rnncli.errors import DataError
from rnncli.tables.filesystems import Location

PART_ROWS = 1_000_000  # of a part, approximately; more if a single file has more


def read_parts(folder: Location) -> Iterator[pa.Table]:
    """Yield the rows of a folder, a few files at a time, with the columns named by hive-style subfolders (year=2024).

    Raises DataError if there is no Parquet file, or if their columns differ.
    """
    import pyarrow.dataset as dataset

    system, path = folder
    entries = system.get_file_info(fs.FileSelector(path, recursive=True))
    files = sorted(entry.path for entry in entries if entry.is_file and _is_table(entry.path))
    if not files:
        raise DataError("the folder holds no .parquet file. Check the path")
    table = dataset.dataset(
        files,
        filesystem=system,
        format="parquet",
        partitioning=dataset.partitioning(flavor="hive"),
        partition_base_dir=path,
    )
    pending: list[pa.Table] = []
    for fragment in table.get_fragments():
        names = {*fragment.physical_schema.names, *dataset.get_partition_keys(fragment.partition_expression)}
        if different := names ^ set(table.schema.names):
            raise DataError(f'{fragment.path}: column "{different.pop()}" is not in every file of the folder')
        pending.append(fragment.to_table(schema=table.schema))
        if sum(part.num_rows for part in pending) >= PART_ROWS:
            yield pa.concat_tables(pending)
            pending = []
    if pending:
        yield pa.concat_tables(pending)


def _is_table(path: str) -> bool:
    """Return whether a file belongs to the table: Parquet by its suffix, and not hidden."""
    name = PurePosixPath(path).name
    return name.endswith(".parquet") and not name.startswith((".", "_"))
