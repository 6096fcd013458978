"""Files to DataFrames and back, in the formats of one table. Knows nothing of time or series."""
