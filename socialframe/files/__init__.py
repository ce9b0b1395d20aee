"""Writes rows to Parquet, CSV and JSON Lines files, and reads Parquet."""
