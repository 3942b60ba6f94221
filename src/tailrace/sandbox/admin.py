"""The admin API under /_sandbox: records, requests, writes, faults, advance and reset."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import orjson

from tailrace.sandbox.faults import FaultBook, FaultError, parse_rules
from tailrace.sandbox.house import House, SandboxError
from tailrace.sandbox.vendor import Fake
from tailrace.sandbox.wire import Request, Response

MOST_ROUNDS = 10_000
Result = TypeVar("Result")


class _Rejected(Exception):
    """An admin call that cannot be carried out."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


@dataclass(frozen=True)
class _Call:
    house: House
    request: Request
    rest: list[str]


def handle(house: House, request: Request) -> Response:
    """Answer one admin request; its path starts behind /_sandbox. Malformed calls answer 4xx with {"error": reason}."""
    parts = [part for part in request.path.split("/") if part]
    name = parts[0] if parts else ""
    try:
        methods = _ROUTES.get(name)
        if methods is None or (len(parts) > 1 and name not in _WITH_OBJECT):
            raise _Rejected(404, f"no such page: /_sandbox/{'/'.join(parts)}; known: {_known_pages()}")
        answer = methods.get(request.method)
        if answer is None:
            raise _Rejected(405, f"/_sandbox/{name} answers {', '.join(methods)}, not {request.method}")
        return answer(_Call(house, request, parts[1:]))
    except _Rejected as rejected:
        return Response.of(rejected.status, {"error": str(rejected)})
    except SandboxError as error:
        return Response.of(500, {"error": str(error)})


def _overview(call: _Call) -> Response:
    vendors = {name: fake.objects() for name, fake in call.house.fakes.items()}
    settings = call.house.settings
    return Response.of(
        200,
        {
            "vendors": vendors,
            "seed": settings.seed,
            "contacts": settings.contacts,
            "today": settings.today.isoformat(),
            "rounds": call.house.rounds_done,
            "requests": len(call.house.log),
        },
    )


def _get_records(call: _Call) -> Response:
    fake, obj = _target(call)
    return Response.of(200, _known(lambda: fake.records(obj)))


def _put_records(call: _Call) -> Response:
    fake, obj = _target(call)
    return _store(fake.replace, obj, call.request)


def _post_records(call: _Call) -> Response:
    fake, obj = _target(call)
    return _store(fake.upsert, obj, call.request)


def _delete_record(call: _Call) -> Response:
    fake, obj = _target(call)
    key = call.request.param("id")
    if not key:
        raise _Rejected(400, "which record? add ?id=")
    if not _known(lambda: fake.remove(obj, key)):
        raise _Rejected(404, f"{fake.name} has no {obj} with id {key}")
    return Response.of(200, {"removed": key})


def _get_writes(call: _Call) -> Response:
    fake, obj = _target(call)
    return Response.of(200, _known(lambda: fake.writes(obj)))


def _get_requests(call: _Call) -> Response:
    vendor = call.request.param("vendor")
    if vendor is None:
        return Response.of(200, call.house.log)
    _fake(call.house, vendor)
    return Response.of(200, [entry for entry in call.house.log if entry["vendor"] == vendor])


def _get_faults(call: _Call) -> Response:
    return Response.of(200, call.house.faults.describe())


def _put_faults(call: _Call) -> Response:
    try:
        rules = parse_rules(_json(call.request), call.house.fakes)
    except FaultError as error:
        raise _Rejected(400, str(error)) from error
    call.house.faults = FaultBook(rules)
    return Response.of(200, {"rules": len(rules)})


def _advance(call: _Call) -> Response:
    document = _json(call.request) if call.request.body.strip() else {}
    rounds = document.get("rounds", 1) if isinstance(document, dict) else None
    if not isinstance(rounds, int) or isinstance(rounds, bool) or not 0 <= rounds <= MOST_ROUNDS:
        raise _Rejected(400, f'the body is {{"rounds": n}}, n a whole number from 0 to {MOST_ROUNDS}')
    call.house.advance(rounds)
    return Response.of(200, {"rounds": call.house.rounds_done})


def _reset(call: _Call) -> Response:
    call.house.reset()
    return Response.of(200, {"rounds": call.house.rounds_done})


def _store(write: Callable[[str, list[dict[str, Any]]], None], obj: str, request: Request) -> Response:
    records = _json(request)
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        raise _Rejected(
            400, "the body is a JSON list of records, each an object as the vendor would return it"
        )
    try:
        _known(lambda: write(obj, records))
    except ValueError as error:
        raise _Rejected(400, str(error)) from error
    return Response.of(200, {"records": len(records)})


def _target(call: _Call) -> tuple[Fake, str]:
    if len(call.rest) != len(("vendor", "object")):
        raise _Rejected(404, "which records? the path ends with /<vendor>/<object>")
    return _fake(call.house, call.rest[0]), call.rest[1]


def _known(call: Callable[[], Result]) -> Result:
    """Do something with an object's records; a fake says by KeyError that it has no such object."""
    try:
        return call()
    except KeyError as error:
        raise _Rejected(404, str(error.args[0])) from error


def _fake(house: House, vendor: str) -> Fake:
    if vendor not in house.fakes:
        raise _Rejected(404, f"unknown vendor {vendor!r}; known: {', '.join(house.fakes)}")
    return house.fakes[vendor]


def _json(request: Request) -> Any:
    try:
        return request.json()
    except orjson.JSONDecodeError as error:
        raise _Rejected(400, f"the body is not JSON: {error}") from error


def _known_pages() -> str:
    return ", ".join(f"/_sandbox/{name}" for name in _ROUTES if name)


Answer = Callable[[_Call], Response]
_WITH_OBJECT = ("records", "writes")
_ROUTES: dict[str, dict[str, Answer]] = {
    "": {"GET": _overview},
    "records": {"GET": _get_records, "PUT": _put_records, "POST": _post_records, "DELETE": _delete_record},
    "requests": {"GET": _get_requests},
    "writes": {"GET": _get_writes},
    "faults": {"GET": _get_faults, "PUT": _put_faults},
    "advance": {"POST": _advance},
    "reset": {"POST": _reset},
}
