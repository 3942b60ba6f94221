"""Jobs through Google's own client: repeated requests run once, what writes is never started anew, a bill knows who asked."""

from __future__ import annotations

import re

import pytest
from tests.unit.warehouse.bigquery.google import google, job, refusal, rows

from tailrace.errors import WarehouseError
from tailrace.events import StepFinished, StepStarted, emit
from tailrace.warehouse.bigquery import asking
from tailrace.warehouse.bigquery.connection import connect
from tailrace.warehouse.bigquery.earlier import settle_earlier
from tailrace.warehouse.bigquery.jobs import Jobs

SETTINGS = {"project": "acme", "location": "EU", "owner": "acme/prod", "run": "20261122T010000-ab12"}


@pytest.fixture
def server(monkeypatch):
    monkeypatch.delenv("BIGQUERY_EMULATOR_HOST", raising=False)
    with google() as found:
        yield found


@pytest.fixture
def opened(server):
    made = []

    def make(**more):
        settings = {**SETTINGS, "base_url": server.address, **more}
        made.append(Jobs(connect(settings), settings))
        made[-1].runs_twice = False  # this server stands for Google's, though it is at an emulator's address
        return made[-1]

    yield make
    for one in made:
        one.close()


def served(server, *inserts):
    """Inserts are answered in turn by what is given, results by one row; returns the documents of inserted jobs."""
    left, made = list(inserts), {}

    def answer(request):
        if request.method == "POST" and request.path.endswith("/jobs"):
            given = left.pop(0) if left else {}
            if isinstance(given, tuple):
                return given
            name = request.body["jobReference"]["jobId"]
            if name in made:
                return 409, refusal(409, "duplicate", f"Already Exists: Job acme:EU.{name}")
            made[name] = job(request, **{key: value for key, value in given.items() if key != "lost"})
            return (503, refusal(503, "backendError", "Error")) if given.get("lost") else (200, made[name])
        name = request.path.rpartition("/")[2]
        found = made.get(name)
        if found is None:
            return 404, refusal(404, "notFound", f"Not found: Job {name}")
        wrong = found["status"].get("errorResult")
        if "/queries/" in request.path and wrong:
            return 400, refusal(400, wrong["reason"], wrong["message"])
        if "/queries/" in request.path:
            return 200, rows(7, reference=found["jobReference"])
        return 200, found

    server.answer = answer
    return made


def test_a_query_is_one_job_with_its_id_and_its_labels(server, opened):
    made = served(server)
    jobs = opened(labels={"team": "growth"}, max_bytes_billed=5000, job_timeout=90.0, priority="batch")
    emit(StepStarted("build", "scores"))
    assert jobs.rows("SELECT 7 AS n") == [(7,)]
    emit(StepFinished("build", "scores", "ok", 0, 0, 0.0))
    (name,) = made
    assert re.fullmatch(r"tailrace_[0-9a-f]{12}_20261122T010000-ab12-[0-9a-f]{6}-1-[0-9a-f]{12}", name)
    configuration = made[name]["configuration"]
    expected = {"team": "growth", "tailrace": "run", "run": "20261122t010000-ab12", "step": "build"}
    assert configuration["labels"] == expected
    assert configuration["jobTimeoutMs"] == "90000"
    assert (configuration["query"]["maximumBytesBilled"], configuration["query"]["priority"]) == (
        "5000",
        "BATCH",
    )
    assert jobs.tally.statements == {"SELECT": 1} and jobs.tally.bytes_billed == 10485760


def test_what_a_target_does_not_say_is_not_sent(server, opened):
    made = served(server)
    assert opened().rows("SELECT 7 AS n") == [(7,)]
    (name,) = made
    sent = made[name]["configuration"]
    assert "maximumBytesBilled" not in sent["query"] and "jobTimeoutMs" not in sent
    assert "None" not in str(sent)


