"""DuckDB's SQL in BigQuery's words: each construct has a rule that keeps its meaning, or is refused at its place."""
