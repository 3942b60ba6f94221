"""Published files of a size, for what a page may weigh: written by a few INSERT ... SELECT."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

from tests.unit.report.made import DAY, NOW, START, Past, lay_out

SUITE = """suite: suite_{number}
model: model_{number}
expectations:
  - type: expect_column_values_to_not_be_null
    kwargs: {{column: score}}
"""
COLUMNS = 13


def lay_out_suites(root: Path, suites: int, *, checks: int, runs: int, failing: int) -> Path:
    """`suites` models and suites of `checks` each, judged in `runs` runs; the first `failing` checks of each fail in the last 20 days."""
    files: dict[str, str | None] = {
        "expectations/lead_scores.yml": None,
        "reverse/hubspot_lead_scores.yml": None,
    }
    for number in range(suites):
        files[f"expectations/suite_{number}.yml"] = SUITE.format(number=number)
        files[f"models/marts/model_{number}.sql"] = "SELECT 1 AS score\n"
    past = Past(lay_out(root, files))
    for number in range(runs):
        past.run(f"r{number}", at=START - (runs - 1 - number) * DAY)
    _judge(past, suites, checks, runs, failing)
    _sample(past, suites, failing)
    past.close()
    return root


def _judge(past: Past, suites: int, checks: int, runs: int, failing: int) -> None:
    """The words are as long as those of the reference project."""
    query = "SELECT * FROM tailrace_stage.hubspot_lead_scores WHERE NOT (score IS NULL OR score BETWEEN 0 AND 100)"
    past.warehouse.execute(
        f"""INSERT INTO tailrace_meta.validations (run_id, suite, model, expectation, "column", severity, success, observed,
  unexpected_count, decision, reason, "rows", position, "at", description, owner, kwargs, query)
SELECT 'r' || run, 'suite_' || suite, 'model_' || suite, 'expect_column_values_to_be_between', 'column_' || position, 'critical',
  NOT bad, NULL, CASE WHEN bad THEN 10 + position + run ELSE 0 END, CASE WHEN bad THEN 'quarantine' ELSE 'pass' END,
  CASE WHEN bad THEN 'column_' || position || ' is not between 0 and 100: ' || (10 + position + run) || ' rows' END, 48210 + run, position,
  TIMESTAMP '{START}' - INTERVAL 1 DAY * ({runs - 1} - run), 'values of column_' || position || ' are between 0 and 100', 'Marketing operations',
  '{{"column": "column_' || position || '"}}', CASE WHEN bad THEN '{query}' END
FROM (SELECT *, position < {failing} AND run > {runs} - 20 AS bad FROM range({runs}) AS r(run), range({suites}) AS s(suite), range({checks}) AS c(position))"""
    )
    past.warehouse.execute(
        f"INSERT INTO tailrace_meta.verdicts (suite, decision, reasons, quarantined, run_id) SELECT 'suite_' || range, 'pass', '[]', {failing}, 'r{runs - 1}' FROM range({suites})"
    )


def _sample(past: Past, suites: int, failing: int) -> None:
    row = json.dumps(
        {"contact_id": "123456", **{f"column_{number}": "PAID_SEARCH" for number in range(COLUMNS)}}
    )
    past.warehouse.execute(
        'INSERT INTO tailrace_meta.validation_samples (run_id, suite, position, number, "row")'
        f" SELECT '{past.runs[-1]}', 'suite_' || s.range, p.range, n.range, ? FROM range({suites}) AS s, range({failing}) AS p, range(10) AS n",
        [row],
    )


MADE = NOW + timedelta(minutes=1)
