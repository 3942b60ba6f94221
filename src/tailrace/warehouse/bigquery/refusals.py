"""What Google says when it refuses, and what a person does about it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tailrace.errors import AuthError, FatalError, WarehouseError

LONGEST = 400
QUOTA = "quotas reset by themselves within minutes or at midnight Pacific time; run again then, or ask for more at console.cloud.google.com/iam-admin/quotas?project={project}"


@dataclass(frozen=True)
class Rule:
    """A refusal that is known by Google's `reason` or by its words; `what` and `fix` are filled with {told}, {project} and {location}."""

    words: str
    what: str
    fix: str
    reasons: tuple[str, ...] = ()
    kind: Callable[[str, str], FatalError] = WarehouseError


# The first that fits is told. Reasons are those of "Error messages" of BigQuery's documentation, the words its services' own.
RULES = (
    Rule(r"has not been used in project|API .*is disabled|has not enabled BigQuery", "BigQuery's API is off in {project}", "run `gcloud services enable bigquery.googleapis.com --project {project}`", ("accessNotConfigured", "SERVICE_DISABLED"), AuthError),
    Rule(r"Billing has not been enabled|free tier", "{project} has no billing account, and BigQuery's sandbox takes no INSERT, UPDATE, DELETE or MERGE", "link one: `gcloud billing projects link {project} --billing-account ID`", ("billingNotEnabled",)),
    Rule(r"limit for bytes billed", "max_bytes_billed stops a statement before it costs: {told}", "prune what it reads (`partition_by`, fewer columns), or raise `max_bytes_billed` in profiles.yml", ("bytesBilledLimitExceeded",)),
    Rule(r"", "a quota of {project} is spent: {told}", QUOTA, ("quotaExceeded", "rateLimitExceeded", "tableUnavailable")),
    Rule(r"Quota exceeded|Exceeded rate limits", "a quota of {project} is spent: {told}", QUOTA),
    Rule(r"serialize access|aborted due to concurrent|due to concurrent update", "another job changed the same table at the same time", "run again; two workers on one target take turns by docs/several-machines.md"),
    Rule(r"jobs\.create", "the account may not run jobs in {project}: {told}", "grant it: `gcloud projects add-iam-policy-binding {project} --member MEMBER --role roles/bigquery.jobUser`", (), AuthError),
    Rule(r"datasets\.create", "the account may not make datasets in {project}: {told}", "make the datasets for it, or grant roles/bigquery.user on {project}; docs/bigquery.md lists both", (), AuthError),
    Rule(r"Not found: Project|Invalid project ID|Unknown project|The project .* (?:does not exist|was not found)", "there is no Google Cloud project {project}, or the account does not see it", "set `project` in profiles.yml to its id, as `gcloud projects list` shows it", (), AuthError),
    Rule(r"Access Denied: Project", "the account may not do that in {project}: {told}", "run `tailrace doctor`: it names the role", (), AuthError),
    Rule(r"different locations|was not found in location|in location \S+ (?:does not|cannot)", "{told}: it is not there, or lies elsewhere than {location}", "land or build it first; where it is there, `location` in profiles.yml has to be its dataset's (`bq show {project}:DATASET`)"),
    Rule(r"Provided Schema does not match|has changed (?:type|mode)|Unrecognized name|No matching signature|Inserted row has wrong column count|Column .* is not present|Invalid schema update|Cannot add fields|no such field|has type .* which cannot be inserted", "a table's columns are not what they were, or the SQL names others: {told}", "if somebody changed the table, undo it or drop the table: the next run builds models anew, and lands tables again from `__raw`"),
    Rule(r"cancelled|canceled", "the job was cancelled or took longer than it may: {told}", "run again; `job_timeout` in profiles.yml is how long a job may take", ("stopped", "timeout")),
    Rule(r"Operation timed out|Job timed out", "the job took longer than it may: {told}", "raise `job_timeout` in profiles.yml, or make the statement read less"),
    Rule(r"", "the statement is too much for one job: {told}", "make its model read less at once: `incremental`, partitions, fewer columns", ("resourcesExceeded", "responseTooLarge", "billingTierLimitExceeded")),
    Rule(r"", "BigQuery itself is in trouble: {told}", "run again later; status.cloud.google.com knows more", ("backendError", "internalError", "jobBackendError", "jobInternalError")),
)  # fmt: skip

