"""BigQuery as the warehouse: statements run where their tables live, and what is small and ours lives on this machine as well."""
