"""Suites, validation definitions and metrics of Great Expectations, over a data source that is open already.

Nothing is written to a disk, nothing goes to a network: the context lives in memory and the rows stay where they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tailrace.validate.gx import lean
from tailrace.validate.question import Answer, Question

# without samples of failing values: half of the time of passing checks went into them, and values are personal
_RESULT_FORMAT = {"result_format": "BASIC", "partial_unexpected_count": 0}
_UNIQUE = "expect_column_values_to_be_unique"
_ALL_DISTINCT = "expect_column_proportion_of_unique_values_to_be_between"
_MAX_MESSAGE = 300


class GreatExpectations:
    """An Examiner. Keep it for one suite: the relations are read once and remembered."""

    def __init__(self, source: Any) -> None:
        """`source` is an opened SQL data source of the package with `said(message)`: an error of its driver in one line."""
        package = lean.load()
        from great_expectations.data_context.types.base import (
            DataContextConfig,
            InMemoryStoreBackendDefaults,
            ProgressBarsConfig,
        )

        config = DataContextConfig(
            store_backend_defaults=InMemoryStoreBackendDefaults(init_temp_docs_sites=False),
            analytics_enabled=False,
            progress_bars=ProgressBarsConfig(globally=False),
        )
        self._context = package.get_context(mode="ephemeral", project_config=config)
        # results go into the warehouse; the package's own store fails on the quantiles' results, which hold numpy's bool
        self._context.validation_results_store.store_validation_results = _not_stored
        self._source = getattr(self._context.data_sources, f"add_{source.type}")(source)
        self._batches: dict[str, Any] = {}
        self._runs = 0

    def answers(self, questions: list[Question]) -> list[Answer]:
        """As Examiner.answers. What failed together with others is asked again alone, so that each gets its own error."""
        found = {answer.index: answer for answer in self._together([_cheaper(item) for item in questions])}
        for question in questions:
            again = not found[question.index].success and question.type == _UNIQUE
            if found[question.index].raised or again:
                found[question.index] = self._together([question])[0]
        return [found[question.index] for question in questions]

    def _together(self, questions: list[Question]) -> list[Answer]:
        answers: list[Answer] = []
        for relation in dict.fromkeys(question.relation for question in questions):
            group = [question for question in questions if question.relation == relation]
            try:
                answers += self._validate(relation, group)
            except Exception as error:  # noqa: BLE001  # whatever it was, the rows are not proven good
                if len(group) == 1:
                    answers.append(
                        Answer(group[0].index, False, raised=self._said(f"{type(error).__name__}: {error}"))
                    )
                else:
                    for question in group:
                        answers += self._together([question])
        return answers

    def _validate(self, relation: str, questions: list[Question]) -> list[Answer]:
        from great_expectations.core.expectation_suite import ExpectationSuite
        from great_expectations.core.validation_definition import ValidationDefinition

        self._runs += 1
        name = f"{relation}-{self._runs}"
        suite = ExpectationSuite(name=name, expectations=[_expectation(item) for item in questions])
        definition = ValidationDefinition(
            name=name, data=self._batch_definition(relation), suite=self._context.suites.add(suite)
        )
        result = self._context.validation_definitions.add(definition).run(result_format=_RESULT_FORMAT)
        found = {int(item.expectation_config.meta["index"]): item for item in result.results}
        return [self._answer(question, found.get(question.index)) for question in questions]

    def _batch_definition(self, relation: str) -> Any:
        if relation not in self._batches:
            asset = self._source.add_table_asset(relation)
            self._batches[relation] = asset.add_batch_definition_whole_table("rows")
        return self._batches[relation]

    def failing_rows(self, question: Question, columns: Sequence[str] = ()) -> str:
        """As Examiner.failing_rows, from the metric that Great Expectations itself counts with."""
        import sqlalchemy as sa
        from great_expectations.validator.metric_configuration import MetricConfiguration
        from great_expectations.validator.metrics_calculator import MetricsCalculator

        batch = self._batch_definition(question.relation).get_batch()
        engine = batch.data.execution_engine
        expectation = _expectation(question, batch_id=batch.id)
        wanted = f"{expectation.map_metric}.condition"
        needed = expectation.get_validation_dependencies(engine, {"result_format": _RESULT_FORMAT})
        counted = needed.metric_configurations[f"{expectation.map_metric}.unexpected_count"]
        metric = MetricConfiguration(wanted, counted.metric_domain_kwargs, counted.metric_value_kwargs)
        condition, domain, _ = MetricsCalculator(engine).get_metric(metric)
        rows = engine.get_domain_records(domain_kwargs=domain)
        source = rows.subquery() if isinstance(rows, sa.Select) else rows
        wanted_columns: list[Any] = [sa.column(name) for name in columns] or [sa.text("*")]
        query: Any = sa.select(*wanted_columns).select_from(source).where(condition)
        return str(query.compile(engine.engine, compile_kwargs={"literal_binds": True}))

    def _answer(self, question: Question, result: Any) -> Answer:
        if result is None:
            return Answer(question.index, False, raised="Great Expectations gave no result")
        message = _raised(result.exception_info or {})
        found = result.result or {}
        observed = found.get("observed_value")
        if observed is None and (share := found.get("unexpected_percent")) is not None:
            observed = f"{share:.6g}% unexpected"
        return Answer(
            question.index,
            bool(result.success) and message is None,
            None if message is None else self._said(message),
            found.get("unexpected_count"),
            None if observed is None else str(observed)[:_MAX_MESSAGE],
        )

    def _said(self, message: str) -> str:
        """One line, without the traceback that the package puts into its messages."""
        text = message.split("Traceback:", maxsplit=1)[0].strip()
        return str(self._source.said(text))[:_MAX_MESSAGE]


def _not_stored(**_result: Any) -> None:
    """Stands for the package's own store of results."""


def _cheaper(question: Question) -> Question:
    """Uniqueness by counting distinct values: an eighth of the window queries' time, and the same verdict.

    Where it fails, or `mostly` allows duplicates, the expectation itself decides.
    """
    if question.type != _UNIQUE or "mostly" in question.kwargs:
        return question
    kwargs = {**question.kwargs, "min_value": 1.0}
    return Question(question.index, question.relation, _ALL_DISTINCT, kwargs)


def _expectation(question: Question, **more: Any) -> Any:
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

    kwargs = {**question.kwargs, **more}
    return ExpectationConfiguration(
        type=question.type, kwargs=kwargs, meta={"index": question.index}
    ).to_domain_obj()


def _raised(info: dict[str, Any]) -> str | None:
    """The first message of what was raised: the package keeps it flat, or once per metric."""
    if "raised_exception" in info:
        return _message(info) if info["raised_exception"] else None
    for part in info.values():
        if isinstance(part, dict) and part.get("raised_exception"):
            return _message(part)
    return None


def _message(info: dict[str, Any]) -> str:
    return str(info.get("exception_message") or "it raised an error without a message")
