"""What Google refuses, through its own client: each one sentence, what a person does about it, and nobody's data."""

from __future__ import annotations

import pytest
from tests.unit.warehouse.bigquery.google import google, job, refusal

from tailrace.errors import AuthError, WarehouseError
from tailrace.warehouse.base import TableRef
from tailrace.warehouse.bigquery import asking
from tailrace.warehouse.bigquery.connection import connect
from tailrace.warehouse.bigquery.jobs import Jobs

# Bodies as Google answers them, written from memory of its documentation ("Error messages", "Troubleshoot quota and limit errors",
# "Introduction to IAM", "Control costs") and of its services' answers; none was recorded.
REFUSED = {
    "wrong project": (404, "notFound", "Not found: Project acme", AuthError, ("no Google Cloud project acme", "gcloud projects list")),
    "malformed project": (400, "invalid", "Invalid project ID 'ACME'. Project IDs must contain 6-63 lowercase letters, digits, or dashes.", AuthError, ("no Google Cloud project", "gcloud projects list")),
    "API off": (403, "accessNotConfigured", "BigQuery API has not been used in project 123456 before or it is disabled. Enable it by visiting https://console.developers.google.com/apis/api/bigquery.googleapis.com/overview?project=123456 then retry.", AuthError, ("API is off", "gcloud services enable bigquery.googleapis.com --project acme")),
    "no jobs": (403, "accessDenied", "Access Denied: Project acme: User does not have bigquery.jobs.create permission in project acme.", AuthError, ("may not run jobs", "roles/bigquery.jobUser")),
    "no datasets": (403, "accessDenied", "Access Denied: Project acme: User does not have bigquery.datasets.create permission in project acme.", AuthError, ("may not make datasets", "roles/bigquery.user")),
    "no table": (403, "accessDenied", "Access Denied: Table acme:crm.contacts: User does not have permission to query table acme:crm.contacts, or perhaps it does not exist.", AuthError, ("crm.contacts", "tailrace doctor")),
    "dataset elsewhere": (404, "notFound", "Not found: Dataset acme:crm was not found in location EU", WarehouseError, ("elsewhere than EU", "`location`")),
    "two regions": (400, "invalid", "Cannot read and write in different locations: source: US, destination: EU", WarehouseError, ("elsewhere than EU", "`location`")),
    "bytes": (400, "bytesBilledLimitExceeded", "Query exceeded limit for bytes billed: 1000000. 10485760 or higher required.", WarehouseError, ("max_bytes_billed stops", "10485760", "profiles.yml")),
    "quota": (403, "quotaExceeded", "Quota exceeded: Your table exceeded quota for imports or query appends per table. For more information, see https://cloud.google.com/bigquery/docs/troubleshoot-quotas", WarehouseError, ("a quota of acme is spent", "midnight Pacific")),
    "daily quota": (403, "quotaExceeded", "Custom quota exceeded: Your usage exceeded the custom quota for QueryUsagePerDay, which is set by your administrator.", WarehouseError, ("a quota of acme is spent", "iam-admin/quotas?project=acme")),
    "no billing": (403, "billingNotEnabled", "Billing has not been enabled for this project. Enable billing at https://console.cloud.google.com/billing. DML queries are not allowed in the free tier. Set up a billing account to remove this restriction.", WarehouseError, ("no billing account", "gcloud billing projects link acme")),
    "retyped outside": (400, "invalidQuery", "Query column 2 has type STRING which cannot be inserted into column score, which has type INT64 at [1:40]", WarehouseError, ("columns are not what they were", "score", "next run")),
    "dropped outside": (400, "invalidQuery", "Unrecognized name: lead_score at [1:8]", WarehouseError, ("columns are not what they were", "lead_score")),
    "at once": (400, "invalidQuery", "Could not serialize access to table acme:crm.contacts due to concurrent update", WarehouseError, ("another job changed the same table", "run again")),
    "too much": (400, "resourcesExceeded", "Resources exceeded during query execution: The query could not be executed in the allotted memory.", WarehouseError, ("too much for one job", "incremental")),
    "cancelled": (400, "stopped", "Job execution was cancelled: User requested cancellation", WarehouseError, ("cancelled", "job_timeout")),
    "took too long": (400, "stopped", "Job execution was cancelled: Job timed out after 10000 ms", WarehouseError, ("took longer than it may", "job_timeout")),
    "anything else": (400, "invalidQuery", "Syntax error: Unexpected end of script at [1:7]", WarehouseError, ("Syntax error", "bq show -j acme:EU.tailrace_")),
}  # fmt: skip


