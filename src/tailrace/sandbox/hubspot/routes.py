"""One route table for every version: v3, v4 and the dated ones differ in where the version stands in the path."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import unquote

from tailrace.sandbox.hubspot import (
    account,
    associations,
    batch,
    labels,
    lists,
    objects,
    pipelines,
    properties,
    schemas,
)
from tailrace.sandbox.hubspot.call import Call
from tailrace.sandbox.hubspot.portal import Portal
from tailrace.sandbox.wire import Response

VERSIONS = ("v1", "v3", "v4", "2026-03", "2026-09")
Handler = Callable[[Portal, Call], Response]


@dataclass(frozen=True)
class Route:
    """A method and a path without its version; segments in braces are arguments."""

    method: str
    pattern: tuple[str, ...]
    handler: Handler | str

    def arguments(self, segments: list[str]) -> dict[str, str] | None:
        """The arguments in a path of the same length, or None where it is another path."""
        found = {}
        for wanted, given in zip(self.pattern, segments, strict=True):
            if wanted[0] == "{":
                found[wanted[1:-1]] = unquote(given)
            elif wanted != given:
                return None
        return found


def _route(line: str, handler: Handler | str) -> Route:
    method, _, path = line.partition(" ")
    return Route(method, tuple(path.split("/")), handler)


# A name instead of a function stands for something that needs more than the portal: see fake.py.
ROUTES = (
    _route("GET objects/{o}", objects.list_page),
    _route("POST objects/{o}", objects.create),
    _route("POST objects/{o}/search", "search"),
    _route("POST objects/{o}/merge", objects.merge),
    _route("POST objects/{o}/gdpr-delete", objects.gdpr_delete),
    _route("GET objects/{o}/{id}", objects.read),
    _route("PATCH objects/{o}/{id}", objects.update),
    _route("DELETE objects/{o}/{id}", objects.archive),
    _route("POST objects/{o}/batch/read", batch.read),
    _route("POST objects/{o}/batch/create", batch.create),
    _route("POST objects/{o}/batch/update", batch.update),
    _route("POST objects/{o}/batch/upsert", batch.upsert),
    _route("POST objects/{o}/batch/archive", batch.archive),
    _route("GET objects/{o}/{id}/associations/{to}", associations.list_one),
    _route("PUT objects/{o}/{id}/associations/default/{to}/{to_id}", associations.put_default),
    _route("PUT objects/{o}/{id}/associations/{to}/{to_id}", associations.put_one),
    _route("DELETE objects/{o}/{id}/associations/{to}/{to_id}", associations.delete_one),
    _route("POST associations/{from}/{to}/batch/read", associations.batch_read),
    _route("POST associations/{from}/{to}/batch/create", associations.batch_create),
    _route("POST associations/{from}/{to}/batch/archive", associations.batch_archive),
    _route("POST associations/{from}/{to}/batch/associate/default", associations.batch_default),
    _route("POST associations/{from}/{to}/batch/labels/archive", associations.batch_archive_labels),
    _route("GET associations/{from}/{to}/labels", labels.list_all),
    _route("POST associations/{from}/{to}/labels", labels.create),
    _route("POST lists", lists.create),
    _route("GET lists/{list}", lists.read),
    _route("GET lists/{list}/memberships", lists.members),
    _route("DELETE lists/{list}/memberships", lists.remove_all),
    _route("PUT lists/{list}/memberships/add", lists.add),
    _route("PUT lists/{list}/memberships/remove", lists.remove),
    _route("PUT lists/{list}/memberships/add-and-remove", lists.add_and_remove),
    _route("GET properties/{o}", properties.list_all),
    _route("POST properties/{o}", properties.create),
    _route("GET properties/{o}/groups", properties.list_groups),
    _route("POST properties/{o}/groups", properties.create_group),
    _route("GET properties/{o}/groups/{name}", properties.read_group),
    _route("PATCH properties/{o}/groups/{name}", properties.update_group),
    _route("DELETE properties/{o}/groups/{name}", properties.archive_group),
    _route("POST properties/{o}/batch/read", properties.batch_read),
    _route("POST properties/{o}/batch/create", properties.batch_create),
    _route("POST properties/{o}/batch/archive", properties.batch_archive),
    _route("GET properties/{o}/{name}", properties.read),
    _route("PATCH properties/{o}/{name}", properties.update),
    _route("DELETE properties/{o}/{name}", properties.archive),
    _route("GET schemas", schemas.list_all),
    _route("GET schemas/{o}", schemas.read),
    _route("GET pipelines/{o}", pipelines.list_all),
    _route("GET pipelines/{o}/{id}", pipelines.read),
    _route("GET pipelines/{o}/{id}/stages", pipelines.list_stages),
    _route("GET owners", account.list_owners),
    _route("GET owners/{id}", account.read_owner),
    _route("GET account-info/details", account.details),
    _route("GET account-info/api-usage/daily/private-apps", "daily_usage"),
    _route("POST oauth/token", "token"),
    _route("POST oauth/token/introspect", "introspect"),
    _route("POST oauth/token/revoke", "revoke"),
    _route("GET oauth/access-tokens/{token}", "token_info"),
    _route("GET oauth/refresh-tokens/{token}", "refresh_info"),
    _route("DELETE oauth/refresh-tokens/{token}", "revoke"),
)
WITHOUT_TOKEN = ("token", "token_info", "introspect", "revoke", "refresh_info")


def find_route(method: str, path: str) -> tuple[Route, str, dict[str, str]] | None:
    """The route of a request, the API version in its path, and its arguments."""
    version, segments = _versioned([part for part in path.split("/") if part])
    if version not in VERSIONS:
        return None
    for route in ROUTES:
        if route.method == method and len(route.pattern) == len(segments):
            arguments = route.arguments(segments)
            if arguments is not None:
                return route, version, arguments
    return None


def _versioned(segments: list[str]) -> tuple[str, list[str]]:
    """(version, path without it): /crm/v3/objects/..., /crm/objects/2026-03/..., /oauth/v1/..., /account-info/v3/..."""
    if len(segments) >= 3 and segments[0] == "crm":
        if segments[1] in VERSIONS:
            return segments[1], segments[2:]
        return segments[2], [segments[1], *segments[3:]]
    if len(segments) >= 3 and segments[0] in ("oauth", "account-info"):
        return segments[1], [segments[0], *segments[2:]]
    if len(segments) >= 3 and segments[0] == "crm-object-schemas":
        return segments[1], segments[2:]
    return "", segments
