"""Datasets through Google's own client: an account with roles/bigquery.jobUser makes none, and needs none made."""

from __future__ import annotations

import pytest
from tests.unit.warehouse.bigquery.google import google, refusal

from tailrace.errors import AuthError
from tailrace.events import Notice, listening
from tailrace.warehouse.bigquery.connection import connect
from tailrace.warehouse.bigquery.jobs import Jobs

DAY = "86400000"
DENIED = (403, refusal(403, "accessDenied", "Access Denied: Project acme: User does not have bigquery.datasets.create permission in project acme."))  # fmt: skip
MISSING = (404, refusal(404, "notFound", "Not found: Dataset acme:crm"))


@pytest.fixture
def server(monkeypatch):
    monkeypatch.delenv("BIGQUERY_EMULATOR_HOST", raising=False)
    with google() as found:
        yield found


@pytest.fixture
def jobs(server):
    settings = {"project": "acme", "location": "EU", "base_url": server.address}
    opened = Jobs(connect(settings), settings)
    yield opened
    opened.close()


def document(schema, **more):
    reference = {"projectId": "acme", "datasetId": schema}
    return 200, {"datasetReference": reference, "location": "EU", "etag": "e1", **more}


def answering(server, **answers):
    """By method; a write is answered by what it says where nothing else is given."""
    server.answer = lambda request: answers.get(request.method) or (200, request.body)


def asked(server):
    return [request.method for request in server.requests]


def test_one_that_stands_is_only_looked_at(server, jobs):
    answering(server, GET=document("crm"), POST=DENIED)
    jobs.ensure_dataset("crm")
    jobs.ensure_dataset("crm")
    assert asked(server) == ["GET"]


def test_one_that_is_missing_is_made_in_the_targets_location(server, jobs):
    answering(server, GET=MISSING)
    jobs.ensure_dataset("crm")
    assert asked(server) == ["GET", "POST"]
    assert server.requests[1].body["location"] == "EU"
    assert "defaultTableExpirationMs" not in server.requests[1].body


@pytest.mark.parametrize("looked", [MISSING, DENIED])
def test_an_account_that_may_make_none_is_told(server, jobs, looked):
    answering(server, GET=looked, POST=DENIED)
    with pytest.raises(AuthError, match="may not make datasets") as caught:
        jobs.ensure_dataset("crm")
    assert "make the datasets for it" in caught.value.fix


def test_staged_tables_of_a_new_dataset_expire(server, jobs):
    answering(server, GET=MISSING)
    jobs.ensure_dataset("tailrace_stage")
    assert server.requests[1].body["defaultTableExpirationMs"] == DAY


@pytest.mark.parametrize(
    ("given", "asks"), [({}, ["GET", "PATCH"]), ({"defaultTableExpirationMs": "7200000"}, ["GET"])]
)
def test_staged_tables_of_a_ready_made_dataset_expire_as_its_owner_said_or_in_a_day(
    server, jobs, given, asks
):
    answering(server, GET=document("tailrace_stage", **given), PATCH=document("tailrace_stage"))
    jobs.ensure_dataset("tailrace_stage")
    assert asked(server) == asks
    assert [one.body["defaultTableExpirationMs"] for one in server.asked("PATCH", "")] == [DAY] * (
        len(asks) - 1
    )


def test_who_may_set_no_expiry_is_told_what_its_owner_runs(server, jobs):
    answering(server, GET=document("tailrace_stage"), PATCH=DENIED)
    heard = []
    with listening(heard.append):
        jobs.ensure_dataset("tailrace_stage")
    (notice,) = [event for event in heard if isinstance(event, Notice)]
    assert "bq update --default_table_expiration 86400 acme:tailrace_stage" in notice.text
