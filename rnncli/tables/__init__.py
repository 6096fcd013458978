"""Files to DataFrames and back: CSV, TSV, Parquet, JSON, Arrow, "-". Knows nothing of time or series."""