_VALUE = re.compile(
    r"(Bad \w+ value|Could not (?:cast|convert|parse)|Failed to parse|Invalid (?:date|time\w*|value))\b.*", re.DOTALL
)  # fmt: skip
_TEXTS = re.compile(r"'''.*?'''|\"\"\".*?\"\"\"|'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"", re.DOTALL)


def refused(error: Any, doing: str, project: str, location: str, job: str = "") -> FatalError:
    """An error of ours for one of Google's; `doing` is the statement, or what was asked, `job` the id to look it up by."""
    error = getattr(error, "cause", None) or error  # what ended the last of many tries
    if type(error).__module__.startswith("google.auth"):
        return _credentials_refused(error)
    if isinstance(error, OSError) and not getattr(error, "errors", None):
        return _unreachable(error)
    told, reasons, code = _told(error), reasons_of(error), getattr(error, "code", None)
    rule = next((rule for rule in RULES if _fits(rule, told, reasons)), None)
    if rule is not None:
        said = {"told": told, "project": project, "location": location}
        return rule.kind(rule.what.format(**said), rule.fix.format(**said))
    if code in (401, 403):
        return AuthError(
            f"BigQuery refuses: {told}", "run `tailrace doctor`: it names the role that is missing"
        )
    fix = f"look at the job: `bq show -j {project}:{location}.{job}`" if job else "run `tailrace doctor`"
    return WarehouseError(f"BigQuery: {told} ({_short(doing)})", fix)


def _fits(rule: Rule, told: str, reasons: set[str]) -> bool:
    return bool(reasons & set(rule.reasons)) or bool(rule.words and re.search(rule.words, told))


def _credentials_refused(error: Any) -> FatalError:
    """google-auth's errors: nothing of what it sent or got is shown but Google's own short words."""
    said = " ".join(str(one) for one in error.args)
    if type(error).__name__ == "TransportError":
        return WarehouseError("Google's token service cannot be reached", "check the network and its proxy")
    if "impersonated" in said or "getAccessToken" in said:
        fix = (
            "grant the caller roles/iam.serviceAccountTokenCreator on the service account, and check its name"
        )
        return AuthError("the credentials may not impersonate that service account", fix)
    if "short-lived token" in said or "reasonable timeframe" in said:
        return AuthError(
            "this machine's clock is wrong: Google takes no token of another hour", "set the clock (NTP)"
        )
    if "Invalid JWT Signature" in said or "account not found" in said or "Invalid grant: account" in said:
        return AuthError(
            "Google does not know the key: it was deleted, or its service account was",
            "make a new key, and name it in `keyfile`",
        )
    if "invalid_rapt" in said or "expired or revoked" in said or "invalid_grant" in said:
        return AuthError(
            "the credentials have expired or were revoked",
            "run `gcloud auth application-default login`, or name a `keyfile`",
        )
    if "do not contain the necessary fields" in said:
        return AuthError(
            "the token has expired, and nothing is there to renew it",
            "write `refresh_token`, `client_id` and `client_secret`, or another `method`",
        )
    return AuthError("Google refuses the credentials", "renew them, then run `tailrace doctor`")  # fmt: skip


def _unreachable(error: OSError) -> FatalError:
    timed = "Timeout" in type(error).__name__
    what = "does not answer" if timed else "cannot be reached"
    return WarehouseError(
        f"BigQuery {what}", "check the network, `base_url` and BIGQUERY_EMULATOR_HOST, then run again"
    )


def _told(error: Any) -> str:
    """Google's sentence, without the request's address, the job's footer and values of rows."""
    listed = getattr(error, "errors", None) or []
    text = str(listed[0].get("message") or "") if listed and isinstance(listed[0], dict) else ""
    text = text or str(getattr(error, "message", "") or error)
    plain = " ".join(text.split("\n\n")[0].split())
    plain = re.sub(r"^\d{3} [A-Z]+ https?://\S+ ", "", plain)
    return _VALUE.sub(r"\1 (its value is not shown)", plain)[:LONGEST].rstrip(". ")


def reasons_of(error: Any) -> set[str]:
    """What Google calls the error, in its fixed words."""
    return {str(one.get("reason")) for one in getattr(error, "errors", None) or [] if isinstance(one, dict)}


def _short(doing: str) -> str:
    """The statement's beginning; texts in it may be people's."""
    return _TEXTS.sub("'***'", " ".join(doing.split()))[:160]
