"""Metrics of Great Expectations that DuckDB computes in its own way; registered when this module is imported.

The package takes the provider of the most derived execution engine, so that other engines keep theirs.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from great_expectations.core.metric_domain_types import MetricDomainTypes
from great_expectations.expectations.metrics.column_aggregate_metric_provider import (
    ColumnAggregateMetricProvider,
)
from great_expectations.expectations.metrics.metric_provider import metric_value

from tailrace.validate.gx.datasource import DuckDBExecutionEngine

IN_ONE_PASS = 1_250_000
"""Distinct values whose hash table, of some 50 bytes each, is made at once."""


class DistinctValues(ColumnAggregateMetricProvider):
    """`count(DISTINCT column)`; of many values part by part, each with the values of some hashes.

    Ten million keys take a quarter of the memory then, and less time, as each part's table stays small.
    """

    metric_name = "column.distinct_values.count"

    @metric_value(engine=DuckDBExecutionEngine)
    def _duckdb(cls, execution_engine: Any, metric_domain_kwargs: Any, **_kwargs: Any) -> int:  # noqa: N805
        rows, _, named = execution_engine.get_compute_domain(metric_domain_kwargs, MetricDomainTypes.COLUMN)
        column: Any = sa.column(named["column"])

        def ask(query: Any) -> int:
            return int(execution_engine.execute_query(query).fetchone()[0])

        many = ask(sa.select(sa.func.count()).select_from(rows)) > IN_ONE_PASS
        about = ask(sa.select(sa.func.approx_count_distinct(column)).select_from(rows)) if many else 0
        parts = about // IN_ONE_PASS + 1
        if parts == 1:
            return ask(sa.select(sa.func.count(sa.distinct(column))).select_from(rows))
        counts = [
            sa.select(sa.func.count(sa.distinct(column)))
            .select_from(rows)
            # as parameters they would be signed, and 128 bits wide with the hash: fifty times slower
            .where(sa.func.hash(column) % sa.literal_column(str(parts)) == sa.literal_column(str(part)))
            .scalar_subquery()
            for part in range(parts)
        ]
        return ask(sa.select(sum(counts[1:], start=counts[0])))
