"""A URL that takes webhooks: how requests to it are signed, and what its answers tell a person to do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tailrace.connectors.sdk.auth import reveal
from tailrace.connectors.sdk.base import (
    Context,
    Declaration,
    Finding,
    Source,
)
from tailrace.connectors.sdk.hook_url import account_of, base_and_end, hidden_parts
from tailrace.connectors.sdk.http import Answer, Http, Manners, origin
from tailrace.connectors.sdk.options import settings
from tailrace.connectors.webhook.answers import message_of
from tailrace.connectors.webhook.declaration import SECRETS, key_of
from tailrace.connectors.webhook.destination import WebhookDestination
from tailrace.connectors.webhook.signing import Signer
from tailrace.errors import AuthError, FatalError, TailraceError

INTERVAL = 5.0
"""Seconds after a 429 that names no time (Standard Webhooks' first step back)."""


class Webhook:
    """One receiver. Nothing is requested before rows are sent."""

    def __init__(self, url: str, http: Http, signer: Signer, keys: int) -> None:
        self._url, self._http, self._signer, self._keys = url, http, signer, keys

    @classmethod
    def open(cls, declaration: Declaration, options: Mapping[str, Any], context: Context) -> Webhook:
        given = settings(declaration, options, context.connection)
        url = str(reveal(given["url"]))
        secrets = [str(reveal(given[name])) for name in SECRETS if given[name]]
        headers = {str(name): str(reveal(value)) for name, value in (given["headers"] or {}).items()}
        hidden = [*secrets, *headers.values(), *hidden_parts(url).values()]
        signer = Signer([key_of(secret) for secret in secrets], headers, hidden, context.now)
        limits = given["rate_limit"]
        if isinstance(limits, Mapping):
            context.limiter.learn(int(limits["requests"]), float(limits["seconds"]))
        http = Http(
            base_and_end(url)[0],
            signer,
            context,
            Manners(INTERVAL, message=message_of, refusal=refusal),
            max_wait=given["max_wait"],
            shared=limits != "off",
            in_flight=given["in_flight"],
            timeout=given["timeout"],
        )
        return cls(url, http, signer, len(secrets))

    def account(self) -> str:
        """The host and a digest of the path."""
        return account_of(self._url)

    def source(self) -> Source:
        name = self._http.context.connection
        raise FatalError(f"{name}: a webhook has nothing to land", "name another connection in the pipeline")

    def destination(self) -> WebhookDestination:
        end = base_and_end(self._url)[1]
        return WebhookDestination(self._http, end, self._signer, self._http.context.now)

    def examine(self) -> Iterator[Finding]:
        """What can be told without a request: the receiver would take one for a delivery."""
        text = f"{origin(self._url)} is not asked, for it would take that for a delivery"
        yield Finding("ok", "receiver", text)
        if self._url.startswith("http:") and not self._http.loopback:
            yield Finding("warning", "receiver", "rows travel unencrypted (http)", "use https")
        signed = "one signature" if self._keys == 1 else "two signatures, of the new secret and the previous"
        yield Finding("ok", "signing", f"each request carries {signed}")

    def is_sandbox(self) -> bool:
        return self._http.loopback

    def close(self) -> None:
        self._http.close()


def refusal(answer: Answer, name: str, said: str) -> TailraceError | None:
    """What a receiver's status tells a person to do (Standard Webhooks 1.0: 3xx fails, 410 is the end)."""
    status = answer.status
    if 300 <= status < 400:
        return FatalError(
            f"{name}: the receiver redirects ({status}), which is not followed", "put the final URL into url"
        )
    if status in (401, 403):
        return AuthError(
            f"{name}: the receiver refuses the request ({status}){said}",
            "check signing_secret and headers on both sides, and both clocks",
        )
    if status in (404, 405):
        return FatalError(f"{name}: nothing takes webhooks at this URL ({status}){said}", "check url")
    if status == 410:
        return FatalError(
            f"{name}: the receiver is gone (410){said}", "make a new hook, and put its URL into url"
        )
    return None
