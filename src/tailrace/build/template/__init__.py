"""Templates: Jinja in dbt's language, sandboxed; what they may call and what they may ask of a warehouse."""
