"""dbt-shaped artifacts: manifest.json (v12) and run_results.json (v6), for the tools that read them. Imported only where they were asked for."""
