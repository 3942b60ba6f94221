"""What a run on BigQuery needs of Google: credentials, project, clock, datasets where they should be, permissions one by one.

Nothing is written and nothing is billed: catalogue calls, dry runs and testIamPermissions.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from tailrace.connectors.sdk.base import Finding
from tailrace.errors import TailraceError
from tailrace.plan.resolve import Resolved
from tailrace.warehouse.base import META, STAGE
from tailrace.warehouse.bigquery.asking import ANSWER, retry, told
from tailrace.warehouse.bigquery.connection import connect, endpoint, is_emulated
from tailrace.warehouse.bigquery.jobs import Jobs

SUBJECT = "bigquery"
RESOURCES = "https://cloudresourcemanager.googleapis.com"
READ_ONLY = "https://www.googleapis.com/auth/cloud-platform.read-only"
SKEW, MOST_SKEW = 30.0, 240.0
"""Seconds: from 300 on Google's token service refuses a service account's key ("Using OAuth 2.0 for Server to Server Applications")."""
ON_PROJECT = {
    "bigquery.jobs.create": "roles/bigquery.jobUser",
    "bigquery.jobs.list": "roles/bigquery.user",
    "bigquery.datasets.create": "roles/bigquery.user",
}
"""Permissions on the project, and the smallest of Google's roles that has each ("BigQuery IAM roles and permissions")."""
WHY = {
    "bigquery.jobs.create": "every statement is a job",
    "bigquery.jobs.list": "a killed run's jobs are found",
    "bigquery.datasets.create": "datasets that are not there are made",
}
ON_TABLES = (
    "bigquery.tables.get", "bigquery.tables.getData", "bigquery.tables.update", "bigquery.tables.updateData", "bigquery.tables.delete",
)  # fmt: skip


@dataclass(frozen=True)
class _Dataset:
    name: str
    location: str | None
    """None where it is not there."""
    table: str | None = None


def bigquery_findings(resolved: Resolved) -> Iterator[Finding]:
    """One finding after the other; what cannot work without the one before is not asked."""
    settings = resolved.project.target.settings
    try:
        jobs = Jobs(connect(settings), settings)
    except TailraceError as error:
        yield _failed("credentials", error)
        return
    try:
        yield from _asked(resolved, jobs, settings)
    finally:
        jobs.close()


def _asked(resolved: Resolved, jobs: Jobs, settings: Mapping[str, Any]) -> Iterator[Finding]:
    heard: list[datetime] = []
    _listen(jobs.client, heard)
    credentials = _credentials(jobs, settings)
    yield credentials
    if credentials.level == "error":
        return
    try:
        jobs.dry_run("SELECT 1")
    except TailraceError as error:
        yield _failed("project", error)
        return
    yield Finding("ok", f"{SUBJECT} project", f"{jobs.project} runs queries in {jobs.location}")
    yield from _clock(heard)
    try:
        datasets = [_dataset(jobs, name) for name in needed_datasets(resolved)]
    except TailraceError as error:
        yield _failed("datasets", error)
        return
    yield from _places(jobs, datasets)
    yield from _project_permissions(jobs, settings, datasets)
    yield from _table_permissions(jobs, datasets)


def needed_datasets(resolved: Resolved) -> list[str]:
    """Those that a run writes: of landed tables, of models, and tailrace's own two."""
    landed = [pipeline.dataset for pipeline in resolved.project.pipelines]
    models = [node.schema for node in resolved.graph.nodes.values() if node.materialized != "ephemeral"]
    return list(dict.fromkeys((META, STAGE, *sorted(landed), *sorted(models))))


def _failed(what: str, error: TailraceError) -> Finding:
    message, fix = getattr(error, "message", str(error)), getattr(error, "fix", "")
    return Finding("error", f"{SUBJECT} {what}", message, fix)


def _credentials(jobs: Jobs, settings: Mapping[str, Any]) -> Finding:
    """Whether Google gives a token for them."""
    subject = f"{SUBJECT} credentials"
    if is_emulated(settings):
        return Finding("ok", subject, f"none are needed: {endpoint(settings)} is an emulator")
    from google.auth.transport.requests import Request

    found = jobs.client._credentials  # noqa: SLF001 - the client shows them nowhere else
    try:
        with told("ask for a token", jobs.project, jobs.location):
            found.refresh(Request())
    except TailraceError as error:
        return _failed("credentials", error)
    who = getattr(found, "service_account_email", None) or "a person's account"
    return Finding("ok", subject, f"Google knows them: {who}")


def _listen(client: Any, heard: list[datetime]) -> None:
    """Google's time, as each answer bears it."""

    def hear(answer: Any, *_: Any, **__: Any) -> None:
        try:
            heard.append(parsedate_to_datetime(answer.headers["Date"]))
        except (KeyError, TypeError, ValueError):
            return

    client._http.hooks["response"].append(hear)  # noqa: SLF001 - Google's client shows no header otherwise


def _clock(heard: list[datetime]) -> Iterator[Finding]:
    if not heard:
        return
    away = (datetime.now(UTC) - heard[-1].astimezone(UTC)).total_seconds()
    text = f"this machine's clock is {abs(away):,.0f} s {'ahead of' if away > 0 else 'behind'} Google's"
    if abs(away) < SKEW:
        yield Finding("ok", f"{SUBJECT} clock", "this machine's clock is Google's")
    else:
        level = "error" if abs(away) > MOST_SKEW else "warning"
        yield Finding(level, f"{SUBJECT} clock", text, "set it: `timedatectl set-ntp true`")  # type: ignore[arg-type]


