"""What a model's configuration says, checked and typed: dbt's keys in dbt's words."""