@pytest.mark.parametrize(
    "sql", ["SELECT 7 AS n", "DELETE FROM d.t WHERE TRUE", "BEGIN TRANSACTION; COMMIT TRANSACTION;"]
)
def test_an_insert_whose_answer_was_lost_finds_its_job(server, opened, sql):
    made = served(server, {"lost": True})
    jobs = opened()
    jobs.execute(sql)
    assert len(made) == 1
    inserts = server.asked("POST", "/jobs")
    assert len(inserts) == 2 and inserts[0].body["jobReference"] == inserts[1].body["jobReference"]


def test_what_writes_is_sent_once_where_a_job_would_run_twice(server, opened):
    made = served(server, {"lost": True})
    jobs = opened()
    jobs.runs_twice = True
    with pytest.raises(WarehouseError):
        jobs.execute("INSERT INTO d.t SELECT 1")
    assert len(server.asked("POST", "/jobs")) == 1 == len(made)


def test_what_reads_is_repeated_wherever(server, opened):
    served(server, {"lost": True})
    jobs = opened()
    jobs.runs_twice = True
    assert jobs.rows("SELECT 7 AS n") == [(7,)]
    assert len(server.asked("POST", "/jobs")) == 2


def test_an_address_of_this_machine_is_an_emulators(server):
    settings = {**SETTINGS, "base_url": server.address}
    jobs = Jobs(connect(settings), settings)
    assert jobs.runs_twice
    jobs.close()


def test_changed_rows_are_none_where_google_does_not_say(server, opened):
    served(server)
    jobs = opened()
    assert jobs.execute("DELETE FROM d.t WHERE TRUE") == 3
    answer = server.answer

    def of_a_script(request):
        status, document = answer(request)
        found = document.get("statistics", {}).get("query", {})
        found.pop("numDmlAffectedRows", None)
        return status, document

    server.answer = of_a_script
    assert jobs.execute("BEGIN TRANSACTION; DELETE FROM d.t WHERE TRUE; COMMIT TRANSACTION;") is None


def test_a_job_is_awaited_by_its_id(server, opened):
    waits = []
    jobs = listing(server, opened, "one", ends_after=4)
    jobs.await_end("one", sleep=waits.append)
    assert len(waits) == 2  # the look that finds it, and one that finds it done


def test_a_job_that_goes_on_is_told_by_its_id(server, opened):
    jobs = listing(server, opened, "one", ends_after=10**6)
    with pytest.raises(WarehouseError, match="one has not ended") as caught:
        jobs.await_end("one", sleep=lambda _seconds: None, patience=1.0)
    assert "bq cancel acme:EU.one" in caught.value.fix


def test_a_job_that_never_was_is_over_but_not_one_whose_request_may_arrive(server, opened, monkeypatch):
    monkeypatch.setattr(asking, "PATIENCE", 0.1)
    served(server, *[(503, refusal(503, "backendError", "Error"))] * 99)
    jobs = opened()
    jobs.await_end("never")
    with pytest.raises(WarehouseError):
        jobs.name_next("lost")
        jobs.execute("DELETE FROM d.t WHERE TRUE")
    with pytest.raises(WarehouseError, match="not known whether job lost was begun"):
        jobs.await_end("lost")


def test_a_job_that_was_refused_is_over(server, opened):
    served(server, (400, refusal(400, "invalidQuery", "Syntax error")))
    jobs = opened()
    with pytest.raises(WarehouseError):
        jobs.name_next("refused")
        jobs.execute("DELETE")
    jobs.await_end("refused")


def test_the_same_statement_twice_is_two_jobs_also_in_another_session_of_the_run(server, opened):
    made = served(server)
    first, second = opened(), opened()
    for jobs in (first, first, second):
        jobs.execute("DELETE FROM d.t WHERE TRUE")
    assert len(made) == 3


TROUBLE = {
    "errorResult": {
        "reason": "backendError",
        "message": "Error encountered during execution. Retrying may solve the problem.",
    }
}


