"""A BigQuery target of profiles.yml: where it runs, who asks, and how much it may cost."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tailrace.project.dbt.profile import METHODS, credentials
from tailrace.project.reader import Reader, kind_of, parse_duration

BIGQUERY_KEYS = (
    "project", "location", "keyfile", "impersonate_service_account", "max_bytes_billed", "near_rows", "price_per_tib", "threads",
    "publish", "base_url", "priority", "job_timeout", "labels", "lease",
)  # fmt: skip
VIEWS_KEYS = ("views",)
PRIORITIES = ("interactive", "batch")
LOCATION = "US"
OURS = ("tailrace", "run", "step")
"""Labels that every job has."""
SHORTEST_LEASE = 10.0
"""Seconds: it is renewed four times in its length, and Google's answers may take a while."""
MOST_LABELS = 32
"""Of one's own; Google takes 64 for a job ("Adding labels to resources")."""
LOOPBACK = ("127.0.0.1", "localhost", "::1")
PROJECT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]*\Z")
PLACE = re.compile(r"[A-Za-z]+(-[A-Za-z0-9]+)*\Z")
ACCOUNT = re.compile(r"[^@\s]+@[^@\s]+\Z")
_LABEL = re.compile(r"[a-z][a-z0-9_-]{0,62}\Z")
_LABELLED = re.compile(r"[a-z0-9_-]{0,63}\Z")
_BYTES = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?([KMGTP]i?B|B)?\Z", re.IGNORECASE)
_POWERS = {"": 0, "b": 0, "k": 1, "m": 2, "g": 3, "t": 4, "p": 5}


def read_settings(reader: Reader, root: Path) -> dict[str, Any]:
    """`Target.settings` of a BigQuery target; what was not written is not there, but for `project` and `location`."""
    lax = reader.lax is not None
    given: dict[str, Any] = {
        "project": _matching(reader, "database" if lax and "database" in reader.data else "project", PROJECT, "Write its id, as `gcloud projects list` shows it", required=True),
        "location": _matching(reader, "location", PLACE, "Write one such as EU, US or europe-west1") or LOCATION,
        "keyfile": reader.optional_text("keyfile"),
        "impersonate_service_account": _matching(reader, "impersonate_service_account", ACCOUNT, "Write name@project.iam.gserviceaccount.com"),
        "max_bytes_billed": _bytes(reader, "max_bytes_billed"),
        "near_rows": _whole(reader, "near_rows"),
        "price_per_tib": _price(reader),
        "publish_views": _views(reader),
        "base_url": _base_url(reader, "base_url"),
        "priority": reader.choice("priority", PRIORITIES) or None,
        "job_timeout": _seconds(reader, "job_timeout"),
        "labels": _labels(reader),
        "lease": _lease(reader),
    }  # fmt: skip
    if lax:
        given = _of_dbt(reader) | {key: value for key, value in given.items() if value is not None}
    if given["keyfile"]:
        given["keyfile"] = str((root / Path(given["keyfile"]).expanduser()).absolute())
    return {key: value for key, value in given.items() if value is not None}


def _of_dbt(reader: Reader) -> dict[str, Any]:
    """dbt-bigquery's own names, under ours where there is one."""
    found: dict[str, Any] = dict.fromkeys(("keyfile",)) | credentials(reader)
    reader.choice("method", METHODS)
    elsewhere = found.pop("execution_project", None)
    if elsewhere and elsewhere != reader.data.get("project", reader.data.get("database")):
        fix = "Leave it out, or name the project that pays in `project` and the others in `database:` of the sources"
        reader.problem(
            "execution_project: jobs run and are paid in the target's own project", fix, "execution_project"
        )
    found |= {
        "max_bytes_billed": _bytes(reader, "maximum_bytes_billed"),
        "job_timeout": _seconds(reader, "job_execution_timeout_seconds"),
        "base_url": _base_url(reader, "api_endpoint"),
    }
    for name in ("maximum_bytes_billed", "job_execution_timeout_seconds", "api_endpoint"):
        found.pop(name, None)
    return found


