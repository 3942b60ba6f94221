"""Requests to the Graph API: the token in the query, JSON parameters as text, listings page by page."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import orjson

from tailrace.connectors.sdk.auth import reveal
from tailrace.connectors.sdk.http import Answer, Http
from tailrace.connectors.sdk.paging import by_cursor
from tailrace.errors import Unavailable

Record = dict[str, Any]
ACCEPT = {"Accept": "application/json"}


class QueryToken:
    """A static access token and its proof, which travel in the query (vendor-apis.md 7.3); a refusal is final."""

    def __init__(self, token: Any, app_secret: Any) -> None:
        self._token = str(reveal(token))
        self._app_secret = str(reveal(app_secret)) if app_secret else ""

    def params(self) -> dict[str, str]:
        """The token and, with an app secret, the HMAC-SHA256 of it in hex."""
        if not self._app_secret:
            return {"access_token": self._token}
        proof = hmac.new(self._app_secret.encode(), self._token.encode(), hashlib.sha256).hexdigest()
        return {"access_token": self._token, "appsecret_proof": proof}

    def headers(self) -> dict[str, str]:
        return {}

    def renew(self, refused: Mapping[str, str]) -> bool:  # noqa: ARG002 - there is nothing to renew
        return False

    def secrets(self) -> list[str]:
        known = [*self.params().values(), *([self._app_secret] if self._app_secret else [])]
        return [*known, *(quote(secret, safe="") for secret in known)]


class Api:
    """One login on one version of the Graph API."""

    def __init__(self, http: Http, auth: QueryToken, version: str) -> None:
        self.http, self._auth, self._version = http, auth, version

    def call(
        self, method: str, path: str, params: Mapping[str, Any] | None = None, accept: Sequence[int] = ()
    ) -> Answer:
        """One request; each is a read, or adds and takes out what may be added and taken out again. Lists and objects become JSON."""
        texts = {name: _text(value) for name, value in (params or {}).items() if value not in (None, "")}
        return self.http.request(
            method,
            f"/{self._version}/{path}",
            params={**texts, **self._auth.params()} if method == "GET" else self._auth.params(),
            form=texts if method != "GET" else None,
            headers=ACCEPT,
            retry=True,
            accept=accept,
        )

    def get(self, path: str, params: Mapping[str, Any] | None = None) -> Record:
        """One object."""
        found = self.call("GET", path, params).json()
        if not isinstance(found, dict):
            raise self.malformed(path)
        return found

    def pages(self, path: str, params: Mapping[str, Any]) -> Iterator[list[Record]]:
        """The pages of an edge. An answer without `data` is none: it would look as if everything were gone."""

        def fetch(after: str | None) -> Record:
            document = self.get(path, {**params, "after": after})
            if not isinstance(document.get("data"), list):
                raise self.malformed(path)
            return document

        for document in by_cursor(fetch, lambda document: self._after(path, document)):
            yield document["data"]

    def debug_token(self) -> Answer:
        """What Meta says of the token itself; from memory, so a refusal is an answer too."""
        token = self._auth.params()["access_token"]
        return self.call("GET", "debug_token", {"input_token": token}, accept=(400, 401, 403, 404))

    def malformed(self, path: str) -> Unavailable:
        return Unavailable(f"{self.http.context.connection}: the answer to {path} is not Meta's", "run again")

    def _after(self, path: str, document: Mapping[str, Any]) -> str | None:
        """The next page's cursor: there is one where `next` is named (vendor-apis.md 7.3)."""
        paging = document.get("paging") or {}
        following = paging.get("next")
        if not following:
            return None
        after = (paging.get("cursors") or {}).get("after")
        told = parse_qs(urlsplit(str(following)).query).get("after", [""])[0]
        if not after and not told:
            raise self.malformed(path)
        return str(after or told)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()
