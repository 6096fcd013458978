"""Files to Arrow tables and back, in the formats of one table. Knows nothing of time or series."""
