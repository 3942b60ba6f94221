"""What a plan says of a project's changes, and that it writes nothing, whatever is planned."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.unit.plan.field import NOW, Field

from tailrace.events import Notice, listening
from tailrace.plan.scratch import scratch
from tailrace.state.locks import held
from tailrace.warehouse.duckdb import DuckDBWarehouse

INCREMENTAL = """
{{ config(materialized='incremental', unique_key='id') }}
SELECT id, visits AS score FROM {{ ref('stg_contacts') }}
{% if is_incremental() %} WHERE id > (SELECT max(id) FROM {{ this }}) {% endif %}
"""
SNAPSHOT = """
{% snapshot history %}
{{ config(strategy='check', unique_key='id', check_cols=['visits'], schema='marts') }}
SELECT id, visits FROM {{ ref('stg_contacts') }}
{% endsnapshot %}
"""
BATCHES = """
{{ config(materialized='incremental', incremental_strategy='microbatch', event_time='day', batch_size='day',
          begin='2026-11-01', lookback=0) }}
SELECT day, count(*) AS people, sum(visits) AS visits FROM {{ ref('stg_contacts') }} GROUP BY day
"""
LATE = """
{% set days = run_query('SELECT count(*) FROM ' ~ ref('stg_contacts')) %}
SELECT {{ days.columns[0].values()[0] if execute else 0 }} AS people
"""


@pytest.fixture
def field(tmp_path):
    return Field(tmp_path / "acme")


def plan_of(preview, model):
    return next(one for one in preview.models if one.decision.model == model)


def test_a_project_that_was_never_published_is_planned_as_new(field):
    before = field.digest()
    found = field.plan()
    assert {one.decision.model: one.change.kind for one in found.models} == dict.fromkeys(
        ["stg_contacts", "scores", "top", "best"], "new"
    )
    assert (found.steps, found.syncs, found.status) == ([], {}, "ok")
    assert field.digest() == before


def test_a_project_without_pipelines_is_built_before_anything_is_published(tmp_path):
    field = Field(tmp_path)
    for name in ("pipelines/hubspot.yml", "models/marts/top.sql", "models/marts/best.sql"):
        field.remove(name)
    field.write("seeds/people.csv", "id,email,visits\n1,a@example.com,5\n")
    field.edit("models/staging/stg_contacts.sql", "visits, day FROM {{ source('hubspot', 'contacts') }}",
               "visits FROM {{ ref('people') }}")  # fmt: skip
    found = field.plan()
    assert {step.name: step.status for step in found.steps if step.step == "build"} == {
        "people": "ok", "stg_contacts": "ok", "scores": "ok",
    }  # fmt: skip
    assert found.syncs["scores"]["updated"] == 1
    assert not field.path.exists()


def test_nothing_changed_is_nothing_to_do(field):
    field.publish()
    found = field.plan()
    assert {one.decision.action for one in found.models} == {"skip"}
    assert {one.document()["change"] for one in found.models} == {None}


def test_every_kind_of_change_is_told(field):
    field.publish()
    assert field.changes() == {}
    field.edit("models/marts/scores.sql", "AS hot", "AS hot, 1 AS one")
    assert field.changes() == {"scores": "non-breaking", "top": "indirect", "best": "indirect"}
    field.edit("models/marts/scores.sql", "visits * 2", "visits * 3")
    assert field.changes() == {"scores": "breaking", "top": "indirect", "best": "indirect"}
    field.edit("models/marts/top.sql", "score > 4", "score > 5")
    field.write("models/marts/more.sql", "SELECT 1 AS one")
    assert field.changes() == {"scores": "breaking", "top": "breaking", "best": "indirect", "more": "new"}
    field.publish()
    field.execute("UPDATE hubspot.contacts SET visits = 9 WHERE id = 2")
    assert field.changes() == {"scores": "data", "top": "data", "best": "data"}


def test_words_columns_and_readers(field):
    field.publish()
    field.edit(
        "models/marts/scores.sql", "visits * 2 AS score, visits > 3 AS hot", "visits * 2.5 AS score, 1 AS one"
    )
    found = plan_of(field.plan(), "scores").document()
    assert found["change"] == "breaking"
    assert found["details"] == [
        "column score is computed otherwise", "column hot is gone", "column one is new", "column score has another type",
    ]  # fmt: skip
    assert found["columns"] == {
        "added": ["one INTEGER"],
        "removed": ["hot BOOLEAN"],
        "retyped": ["score BIGINT -> DECIMAL(21,1)"],
    }
    assert found["readers"] == [
        {
            "column": "score",
            "change": "retyped",
            "models": ["best", "top"],
            "fields": ["hubspot.contacts.lead_score"],
            "syncs": ["scores"],
        }
    ]


def test_a_setting_that_changed_breaks(field):
    field.publish()
    field.edit("models/marts/best.sql", "SELECT", "{{ config(materialized='view') }} SELECT")
    found = plan_of(field.plan("best"), "best")
    assert (found.change.kind, found.change.details) == ("breaking", ("it was a table and becomes a view",))


def test_a_unique_key_that_changed_is_told_with_both_values(field):
    field.write("models/marts/grown.sql", INCREMENTAL)
    field.publish()
    field.edit("models/marts/grown.sql", "unique_key='id'", "unique_key=['id', 'score']")
    found = plan_of(field.plan("grown"), "grown")
    assert (found.change.kind, found.change.details) == ("breaking", ("unique_key was id and is id, score",))


def test_the_day_turning_is_no_change_of_the_project(field):
    field.write("models/marts/today.sql", "SELECT current_date AS today, now() AS at")
    field.publish()
    later = NOW.replace(day=22, microsecond=5)
    found = plan_of(field.plan("today", now=later), "today")
    assert (found.decision.why, found.change.kind) == ("the day turned", "data")


def test_what_an_older_release_built_is_unknown(field):
    field.publish()
    field.execute("ALTER TABLE tailrace_meta.models DROP sql", "ALTER TABLE tailrace_meta.models DROP incremental_sql",
                  "UPDATE tailrace_meta.cursors SET data_version = 1, raw_done = 1")  # fmt: skip
    field.edit("models/marts/best.sql", "max", "min")
    assert field.changes("best") == {"best": "unknown"}
    field.publish()
    field.edit("models/marts/best.sql", "min", "max")
    assert field.changes("best") == {"best": "breaking"}


def test_a_star_over_a_changed_upstream_counts(field):
    field.write("models/marts/all.sql", "SELECT * FROM {{ ref('scores') }}")
    field.publish()
    field.edit("models/marts/scores.sql", ", visits > 3 AS hot", "")
    found = plan_of(field.plan(), "all")
    assert found.change.kind == "indirect"
    assert found.change.details == ("column hot is gone",)
    assert found.columns["removed"] == ["hot BOOLEAN"]


@pytest.mark.parametrize("edit", [("visits, day", "day"), ("visits, day", "visits AS visitors, day")])
def test_who_reads_a_column_through_a_star_is_named_when_it_is_gone(field, edit):
    field.write(
        "models/marts/scores.sql",
        "WITH people AS (SELECT * FROM {{ ref('stg_contacts') }}) SELECT id, email, visits * 2 AS score FROM people",
    )
    field.write("models/marts/all.sql", "SELECT * FROM {{ ref('stg_contacts') }}")
    field.publish()
    field.edit("models/staging/stg_contacts.sql", *edit)
    for build in (True, False):
        (found,) = plan_of(field.plan(build=build), "stg_contacts").document()["readers"]
        assert (found["column"], found["change"]) == ("visits", "gone")
        assert (found["models"], found["fields"]) == (["all", "scores"], ["hubspot.contacts.lead_score"])


def test_who_only_filters_by_a_gone_column_reads_it_with_its_fields(field):
    field.edit("models/marts/top.sql", "score > 4", "hot")
    sync = (field.root / "reverse/scores.yml").read_text()
    tops = sync.replace("sync: scores", "sync: tops").replace("model: scores", "model: top")
    tops = tops.replace("match: {email: email}", "match: {email: id}")
    field.write("reverse/tops.yml", tops.replace("lead_score: score", "top_score: score"))
    field.publish()
    field.edit("models/marts/scores.sql", ", visits > 3 AS hot", "")
    (found,) = plan_of(field.plan(build=False), "scores").document()["readers"]
    assert found == {
        "column": "hot",
        "change": "gone",
        "models": ["top"],
        "fields": ["hubspot.contacts.top_score"],
        "syncs": ["tops"],
    }


def test_an_alias_that_changed_is_told_once_as_a_move(field):
    field.publish()
    alias = "{{ config(alias='finest') }} "
    field.edit("models/marts/best.sql", "SELECT", f"{alias}SELECT")
    change = plan_of(field.plan("best"), "best").change
    assert (change.kind, change.rows) == ("breaking", True)
    assert change.details == ("it moves from marts.best to marts.finest",)
    field.publish()
    field.edit("models/marts/best.sql", alias, "")
    change = plan_of(field.plan("best"), "best").change
    assert change.details == ("it moves from marts.finest to marts.best",)


def test_what_changed_far_before_a_model_is_named(field):
    field.publish()
    field.edit("models/staging/stg_contacts.sql", "visits,", "visits + 1 AS visits,")
    found = {one.decision.model: one.change.details for one in field.plan().models if one.change}
    assert (found["scores"], found["top"]) == ((), ("stg_contacts changed",))


def test_a_view_that_stays_passes_on_what_is_built_before_it(field):
    field.write("models/staging/through.sql", "SELECT * FROM {{ ref('scores') }}")
    field.write("models/marts/behind.sql", "SELECT sum(score) AS score FROM {{ ref('through') }}")
    field.publish()
    field.edit("models/marts/scores.sql", "visits * 2", "visits * 3")
    found = field.plan(diff=True)
    assert plan_of(found, "through").decision.action == "skip"
    assert plan_of(found, "behind").diff.examples[1]["fields"] == {"score": [None, 165]}
    field.publish()
    assert field.query("SELECT score FROM marts.behind") == [(165,)]


def test_views_of_other_peoples_making_are_seen_too(field):
    field.publish()
    own = ("CREATE VIEW marts.a AS SELECT 1 AS one", "CREATE VIEW marts.b AS SELECT * FROM marts.a",
           "CREATE OR REPLACE VIEW marts.a AS SELECT 1 AS one")  # fmt: skip
    field.execute(*own, "CREATE VIEW marts.c AS SELECT * FROM warehouse.marts.scores")
    told = []
    with listening(told.append), scratch(field.resolved().project) as warehouse:
        assert warehouse.query("SELECT one FROM marts.b") == [(1,)]
        assert "c" not in warehouse.tables("marts")
    (said,) = [event.text for event in told if isinstance(event, Notice)]
    assert said.startswith("view marts.c cannot be read here")


def test_models_that_keep_their_table_are_planned_on_a_copy_of_it(field):
    field.write("models/marts/grown.sql", INCREMENTAL)
    field.write("models/marts/batched.sql", BATCHES)
    field.write(
        "models/marts/after.sql", "SELECT count(*) AS n FROM {{ ref('grown') }}, {{ ref('batched') }}"
    )
    field.write("models/marts/late.sql", LATE)
    field.write(
        "models/staging/eph.sql",
        "{{ config(materialized='ephemeral') }} SELECT id FROM {{ ref('stg_contacts') }}",
    )
    field.write("models/marts/through.sql", "SELECT count(*) AS n FROM {{ ref('eph') }}")
    field.write("snapshots/history.sql", SNAPSHOT)
    field.edit("models/staging/stg_contacts.sql", "day FROM", "CAST(day AS TIMESTAMP) AS day FROM")
    field.write("models/staging/s.yml", "models:\n  - {name: stg_contacts, config: {event_time: day}}\n")
    field.edit("reverse/scores.yml", "model: scores", "model: grown")
    field.edit("reverse/scores.yml", "mode: update", "mode: upsert")
    field.edit("reverse/scores.yml", "match: {email: email}", "match: {email: id}")
    field.publish()
    field.execute(
        "INSERT INTO hubspot.contacts VALUES (11, 'p11@example.com', 50, TIMESTAMP '2026-11-12')",
        "UPDATE hubspot.contacts SET visits = 9 WHERE id = 2",
    )
    before = field.digest()
    later = NOW + timedelta(hours=1)
    found = field.plan(diff=True, now=later)
    assert [step.error for step in found.steps if step.error] == []
    assert {one.decision.model for one in found.models if one.decision.action == "build"} >= {
        "grown", "batched", "history", "late", "through", "after",
    }  # fmt: skip
    diffs = {one.decision.model: one.diff for one in found.models if one.diff}
    grown, batched, history = diffs["grown"], diffs["batched"], diffs["history"]
    assert (grown.only_after, grown.changed, grown.same) == (1, 0, 10)
    assert (batched.rows_before, batched.rows_after, batched.only_before, batched.only_after) == (
        10,
        11,
        1,
        2,
    )
    assert (history.only_after, history.changed) == (2, 1)
    assert diffs["late"].examples == [
        {"key": None, "operation": "only before", "fields": {"people": [10, None]}},
        {"key": None, "operation": "only after", "fields": {"people": [None, 11]}},
    ]
    assert (diffs["through"].only_after, plan_of(found, "batched").change.kind) == (1, "data")
    assert found.syncs["scores"]["created"] == 11  # nothing was sent yet
    assert field.digest() == before
    field.publish(later)
    assert field.query("SELECT count(*) FROM marts.grown") == [(grown.rows_after,)]
    assert field.query("SELECT count(*) FROM marts.history") == [(history.rows_after,)]
    assert field.query("SELECT count(*) FROM marts.batched") == [(batched.rows_after,)]


def test_a_plan_waits_for_no_run(field):
    field.publish()
    field.edit("models/marts/best.sql", "max", "min")
    folder = field.root / ".tailrace" / "dev"
    folder.mkdir(parents=True, exist_ok=True)
    working = DuckDBWarehouse(folder / "work.duckdb")
    try:
        with held(folder, "run"):
            assert field.changes() == {"best": "breaking"}
    finally:
        working.close()


def test_hooks_are_not_run(field):
    hooked = "{{ config(post_hook='INSERT INTO marts.audit SELECT 1') }} SELECT 1 AS one"
    field.publish()
    field.execute("CREATE TABLE marts.audit (n INTEGER)")
    field.write("models/marts/hooked.sql", hooked)
    found = field.plan("hooked")
    assert [(step.name, step.status) for step in found.steps] == [("hooked", "ok")]


def test_without_building_columns_are_still_exact(field):
    field.publish()
    field.edit("models/marts/scores.sql", "visits * 2 AS score", "visits * 2.5 AS score, 'x' AS x")
    field.edit("models/marts/top.sql", "SELECT id", "SELECT CAST(id AS DOUBLE) AS id")
    built, unbuilt = field.plan(), field.plan(build=False)
    for model in ("scores", "top", "best"):
        one, other = plan_of(built, model), plan_of(unbuilt, model)
        assert (one.columns, one.change) == (other.columns, other.change)
    assert plan_of(unbuilt, "top").columns["retyped"] == [
        "id BIGINT -> DOUBLE",
        "score BIGINT -> DECIMAL(21,1)",
    ]
    assert (unbuilt.syncs, unbuilt.notes) == (
        {},
        ["no model was built (--no-build): decisions and columns only"],
    )


def test_a_model_that_is_wrong_is_told_without_building(field):
    field.publish()
    field.edit("models/marts/top.sql", "score > 4", "scor > 4")
    found = field.plan(build=False)
    assert found.status == "failed"
    assert [step.error for step in found.steps][0].startswith("models/marts/top.sql:1:")


def test_what_is_too_large_is_not_built(field, monkeypatch):
    field.publish()
    field.edit("models/marts/scores.sql", "visits * 2", "visits * 3")
    monkeypatch.setattr("tailrace.plan.preview.room", lambda: 100)
    found = field.plan()
    assert found.steps == []
    assert "decisions and columns only. Plan fewer models" in found.notes[0]
    monkeypatch.setattr("tailrace.plan.preview.room", lambda: 1000 * 16)
    assert field.plan().notes == []