def _dataset(jobs: Jobs, name: str) -> _Dataset:
    from google.api_core.exceptions import NotFound

    with told(f"look at the dataset {name}", jobs.project, jobs.location):
        try:
            found = jobs.client.get_dataset(f"{jobs.project}.{name}", retry=retry(), timeout=ANSWER)
        except NotFound:
            return _Dataset(name, None)
        dataset = f"{jobs.project}.{name}"
        tables = list(jobs.client.list_tables(dataset, max_results=1, retry=retry(), timeout=ANSWER))
    return _Dataset(name, str(found.location or jobs.location), tables[0].table_id if tables else None)


def _places(jobs: Jobs, datasets: Iterable[_Dataset]) -> Iterator[Finding]:
    """Datasets in another region than the target's: BigQuery joins none across regions."""
    away = [one for one in datasets if one.location and one.location.upper() != jobs.location.upper()]
    for one in away:
        fix = f"set `location: {one.location}` in profiles.yml, or move the dataset's tables and drop it"
        yield Finding(
            "error", f"{SUBJECT} {one.name}", f"lies in {one.location}, the target in {jobs.location}", fix
        )
    there = [one.name for one in datasets if one.location and one not in away]
    if there:
        yield Finding("ok", f"{SUBJECT} datasets", f"{', '.join(there)} lie in {jobs.location}")
    missing = [one.name for one in datasets if one.location is None]
    if missing:
        yield Finding("ok", f"{SUBJECT} datasets", f"the first run makes {', '.join(missing)}")


def _project_permissions(
    jobs: Jobs, settings: Mapping[str, Any], datasets: Iterable[_Dataset]
) -> Iterator[Finding]:
    makes = any(one.location is None for one in datasets)
    wanted = [name for name in ON_PROJECT if makes or name != "bigquery.datasets.create"]
    if is_emulated(settings):
        yield Finding("ok", f"{SUBJECT} permissions", "an emulator grants all of them, and tells of none")
        return
    granted = _granted_on_project(jobs, settings, wanted)
    if granted is None:
        text = f"whether {', '.join(wanted)} are granted is known at the first run: Google's Resource Manager does not say"
        fix = f"`gcloud services enable cloudresourcemanager.googleapis.com --project {jobs.project}`"
        yield Finding("warning", f"{SUBJECT} permissions", text, fix)
        return
    for name in wanted:
        if name in granted:
            yield Finding("ok", f"{SUBJECT} {name}", f"granted on {jobs.project}: {WHY[name]}")
        else:
            text = f"not granted on {jobs.project}: {WHY[name]}"
            fix = f"`gcloud projects add-iam-policy-binding {jobs.project} --member MEMBER --role {ON_PROJECT[name]}`"
            level = "warning" if name == "bigquery.jobs.list" else "error"
            yield Finding(level, f"{SUBJECT} {name}", text, fix)  # type: ignore[arg-type]


def _granted_on_project(jobs: Jobs, settings: Mapping[str, Any], wanted: list[str]) -> set[str] | None:
    """By the Resource Manager, which wants a scope of its own; None where it cannot be asked."""
    from google.auth.exceptions import GoogleAuthError
    from google.auth.transport.requests import AuthorizedSession

    from tailrace.warehouse.bigquery.auth import credentials

    session: Any = AuthorizedSession(credentials({**settings, "scopes": (READ_ONLY,)}))  # type: ignore[no-untyped-call]
    try:
        answer = session.post(
            f"{RESOURCES}/v1/projects/{jobs.project}:testIamPermissions",
            json={"permissions": wanted},
            timeout=ANSWER,
        )
        return set(answer.json().get("permissions", ())) if answer.status_code == 200 else None
    except (GoogleAuthError, OSError, ValueError):
        return None
    finally:
        session.close()


def _table_permissions(jobs: Jobs, datasets: Iterable[_Dataset]) -> Iterator[Finding]:
    """What a run does to tables, on one table of each dataset that has any."""
    from google.api_core.exceptions import GoogleAPIError

    asked = []
    for one in datasets:
        if one.table is None or one.location is None:
            continue
        name = f"{jobs.project}.{one.name}.{one.table}"
        try:
            answer = jobs.client.test_iam_permissions(_reference(name), ON_TABLES, timeout=ANSWER, retry=None)  # type: ignore[arg-type]
        except GoogleAPIError:  # an emulator, or a table that went meanwhile
            continue
        missing = [each for each in ON_TABLES if each not in answer.get("permissions", ())]
        asked.append(one.name)
        if missing:
            fix = f"as its owner: GRANT `roles/bigquery.dataEditor` ON SCHEMA `{jobs.project}.{one.name}` TO 'MEMBER'"
            yield Finding(
                "error", f"{SUBJECT} {one.name}", f"not granted on {one.table}: {', '.join(missing)}", fix
            )
            asked.pop()
    if asked:
        yield Finding("ok", f"{SUBJECT} tables", f"can be read, written and replaced in {', '.join(asked)}")


def _reference(name: str) -> Any:
    from google.cloud.bigquery import TableReference

    return TableReference.from_string(name)
