"""Tables at URLs: s3://, gs:// and whatever else Arrow's file systems reach."""

from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
from pyarrow import fs

from rnncli.errors import RequestError
from rnncli.files.paths import restore_url


class Location(NamedTuple):
    """A path in a file system."""

    system: fs.FileSystem
    path: str

    def is_folder(self) -> bool:
        """Return whether it is a folder. Raises FileNotFoundError if there is nothing."""
        info = self.system.get_file_info(self.path)
        if info.type == fs.FileType.NotFound:
            raise FileNotFoundError(self.path)
        return bool(info.type == fs.FileType.Directory)


def local(path: Path) -> Location:
    """Return the location of a local path."""
    return Location(fs.LocalFileSystem(), str(path.resolve()))


def locate(source: str) -> Location:
    """Return the location of a URL. Raises RequestError if no file system reaches it."""
    url = restore_url(source)
    try:
        return Location(*fs.FileSystem.from_uri(url))
    except (pa.ArrowException, OSError) as error:
        reason = " ".join(str(error).split())
        raise RequestError(f"{url}: cannot be reached ({reason}). Use s3://, gs://, hdfs:// or a local path") from error
