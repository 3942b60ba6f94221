"""The tables of the state in Postgres, in the words of sqlite.py; `rowid` stands for SQLite's own."""

from __future__ import annotations

TABLES = """
CREATE TABLE format (version BIGINT NOT NULL);
CREATE TABLE runs (run_id TEXT PRIMARY KEY, command TEXT NOT NULL, target TEXT NOT NULL, started_at TEXT NOT NULL,
  finished_at TEXT, status TEXT NOT NULL, error TEXT, pid BIGINT NOT NULL, rowid BIGINT GENERATED ALWAYS AS IDENTITY);
CREATE TABLE steps (run_id TEXT NOT NULL, position BIGINT NOT NULL, step TEXT NOT NULL, name TEXT NOT NULL,
  status TEXT NOT NULL, rows_in BIGINT NOT NULL, rows_out BIGINT NOT NULL, seconds DOUBLE PRECISION NOT NULL, error TEXT,
  detail TEXT, PRIMARY KEY (run_id, position));
CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE buckets (bucket TEXT PRIMARY KEY, requests BIGINT NOT NULL, "window" DOUBLE PRECISION NOT NULL,
  blocked_until DOUBLE PRECISION NOT NULL, blocked_at DOUBLE PRECISION NOT NULL DEFAULT 0);
CREATE TABLE grants (rowid BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, bucket TEXT NOT NULL, at DOUBLE PRECISION NOT NULL,
  done DOUBLE PRECISION);
CREATE INDEX grants_at ON grants (bucket, at);
CREATE TABLE quotas (connection TEXT NOT NULL, name TEXT NOT NULL, amount DOUBLE PRECISION NOT NULL,
  remaining DOUBLE PRECISION NOT NULL, unit TEXT NOT NULL, resets_at TEXT, told_at TEXT NOT NULL, PRIMARY KEY (connection, name));
CREATE TABLE approvals (changeset TEXT PRIMARY KEY, sync TEXT NOT NULL, asked_at TEXT NOT NULL, summary TEXT NOT NULL, approved_at TEXT);
CREATE TABLE deliveries (delivery TEXT PRIMARY KEY, sync TEXT NOT NULL, account TEXT NOT NULL, object TEXT NOT NULL, run_id TEXT NOT NULL,
  stage TEXT NOT NULL, rows BIGINT NOT NULL, created_at TEXT NOT NULL, meta TEXT NOT NULL, stopped TEXT);
CREATE TABLE batches (delivery TEXT NOT NULL, seq BIGINT NOT NULL, first BIGINT NOT NULL, n BIGINT NOT NULL,
  state BIGINT NOT NULL, sent_at TEXT NOT NULL, outcome TEXT, PRIMARY KEY (delivery, seq));
CREATE TABLE leases (name TEXT PRIMARY KEY, token BIGINT NOT NULL, host TEXT, pid BIGINT, run_id TEXT,
  expires_at TIMESTAMPTZ NOT NULL);
"""
STEPS = {3: TABLES}
"""What each format added; the first that a Postgres ever held is 3."""
