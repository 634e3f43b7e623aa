"""Import of recorded samples from CSV and Parquet files: what ``kado import`` drives."""
