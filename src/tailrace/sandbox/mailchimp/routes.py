"""Paths behind /3.0 and what answers them."""

from __future__ import annotations

from urllib.parse import unquote

from tailrace.sandbox.mailchimp import batches, campaigns, lists, members, merge
from tailrace.sandbox.mailchimp.listing import Handler

Route = tuple[str, tuple[str, ...], Handler]


def _route(line: str, handler: Handler) -> Route:
    method, _, path = line.partition(" ")
    return method, tuple(path.split("/")), handler


ROUTES = (
    _route("GET lists", lists.listed),
    _route("POST lists", lists.create),
    _route("GET lists/{list}", lists.read),
    _route("PATCH lists/{list}", lists.update),
    _route("DELETE lists/{list}", lists.remove),
    _route("POST lists/{list}", lists.batch),
    _route("GET lists/{list}/members", members.listed),
    _route("POST lists/{list}/members", members.add),
    _route("GET lists/{list}/members/{member}", members.read),
    _route("PUT lists/{list}/members/{member}", members.upsert),
    _route("PATCH lists/{list}/members/{member}", members.update),
    _route("DELETE lists/{list}/members/{member}", members.archive),
    _route("POST lists/{list}/members/{member}/actions/delete-permanent", members.erase),
    _route("GET lists/{list}/members/{member}/tags", members.tags),
    _route("POST lists/{list}/members/{member}/tags", members.change_tags),
    _route("GET lists/{list}/merge-fields", merge.listed),
    _route("POST lists/{list}/merge-fields", merge.define),
    _route("GET lists/{list}/merge-fields/{field}", merge.read),
    _route("PATCH lists/{list}/merge-fields/{field}", merge.update),
    _route("DELETE lists/{list}/merge-fields/{field}", merge.remove),
    _route("GET lists/{list}/interest-categories", lists.categories),
    _route("GET lists/{list}/interest-categories/{category}/interests", lists.interests),
    _route("GET lists/{list}/segments", lists.segments),
    _route("GET lists/{list}/segments/{segment}/members", lists.segment_members),
    _route("GET lists/{list}/tag-search", lists.tag_search),
    _route("GET campaigns", campaigns.listed),
    _route("GET campaigns/{campaign}", campaigns.read),
    _route("DELETE campaigns/{campaign}", campaigns.remove),
    _route("GET reports", campaigns.reports),
    _route("GET reports/{campaign}", campaigns.report),
    _route("GET reports/{campaign}/email-activity", campaigns.email_activity),
    _route("GET reports/{campaign}/unsubscribed", campaigns.unsubscribed),
    _route("GET batches", batches.listed),
    _route("GET batches/{batch}", batches.look),
    _route("DELETE batches/{batch}", batches.forget),
)


def find_route(method: str, path: str) -> tuple[Handler | None, dict[str, str], bool]:
    """The handler and the path's arguments; the last says whether the path exists under any method."""
    segments = path.strip("/").split("/")
    known = False
    for wanted, pattern, handler in ROUTES:
        arguments = _arguments(pattern, segments)
        if arguments is None:
            continue
        known = True
        if wanted == method:
            return handler, arguments, True
    return None, {}, known


def _arguments(pattern: tuple[str, ...], segments: list[str]) -> dict[str, str] | None:
    if len(pattern) != len(segments):
        return None
    found = {}
    for wanted, given in zip(pattern, segments, strict=True):
        if wanted[0] == "{":
            found[wanted[1:-1]] = unquote(given)
        elif wanted != given:
            return None
    return found
