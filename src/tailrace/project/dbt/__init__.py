"""dbt's files and words: dbt_project.yml, packages, and the YAML beside models, seeds, snapshots and tests."""
