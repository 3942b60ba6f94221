"""A setting that says nothing would be believed to say something; in a dbt project it is somebody else's."""

from __future__ import annotations

import pytest

from tailrace.build.settings.model import settings_of
from tailrace.errors import Location
from tailrace.project.spec import ModelFile

MODEL = ModelFile("m", "models/m.sql", "main", "SELECT 1")
BATCH = {"incremental_strategy": "microbatch", "event_time": "at", "batch_size": "day", "begin": "2026-01-01"}


def told(lenient=False, **config):
    problems = []
    settings_of(MODEL, config, lambda _: Location("models/m.sql"), problems, lenient=lenient)
    return [problem.message for problem in problems]


@pytest.mark.parametrize(
    ("config", "key"),
    [
        ({"incremental_strategy": "append", "unique_key": "id"}, "unique_key says nothing under append"),
        (
            {"incremental_strategy": "append", "incremental_predicates": ["a"]},
            "incremental_predicates says nothing under append",
        ),
        ({"merge_exclude_columns": ["a"]}, "merge_exclude_columns says nothing under append"),
        (
            {"unique_key": "id", "merge_update_columns": ["a"]},
            "merge_update_columns says nothing under delete+insert",
        ),
        ({**BATCH, "on_schema_change": "fail"}, "on_schema_change says nothing under microbatch"),
        ({**BATCH, "unique_key": "id"}, "unique_key says nothing under microbatch"),
        ({**BATCH, "incremental_predicates": ["a"]}, "incremental_predicates says nothing under microbatch"),
    ],
)
def test_it_is_refused(config, key):
    assert told(materialized="incremental", **config) == [key]
    assert told(lenient=True, materialized="incremental", **config) == []


@pytest.mark.parametrize(
    "config",
    [
        {},
        BATCH,
        {"unique_key": "id", "incremental_predicates": ["a"], "on_schema_change": "fail"},
        {
            "incremental_strategy": "merge",
            "unique_key": "id",
            "merge_update_columns": ["a"],
            "incremental_predicates": ["a"],
        },
    ],
)
def test_what_says_something_is_taken(config):
    assert told(materialized="incremental", **config) == []
