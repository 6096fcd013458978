"""Memory that Arrow's allocator keeps after a table is read."""

import pyarrow as pa


def give_back() -> None:
    """Return free memory to the system. Without it, 24 million rows read in parts with --memory peak 10 % higher."""
    pa.default_memory_pool().release_unused()
