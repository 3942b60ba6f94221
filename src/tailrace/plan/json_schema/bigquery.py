"""What a BigQuery target takes in profiles.yml, in JSON Schema."""

from __future__ import annotations

import re

from tailrace.plan.json_schema.values import (
    DURATION_TEXT,
    FILLED,
    FLAG,
    TEMPLATE,
    TEXT,
    Schema,
    about,
    mapping,
    whole,
    word,
)
from tailrace.project import bigquery as read

TEMPLATED: Schema = {"type": "string", "pattern": TEMPLATE}


def _or_template(*schemas: Schema) -> Schema:
    """Templates are rendered before they are judged."""
    return {"anyOf": [*schemas, TEMPLATED]}


def _text(pattern: re.Pattern[str]) -> Schema:
    return _or_template({"type": "string", "pattern": whole(pattern)})


_BYTES: Schema = {"type": "string", "pattern": "^ ?[0-9]+(\\.[0-9]+)? ?([KMGTPkmgtp][iI]?[Bb]|[Bb])?$"}
_COUNT: Schema = {"type": "integer", "minimum": 1}
VIEWS = mapping(
    read.VIEWS_KEYS,
    {"views": about("readers get views that show the last complete run", FLAG, default=False)},
)
BIGQUERY: dict[str, Schema] = {
    "project": about("the Google Cloud project", _text(read.PROJECT)),
    "location": about("where its datasets lie", _text(read.PLACE), default=read.LOCATION),
    "keyfile": about("a service account's key, relative to the project; default: what gcloud or the machine has", FILLED),
    "impersonate_service_account": about("the service account that runs stand in for", _text(read.ACCOUNT)),
    "max_bytes_billed": about("a statement that would be billed more is refused; such as 10GB", _or_template(_COUNT, _BYTES)),
    "near_rows": about("landed tables of fewer rows are kept on this machine as well", _or_template(_COUNT)),
    "price_per_tib": about("what `plan` reckons a TiB at", _or_template({"type": "number", "minimum": 0})),
    "threads": about("what templates read as target.threads", _or_template(_COUNT), default=1),
    "base_url": about("another endpoint than Google's, such as an emulator's", FILLED),
    "priority": about("batch: jobs wait for idle capacity", _or_template(word(read.PRIORITIES)), default="interactive"),
    "job_timeout": about("a job that takes longer is ended; such as 10m", _or_template(DURATION_TEXT, {"type": "number", "exclusiveMinimum": 0})),
    "lease": about("how long a killed run holds the target", _or_template(DURATION_TEXT, {"type": "number", "minimum": read.SHORTEST_LEASE}), default="60s"),
    "labels": about(
        "put on every job, beside tailrace, run and step",
        {"type": "object", "maxProperties": read.MOST_LABELS, "additionalProperties": TEXT},
    ),
}  # fmt: skip
