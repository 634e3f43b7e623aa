"""Sealed days: Parquet files below ``archive/`` in the data directory, and the manifest that says which ones count."""
