"""BigQuery's SQL in DuckDB's words: each construct has a rule that keeps its meaning, or is refused at its place."""