def loopback(address: str) -> bool:
    """Whether requests to it leave this machine."""
    return (urlsplit(address).hostname or "") in LOOPBACK


def _matching(
    reader: Reader, key: str, pattern: re.Pattern[str], fix: str, *, required: bool = False
) -> str | None:
    value = reader.text(key, required=required or key in reader.data)
    if value and "{{" not in value and not pattern.match(value):  # a template that failed is told already
        reader.problem(f"{key} cannot be {value[:60]!r}", fix, key)
    return value or None


def _bytes(reader: Reader, key: str) -> int | None:
    """A number of bytes, or a text such as 10GB (10^10) or 10GiB (10 * 2^30)."""
    value = reader.get(key)
    if value is None:
        return None
    found = _BYTES.match(str(value).strip()) if not isinstance(value, bool) else None
    amount = _amount(found[1], (found[2] or "").lower()) if found else 0
    if amount < 1:
        reader.problem(
            f"{key} must be a number of bytes, not {kind_of(value)}", "Write one such as 10GB", key
        )
        return None
    return amount


def _amount(number: str, unit: str) -> int:
    return int(float(number) * (1024 if "i" in unit else 1000) ** _POWERS[unit[:1]])


def _whole(reader: Reader, key: str) -> int | None:
    value = reader.get(key)
    if isinstance(value, str) and value.isdecimal():
        value = int(value)
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and value > 0):
        return value
    reader.wrong(key, value, "a whole number from 1 on")
    return None


def _price(reader: Reader) -> float | None:
    value = reader.get("price_per_tib")
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool) and value >= 0):
        return None if value is None else float(value)
    reader.wrong("price_per_tib", value, "a price, 0 or more")
    return None


def _lease(reader: Reader) -> float | None:
    seconds = _seconds(reader, "lease")
    if seconds is not None and seconds < SHORTEST_LEASE:
        reader.problem(f"lease must be a time from {SHORTEST_LEASE:g}s on", "Write one such as 60s", "lease")
        return None
    return seconds


def _seconds(reader: Reader, key: str) -> float | None:
    """A duration such as 10m, or seconds."""
    value = reader.get(key)
    seconds = parse_duration(value) if isinstance(value, str) else value
    if value is None:
        return None
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or seconds <= 0:
        reader.problem(f"{key} must be a duration, not {kind_of(value)}", "Write one such as 10m", key)
        return None
    return float(seconds)


def _views(reader: Reader) -> bool | None:
    if not reader.mapping("publish"):
        return None
    publish = reader.under("publish", "publish")
    publish.known(*VIEWS_KEYS)
    return publish.flag("views")


def _base_url(reader: Reader, key: str) -> str | None:
    """Another endpoint than Google's; credentials travel to it, so it is https unless it is this machine."""
    value = reader.text(key, required=key in reader.data)
    if not value:
        return None
    try:
        parts = urlsplit(value)
        known = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        known = False
    if not known:
        reader.problem(f"{key} is no address", "Write one such as http://127.0.0.1:9050", key)
    elif parts.scheme == "http" and not loopback(value):
        fix = "Write https://, or leave it out: Google's own is the default"
        reader.problem(f"{key} would send credentials unencrypted to {parts.hostname}", fix, key)
    return value.rstrip("/")


def _labels(reader: Reader) -> Mapping[str, str] | None:
    """Google's rule for labels: small letters, digits, _ and -, a letter first, 63 at most."""
    found = reader.mapping("labels")
    if len(found) > MOST_LABELS:
        reader.problem(f"labels has {len(found)} labels", f"Keep {MOST_LABELS} at most", "labels")
    for name, value in found.items():
        if name in OURS or not _LABEL.match(name):
            fix = f"Use small letters, digits, _ and -, a letter first; {', '.join(OURS)} are tailrace's own"
            reader.key_problem(f"{name[:80]!r} cannot name a label", fix, "labels", name)
        if not isinstance(value, str) or not _LABELLED.match(value):
            fix = "Use small letters, digits, _ and -, 63 at most"
            reader.problem(f"the label {name[:60]} cannot be {str(value)[:80]!r}", fix, "labels", name)
    return found or None
