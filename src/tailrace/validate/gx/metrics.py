"""Metrics of Great Expectations that DuckDB computes in its own way; registered when this module is imported.

The package takes the provider of the most derived execution engine, so that other engines keep theirs.
"""

from __future__ import annotations

import math
from typing import Any

import sqlalchemy as sa
from great_expectations.core.metric_domain_types import MetricDomainTypes
from great_expectations.expectations.metrics.column_aggregate_metric_provider import (
    ColumnAggregateMetricProvider,
)
from great_expectations.expectations.metrics.column_aggregate_metrics.column_outlier_statistics import (
    IQR_METHOD,
    OutlierStatistics,
)
from great_expectations.expectations.metrics.metric_provider import metric_value

from tailrace.validate.gx.datasource import DuckDBExecutionEngine
from tailrace.validate.quarantine import IN_ONE_PASS


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


class Outliers(ColumnAggregateMetricProvider):
    """Where outliers begin: the package names the dialects whose quartiles it knows, and this is none of them."""

    metric_name = "column.outlier_statistics"
    value_keys = ("method",)

    @metric_value(engine=DuckDBExecutionEngine)
    def _duckdb(
        cls,  # noqa: N805
        execution_engine: Any,
        metric_domain_kwargs: Any,
        metric_value_kwargs: Any,
        **_kwargs: Any,
    ) -> OutlierStatistics:
        rows, _, named = execution_engine.get_compute_domain(metric_domain_kwargs, MetricDomainTypes.COLUMN)
        value = sa.cast(sa.column(named["column"]), sa.Float)
        if metric_value_kwargs["method"] == IQR_METHOD:
            wanted = [sa.func.quantile_cont(value, sa.literal_column(share)) for share in ("0.25", "0.75")]
        else:
            wanted = [sa.func.avg(value), sa.func.stddev_samp(value)]
        found = execution_engine.execute_query(sa.select(*wanted).select_from(rows)).fetchone()
        first, second = (float(item) if item is not None else math.nan for item in found)
        if not (math.isfinite(first) and math.isfinite(second)):
            return OutlierStatistics(None, None, None)
        if metric_value_kwargs["method"] == IQR_METHOD:
            return OutlierStatistics(first, second, second - first)
        return OutlierStatistics.symmetric(first, second)
