"""A CRM of any size that costs next to nothing to serve: HubSpot's listing, search and property list, made page by page.

Not a sandbox: it answers the few requests that landing contacts makes, without limits, tokens or errors. Contact n was
modified n seconds after the epoch of this file; `POST /change` edits evenly spread ones after all of them.
"""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

import orjson

TYPES = {
    "email": "string",
    "firstname": "string",
    "lastname": "string",
    "company": "string",
    "lifecyclestage": "enumeration",
    "createdate": "datetime",
    "lastmodifieddate": "datetime",
    "annualrevenue": "number",
    "numemployees": "number",
    "hs_email_open": "number",
    "hs_email_optout": "bool",
    "date_of_birth": "date",
}
PROPERTIES = tuple(TYPES)
"""The twelve columns beside the id."""
EPOCH = datetime(2020, 1, 1, tzinfo=UTC)
STAGES = ("subscriber", "lead", "opportunity", "customer")
JSON = [(b"content-type", b"application/json")]


class Crm:
    """The application: ASGI without a framework, since its time is shared with what is measured."""

    def __init__(self, contacts: int) -> None:
        self.contacts = contacts
        self.changed: dict[int, int] = {}
        self.order: list[int] = []
        self.asked: dict[str, int] = {}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        body = b""
        more = True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        content = self.answer(scope["path"], scope["query_string"].decode(), body)
        await send({"type": "http.response.start", "status": 200, "headers": JSON})
        await send({"type": "http.response.body", "body": content})

    def answer(self, path: str, query: str, body: bytes) -> bytes:
        if path == "/asked":
            asked, self.asked = self.asked, {}
            return orjson.dumps(asked)
        if path == "/change":
            return self._change(orjson.loads(body)["rows"])
        if "/properties/" in path:
            kind = "properties"
            content = orjson.dumps(
                {"results": [{"name": name, "label": name, "type": TYPES[name]} for name in TYPES]}
            )
        elif path.endswith("/search"):
            kind, content = "search", self._search(orjson.loads(body))
        elif "archived=true" in query:
            kind, content = "archived", b'{"results":[]}'
        else:
            kind, content = "list", self._list(query)
        self.asked[kind] = self.asked.get(kind, 0) + 1
        return content

    def _change(self, rows: int) -> bytes:
        step = max(1, self.contacts // rows)
        start = max([self.contacts + 1000, *self.changed.values()]) + 1000
        for offset, number in enumerate(range(1, self.contacts + 1, step)):
            self.changed.pop(number, None)
            self.changed[number] = start + offset
        self.order = sorted(self.changed, key=self.changed.__getitem__)
        return b"{}"

    def _list(self, query: str) -> bytes:
        asked = parse_qs(query)
        after, limit = int(asked.get("after", ["0"])[0]), int(asked["limit"][0])
        end = min(after + limit, self.contacts)
        document: dict[str, Any] = {"results": [self._record(number) for number in range(after + 1, end + 1)]}
        if end < self.contacts:
            document["paging"] = {"next": {"after": str(end)}}
        return orjson.dumps(document)

    def _search(self, body: Any) -> bytes:
        """By lastmodifieddate from a stamp on; base contacts have their number of seconds, changed ones later stamps."""
        low = min(int(f["value"]) for group in body["filterGroups"] for f in group["filters"])
        first = max(1, (low - int(EPOCH.timestamp() * 1000) + 999) // 1000)
        found = []
        for number in range(first, self.contacts + 1):
            if number not in self.changed:
                found.append(number)
            if len(found) == body["limit"]:
                break
        for number in self.order if len(found) < body["limit"] else ():
            if self.changed[number] >= first:
                found.append(number)
            if len(found) == body["limit"]:
                break
        return orjson.dumps({"total": len(found), "results": [self._record(number) for number in found]})

    def _record(self, number: int) -> dict[str, Any]:
        stamp = self.changed.get(number, number)
        at = iso(stamp)
        properties = {
            "email": f"person{number}@example{number % 977}.com",
            "firstname": f"First{number % 1009}",
            "lastname": f"Last{number % 7919}",
            "company": f"Company {number % 4999}" if number % 5 else None,
            "lifecyclestage": STAGES[number % 4],
            "createdate": iso(number % 1_000_000),
            "lastmodifieddate": at,
            "annualrevenue": str(number % 100_000 * 10),
            "numemployees": str(number % 500 + (stamp != number)),
            "hs_email_open": str(number % 60),
            "hs_email_optout": "true" if number % 11 == 0 else "false",
            "date_of_birth": f"19{50 + number % 50}-0{number % 9 + 1}-1{number % 10}",
        }
        return {
            "id": str(number),
            "properties": properties,
            "createdAt": at,
            "updatedAt": at,
            "archived": False,
        }


def iso(seconds: int) -> str:
    return (EPOCH + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S.000Z")


class Serving:
    """The server in a process of its own, for the length of a `with` block; gives its URL."""

    def __init__(self, contacts: int) -> None:
        self.process = subprocess.Popen(
            [sys.executable, __file__, str(contacts)], stdout=subprocess.PIPE, text=True
        )

    def __enter__(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def __exit__(self, *error: object) -> None:
        self.process.terminate()
        self.process.wait(timeout=20)
        assert self.process.stdout is not None
        self.process.stdout.close()


def serve(contacts: int) -> None:
    import socket

    import uvicorn

    # named by its protocol, or asyncio leaves Nagle on and every answer waits 40 ms for an acknowledgement
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.bind(("127.0.0.1", 0))
    print(f"http://127.0.0.1:{listening.getsockname()[1]}", flush=True)
    config = uvicorn.Config(Crm(contacts), log_level="critical", access_log=False, lifespan="off")
    uvicorn.Server(config).run([listening])


if __name__ == "__main__":
    serve(int(sys.argv[1]))
