"""Folders of Parquet files, and tables that lie elsewhere: s3://, gs:// and what else Arrow's file systems reach."""

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

import pyarrow as pa
from pyarrow import fs

from rnncli.errors import DataError, RequestError
from rnncli.files.atomic import address

ROWS = 1_000_000  # of a part, about, unless a file has more


def located(source: str) -> tuple[Any, str]:
    """The file system that a URL is of, and the path in it. Raises RequestError where there is none."""
    url = address(source)
    try:
        return fs.FileSystem.from_uri(url)
    except (pa.ArrowException, OSError) as error:
        reason = " ".join(str(error).split())
        raise RequestError(
            f"{url}: no such place can be reached ({reason}). Known are s3://, gs://, hdfs://"
        ) from error


def is_folder(system: Any, path: str) -> bool:
    """Whether it is a folder. Raises FileNotFoundError where there is nothing."""
    info = system.get_file_info(path)
    if info.type == fs.FileType.NotFound:
        raise FileNotFoundError(path)
    return bool(info.type == fs.FileType.Directory)


def parts(system: Any, folder: str) -> Iterator[pa.Table]:
    """The rows of a folder of Parquet files, some files at a time, with the columns that hive-like folders tell.

    Raises DataError where there are none, or their columns differ.
    """
    import pyarrow.dataset as dataset

    selector = fs.FileSelector(folder, recursive=True)
    files = [one for one in system.get_file_info(selector) if one.is_file and _is_table(one.path)]
    if not files:
        raise DataError("the folder holds no .parquet file")
    table = dataset.dataset(
        sorted(one.path for one in files),
        filesystem=system,
        format="parquet",
        partitioning=dataset.partitioning(flavor="hive"),
        partition_base_dir=folder,
    )
    waiting: list[pa.Table] = []
    for part in table.get_fragments():
        names = {*part.physical_schema.names, *dataset.get_partition_keys(part.partition_expression)}
        if odd := names ^ set(table.schema.names):
            raise DataError(f'{part.path}: "{odd.pop()}" is a column of some files of the folder, not of all')
        waiting.append(part.to_table(schema=table.schema))
        if sum(one.num_rows for one in waiting) >= ROWS:
            yield pa.concat_tables(waiting)
            waiting = []
    if waiting:
        yield pa.concat_tables(waiting)


def _is_table(path: str) -> bool:
    """Whether a file is one of the table's: not hidden, and named as Parquet."""
    name = PurePosixPath(path).name
    return name.endswith(".parquet") and not name.startswith((".", "_"))