def test_a_query_that_trouble_ended_is_started_anew(server, opened, monkeypatch):
    monkeypatch.setattr(asking, "PATIENCE", 0.1)
    made = served(server, TROUBLE, {})
    assert opened().rows("SELECT 7 AS n") == [(7,)]
    assert len(made) == 2


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO d.t SELECT 1",
        "SELECT 1; DELETE FROM d.t WHERE TRUE",
        "MERGE d.t USING d.u ON FALSE WHEN MATCHED THEN DELETE",
    ],
)
def test_what_writes_is_never_started_anew(server, opened, monkeypatch, sql):
    monkeypatch.setattr(asking, "PATIENCE", 0.1)
    made = served(server, TROUBLE, {})
    with pytest.raises(WarehouseError, match="BigQuery itself is in trouble"):
        opened().execute(sql)
    assert len(made) == 1


def test_retries_are_as_many_as_dbt_says(server, opened, monkeypatch):
    monkeypatch.setattr(asking, "PATIENCE", 0.1)
    made = served(server, TROUBLE, TROUBLE, TROUBLE)
    with pytest.raises(WarehouseError):
        opened(job_retries=0).rows("SELECT 7 AS n")
    assert len(made) == 1


def test_a_dry_run_is_no_job_of_the_bill(server, opened):
    def answer(request):
        assert request.body["configuration"]["dryRun"] is True
        found = job(request)
        found["statistics"] = {
            "query": {
                "totalBytesProcessed": "1234567",
                "schema": {"fields": [{"name": "n", "type": "INTEGER"}]},
            }
        }
        return 200, found

    server.answer = answer
    jobs = opened()
    asked = jobs.dry_run("SELECT n FROM d.t")
    assert (asked.bytes, asked.columns) == (1234567, {"n": "BIGINT"})
    assert jobs.tally.statements == {} and jobs.tally.bytes_billed == 0
    assert server.requests[0].body["configuration"]["labels"]["tailrace"] == "plan"


def listing(server, opened, *names, ends_after=1):
    """A server on which these jobs still run, and end after so many looks."""
    looks = dict.fromkeys(names, 0)
    jobs = opened()

    def document(name, state):
        return {
            "jobReference": {"projectId": "acme", "jobId": name, "location": "EU"},
            "status": {"state": state},
            "configuration": {"query": {"query": "SELECT 1"}, "jobType": "QUERY"},
            "statistics": {},
        }

    def answer(request):
        if request.method == "GET" and request.path.endswith("/jobs"):
            running = names if request.query["stateFilter"] == ["running"] else ()
            return 200, {"jobs": [document(name, "RUNNING") for name in running]}
        name = request.path.removesuffix("/cancel").rpartition("/")[2]
        if request.path.endswith("/cancel"):
            return 200, {"job": document(name, "RUNNING")}
        looks[name] += 1
        return 200, document(name, "DONE" if looks[name] >= ends_after else "RUNNING")

    server.answer = answer
    return jobs


def test_jobs_of_an_earlier_run_are_cancelled_and_awaited(server, opened):
    prefix = opened().badge.prefix
    mine, others = f"{prefix}20261121T230000-ffff-abcdef-1-0", ("tailrace_000000000000_x-1", "bquxjob_1")
    own = f"{prefix}{SETTINGS['run']}-abcdef-1-0"
    waits = []
    jobs = listing(server, opened, mine, own, *others, ends_after=3)
    assert settle_earlier(jobs, sleep=waits.append) == 1
    assert [one.path.split("/")[-2] for one in server.asked("POST", "/cancel")] == [mine]
    assert len(waits) == 2


def test_a_job_that_does_not_end_is_told(server, opened):
    name = f"{opened().badge.prefix}old-1"
    jobs = listing(server, opened, name, ends_after=10**6)
    with pytest.raises(WarehouseError, match=f"bq cancel acme:EU.{name}"):
        settle_earlier(jobs, sleep=lambda _seconds: None, patience=1.0)


def test_nothing_left_costs_two_lists(server, opened):
    assert settle_earlier(listing(server, opened)) == 0
    assert [one.path.rpartition("/")[2] for one in server.requests] == ["jobs", "jobs"]
