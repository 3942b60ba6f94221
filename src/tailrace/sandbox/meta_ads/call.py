"""One request as the Graph API understands it: parameters from query and form, JSON-valued ones parsed, and paging."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import orjson

from tailrace.sandbox.meta_ads.errors import GraphError, invalid
from tailrace.sandbox.wire import Request, Response

Record = dict[str, Any]
DEFAULT_LIMIT, MOST = 25, 5000
NAMES_OF_TOKEN = ("access_token", "appsecret_proof")


@dataclass(frozen=True)
class Call:
    """`path` is behind the version, without slashes at its ends; `headers` go with the answer."""

    request: Request
    version: str
    path: str
    params: dict[str, str]
    headers: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, request: Request, version: str, path: str) -> Call:
        form = request.form() if request.body else {}
        return cls(request, version, path, {**dict(request.query), **form})

    def text(self, name: str) -> str | None:
        return self.params.get(name) or None

    def document(self, name: str) -> Any:
        """A JSON-valued parameter; None where it is absent. Code 100 where it is no JSON."""
        given = self.text(name)
        if given is None:
            return None
        try:
            return orjson.loads(given)
        except orjson.JSONDecodeError:
            raise invalid(f"param {name} must be an array or object in JSON.") from None

    def texts(self, name: str) -> list[str]:
        """A list of texts: JSON, or separated by commas."""
        given = self.text(name)
        if given is None:
            return []
        found = self.document(name) if given.startswith("[") else given.split(",")
        if not isinstance(found, list) or not all(isinstance(item, str) for item in found):
            raise invalid(f"param {name} must be an array.")
        return [item.strip() for item in found if item.strip()]

    def fields(self) -> list[str]:
        """The names asked for; `creative{id,name}` asks for creative."""
        names, depth, name = [], 0, ""
        for letter in ",".join(self.texts("fields")) + ",":
            depth += (letter == "{") - (letter == "}")
            if letter == "," and depth == 0:
                names.append(name.strip())
                name = ""
            elif depth == 0 and letter not in "{}":
                name += letter
        return list(dict.fromkeys(name for name in names if name))

    def answer(self, document: Any) -> Response:
        response = Response.of(200, document)
        response.headers.update(self.headers)
        return response

    def page(self, rows: list[Record], project: Any) -> Response:
        """A page of `rows`, each through `project`, with cursors and, where there is more, the whole next URL."""
        size, start = self._size(), self._start()
        shown = rows[start : start + size]
        document: Record = {"data": [project(row) for row in shown]}
        if shown:
            after = _cursor(start + len(shown))
            document["paging"] = {"cursors": {"before": _cursor(start), "after": after}}
            if start + size < len(rows):
                document["paging"]["next"] = self._url(after)
        if self.text("summary") == "true":
            document["summary"] = {"total_count": len(rows)}
        return self.answer(document)

    def _size(self) -> int:
        given = self.text("limit") or str(DEFAULT_LIMIT)
        if not given.isdecimal() or not int(given) > 0:
            raise invalid("param limit must be a positive integer")
        return min(int(given), MOST)

    def _start(self) -> int:
        given = self.text("after")
        if given is None:
            return 0
        try:
            return int(base64.urlsafe_b64decode(given + "=" * (-len(given) % 4)))
        except ValueError:
            raise GraphError(100, "Invalid cursors values", subcode=2108006) from None

    def _url(self, after: str) -> str:
        host = self.request.headers.get("host", "graph.facebook.com")
        query = [(name, value) for name, value in self.params.items() if name != "after"]
        path = f"/meta_ads/{self.version}/{self.path}"
        return f"http://{host}{path}?{urlencode([*query, ('after', after)])}"


def _cursor(position: int) -> str:
    return base64.urlsafe_b64encode(str(position).encode()).decode().rstrip("=")


def known(names: Iterable[str], fields: frozenset[str] | set[str], node: str) -> None:
    """Code 100 for the first name that is no field of the node."""
    for name in names:
        if name not in fields:
            message = f"Tried accessing nonexisting field ({name}) on node type ({node})"
            raise invalid(message)
