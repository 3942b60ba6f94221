"""What can be known of a login: the org, the version, scopes, objects in sight, requests left."""

from __future__ import annotations

from collections.abc import Iterator

from tailrace.connectors.salesforce.api import Api
from tailrace.connectors.salesforce.declaration import OBJECTS, SCOPE
from tailrace.connectors.salesforce.login import Login
from tailrace.connectors.sdk.base import Finding

SCARCE = 0.1
"""Share of the day's requests below which a warning is due."""


def examine(api: Api, login: Login, account: str) -> Iterator[Finding]:
    """Reads only; what the org does not tell is not guessed."""
    yield Finding("ok", "login", f"org {account} at {api.http.base_url}")
    yield from _version(api)
    yield from _scope(login)
    yield from _objects(api)
    yield from _limits(api)


def _version(api: Api) -> Iterator[Finding]:
    served = [str(version["version"]) for version in api.get("/services/data/")]
    if api.version in served:
        yield Finding("ok", "api_version", f"{api.version} is served, {served[-1]} is the newest")
    else:
        text = f"the org does not serve {api.version}"
        yield Finding("error", "api_version", text, f"set api_version to one of {', '.join(served[-3:])}")


def _scope(login: Login) -> Iterator[Finding]:
    granted = str(login.granted.get("scope") or "").split()
    if not granted:
        yield Finding("ok", SCOPE, "the session came from outside and does not tell its scopes")
    elif {SCOPE, "full"} & set(granted):
        yield Finding("ok", SCOPE, f"granted: {', '.join(granted)}")
    else:
        text = f"not granted; granted: {', '.join(granted)}"
        yield Finding("error", SCOPE, text, "add the OAuth scope api to the connected app")


def _objects(api: Api) -> Iterator[Finding]:
    seen = {found["name"] for found in api.objects() if found.get("queryable")}
    hidden = [name for name in OBJECTS if name not in seen]
    if hidden:
        fix = "grant Read and View All on those that are landed"
        yield Finding("warning", "objects", f"not readable: {', '.join(hidden)}", fix)
    else:
        yield Finding("ok", "objects", f"{', '.join(OBJECTS)} are readable")


def _limits(api: Api) -> Iterator[Finding]:
    limits = api.get(api.path("limits/"))
    for name in ("DailyApiRequests", "DailyBulkV2QueryJobs"):
        found = limits.get(name) or {}
        most, left = found.get("Max"), found.get("Remaining")
        if most and left is not None:
            text = f"{left} of {most} left"
            if left < SCARCE * most:
                yield Finding("warning", name, text, "read less often, or fewer objects")
            else:
                yield Finding("ok", name, text)