@pytest.fixture
def server(monkeypatch):
    monkeypatch.delenv("BIGQUERY_EMULATOR_HOST", raising=False)
    monkeypatch.setattr(asking, "PATIENCE", 0.1)
    with google() as found:
        yield found


@pytest.fixture
def jobs(server):
    settings = {"project": "acme", "location": "EU", "base_url": server.address}
    opened = Jobs(connect(settings), settings)
    yield opened
    opened.close()


def told(call) -> str:
    with pytest.raises((AuthError, WarehouseError)) as caught:
        call()
    error = caught.value
    assert error.fix and "\n" not in str(error) and "http://" not in str(error) and len(error.message) < 600
    return error


def failing(server, code, reason, message):
    """The job is made, and ends so: the results are an error, and so is the job's status."""

    def answer(request):
        wrong = {"reason": reason, "message": message}
        if request.method == "POST":
            server.made = job(request, errorResult=wrong, errors=[wrong])
            return 200, server.made
        return (code, refusal(code, reason, message)) if "/queries/" in request.path else (200, server.made)

    server.answer = answer


@pytest.mark.parametrize("name", REFUSED)
def test_a_refused_request(server, jobs, name):
    code, reason, message, kind, words = REFUSED[name]
    server.answer = lambda _request: (code, refusal(code, reason, message))
    error = told(lambda: jobs.rows("SELECT 1"))
    assert isinstance(error, kind)
    words = words if name != "anything else" else words[:1]  # there is no job to look at
    assert all(word in str(error) for word in words), str(error)


@pytest.mark.parametrize(
    "name", [name for name in REFUSED if name not in ("wrong project", "malformed project", "API off")]
)
def test_a_job_that_fails_half_way(server, jobs, name):
    code, reason, message, kind, words = REFUSED[name]
    failing(server, code, reason, message)
    error = told(lambda: jobs.execute("UPDATE d.t SET a = 1 WHERE TRUE"))
    assert isinstance(error, kind) and all(word in str(error) for word in words), str(error)


def test_texts_of_a_statement_are_not_shown(server, jobs):
    failing(server, 400, "invalidQuery", "Something else")
    error = told(lambda: jobs.execute("INSERT INTO d.t VALUES ('ada@example.com', \"O'Hara\", '''x''')"))
    assert "ada" not in str(error) and "Hara" not in str(error) and "INSERT INTO d.t" in str(error)


@pytest.mark.parametrize(
    "message", ["Bad int64 value: ada@example.com", 'Could not cast literal "ada@example.com" to type DATE at [1:8]']
)  # fmt: skip
def test_values_that_google_repeats_are_not_shown(server, jobs, message):
    failing(server, 400, "invalidQuery", message)
    assert "ada" not in str(told(lambda: jobs.rows("SELECT 1")))


def test_a_dataset_that_lies_elsewhere(server, jobs):
    dataset = {"datasetReference": {"projectId": "acme", "datasetId": "crm"}, "location": "US"}
    exists = (409, refusal(409, "duplicate", "Already Exists: Dataset acme:crm"))
    server.answer = lambda request: exists if request.method == "POST" else (200, dataset)
    error = told(lambda: jobs.ensure_dataset("crm"))
    assert "crm lies in US" in str(error) and "location: US" in str(error)


def test_a_table_changed_from_outside_while_it_is_loaded(server, jobs):
    import pyarrow as pa

    message = "Provided Schema does not match Table acme:crm.contacts. Field score has changed type from INTEGER to STRING"

    def answer(request):
        if request.method == "GET":
            return 404, refusal(404, "notFound", "Not found: Table acme:crm.contacts")
        return 400, refusal(400, "invalid", message)

    server.answer = answer
    error = told(lambda: jobs.load(pa.table({"score": ["a"]}), TableRef("crm", "contacts")))
    assert "columns are not what they were" in str(error) and "score" in str(error)


def lonely_error() -> WarehouseError:
    settings = {"project": "acme", "location": "EU", "base_url": "http://127.0.0.1:1"}
    lonely = Jobs(connect(settings), settings)
    try:
        return told(lambda: lonely.rows("SELECT 1"))
    finally:
        lonely.close()


def test_nobody_answers(server):
    assert "cannot be reached" in str(lonely_error())


def test_an_address_that_nobody_has_is_given_up_before_googles_own_trouble(server, monkeypatch):
    monkeypatch.setattr(asking, "PATIENCE", 600.0)
    monkeypatch.setattr(asking, "ALONE", 0.1)
    assert "cannot be reached" in str(lonely_error())
