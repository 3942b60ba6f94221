"""Run state: runs, locks, rate budgets, the journal of a sync. Never in the warehouse.

`opening.py` chooses the engine: SQLite on this machine, or a Postgres that several machines share.
"""
