"""Round after round in one scratch: what is built, what is shown of it, and that nothing is written."""

from __future__ import annotations

import pytest
from tests.unit.plan.field import Field

from tailrace.plan.resolve import choose
from tailrace.runner.rebuild import Workbench

UNIT_TEST = """
unit_tests:
  - name: doubles
    model: scores
    given: [{input: ref('stg_contacts'), rows: [{id: 1, email: a, visits: 2, day: null}]}]
    expect: {rows: [{id: 1, score: 4}]}
"""


@pytest.fixture
def field(tmp_path):
    found = Field(tmp_path / "acme")
    found.publish()
    return found


@pytest.fixture
def bench():
    with Workbench() as found:
        yield found


def a_round(field, bench, *select, saved=()):
    resolved = field.resolved()
    return bench.rebuild(resolved, choose(resolved, select).models, saved)


def test_only_what_changed_is_built_and_compared_with_the_round_before(field, bench):
    before = field.digest()
    assert a_round(field, bench).models == []
    original = (field.root / "models/marts/scores.sql").read_text()
    field.edit("models/marts/scores.sql", "visits * 2", "visits * 3")
    found = {one.step.name: one for one in a_round(field, bench).models}
    assert sorted(found) == ["best", "scores", "top"]
    scores = found["scores"].document()
    assert (scores["rows"], scores["change"], scores["diff"]["changed"]) == (10, "breaking", 10)
    assert scores["first"][0] == {"id": 1, "email": "***", "score": 3, "hot": False}
    assert a_round(field, bench).models == []
    field.edit("models/marts/scores.sql", "visits * 3", "visits * 4")
    again = {one.step.name: one for one in a_round(field, bench).models}
    assert again["scores"].diff.examples[0] == {"key": 1, "operation": "changed", "fields": {"score": [3, 4]}}
    field.write("models/marts/scores.sql", original)
    back = {one.step.name: one for one in a_round(field, bench).models}
    assert back["scores"].diff.examples[0]["fields"] == {"score": [4, 2]}
    assert field.digest() == before


def test_a_view_is_compared_too(field, bench):
    field.edit("models/staging/stg_contacts.sql", "visits,", "visits + 1 AS visits,")
    found = {one.step.name: one for one in a_round(field, bench, "stg_contacts", "scores").models}
    assert found["stg_contacts"].diff.columns[2].after["max"] == 11
    assert found["scores"].diff.changed == 10
    field.edit("models/staging/stg_contacts.sql", "visits + 1", "visits + 2")
    found = {one.step.name: one for one in a_round(field, bench, "stg_contacts").models}
    assert [column.after["max"] for column in found["stg_contacts"].diff.columns][2] == 12
    assert [column.before["max"] for column in found["stg_contacts"].diff.columns][2] == 11


def test_a_model_that_fails_is_told_and_mended(field, bench):
    field.edit("models/marts/scores.sql", "visits * 2", "visit * 2")
    found = a_round(field, bench)
    assert found.status == "failed"
    assert {one.step.name: one.step.status for one in found.models} == {"scores": "failed"}
    field.edit("models/marts/scores.sql", "visit * 2", "visits * 2 + 0")
    found = a_round(field, bench)
    assert (found.status, found.models[0].diff.changed) == ("ok", 0)


def test_a_new_model_and_a_deleted_one(field, bench):
    field.write("models/marts/more.sql", "SELECT id FROM {{ ref('scores') }}")
    found = a_round(field, bench).models
    assert [(one.step.name, one.rows, one.diff) for one in found] == [("more", 10, None)]
    field.remove("models/marts/more.sql")
    assert a_round(field, bench).models == []


def test_unit_tests_of_what_was_built_or_saved(field, bench):
    field.write("models/marts/tests.yml", UNIT_TEST)
    assert a_round(field, bench).tests == []
    assert [test.status for test in a_round(field, bench, saved=["models/marts/tests.yml"]).tests] == ["pass"]
    field.edit("models/marts/scores.sql", "visits * 2", "visits * 3")
    found = a_round(field, bench)
    assert ([test.status for test in found.tests], found.status) == (["fail"], "failed")


def test_a_publication_in_between_begins_anew(field, bench):
    field.edit("models/marts/scores.sql", "visits * 2", "visits * 3")
    a_round(field, bench, "scores")
    other = field.path.with_name("other.duckdb")
    other.write_bytes(field.path.read_bytes())
    other.replace(field.path)
    assert [one.diff.changed for one in a_round(field, bench, "scores").models] == [10]


def test_what_is_too_large_is_left(field, bench, monkeypatch):
    monkeypatch.setattr("tailrace.runner.rebuild.room", lambda: 0)
    field.edit("models/marts/scores.sql", "visits * 2", "visits * 3")
    found = a_round(field, bench)
    assert (found.models, len(found.notes)) == ([], 1)
