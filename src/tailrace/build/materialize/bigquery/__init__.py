"""Models in BigQuery: what a table is swapped by, how it is kept, and what the catalogue tells of it for nothing."""
