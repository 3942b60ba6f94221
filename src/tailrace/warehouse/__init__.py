"""The warehouse behind one interface: DuckDB now, BigQuery next to it."""
