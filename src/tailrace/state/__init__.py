"""Run state in SQLite: runs, locks, rate budgets, the journal of a sync. Never in the warehouse file."""
