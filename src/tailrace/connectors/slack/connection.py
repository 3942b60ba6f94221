"""One incoming webhook of Slack, and what its answers tell a person to do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tailrace.connectors.sdk.auth import NoAuth, reveal
from tailrace.connectors.sdk.base import (
    Context,
    Declaration,
    Finding,
    Source,
)
from tailrace.connectors.sdk.hook_url import account_of, base_and_end, hidden_parts
from tailrace.connectors.sdk.http import Answer, Http, Manners, origin
from tailrace.connectors.sdk.options import settings
from tailrace.connectors.slack.declaration import REQUESTS, SECONDS
from tailrace.connectors.slack.destination import SlackDestination
from tailrace.errors import AuthError, FatalError, TailraceError

ALIVE = (400,)
"""An empty message is refused so by a webhook that would take another."""


class Slack:
    """One webhook: one channel of one workspace. Nothing is requested before a message is sent."""

    def __init__(self, url: str, http: Http) -> None:
        self._url, self._http = url, http

    @classmethod
    def open(cls, declaration: Declaration, options: Mapping[str, Any], context: Context) -> Slack:
        given = settings(declaration, options, context.connection)
        url = str(reveal(given["webhook_url"]))
        limits = given["rate_limit"]
        chosen = limits if isinstance(limits, Mapping) else {}
        window = float(chosen.get("seconds", SECONDS))
        if limits != "off":
            context.limiter.learn(int(chosen.get("requests", REQUESTS)), window)
        http = Http(
            base_and_end(url)[0],
            NoAuth(hidden_parts(url)),
            context,
            Manners(window, message=words, refusal=refusal),
            max_wait=given["max_wait"],
            shared=limits != "off",
            in_flight=given["in_flight"],
        )
        return cls(url, http)

    def account(self) -> str:
        """The host and a digest of the path but for its last part, which is the secret."""
        return account_of(self._url, without_last=True)

    def source(self) -> Source:
        name = self._http.context.connection
        raise FatalError(f"{name}: slack has nothing to land", "name another connection in the pipeline")

    def destination(self) -> SlackDestination:
        return SlackDestination(self._http, base_and_end(self._url)[1])

    def examine(self) -> Iterator[Finding]:
        """An empty message, which Slack refuses by words that tell whether the webhook lives; nobody sees anything."""
        answer = self._http.request(
            "POST", base_and_end(self._url)[1], json={}, media="", retry=True, accept=ALIVE
        )
        said = words(answer)
        if answer.status in ALIVE:
            yield Finding(
                "ok", "webhook", f"{origin(self._url)} knows it (an empty message is refused: {said})"
            )
        else:
            yield Finding("warning", "webhook", f"an empty message was answered {answer.status}, not refused")

    def is_sandbox(self) -> bool:
        return self._http.loopback

    def close(self) -> None:
        self._http.close()


def words(answer: Answer) -> str:
    """Slack's errors are one word of plain text."""
    return " ".join(answer.content[:200].decode("utf-8", "replace").split())


def refusal(answer: Answer, name: str, said: str) -> TailraceError | None:
    """What is wrong with the webhook itself, and not with a message (vendor-apis.md 10)."""
    if answer.status in (401, 403):
        return AuthError(
            f"{name}: Slack refuses the webhook ({answer.status}){said}",
            "make a new webhook in the Slack app, or have an admin allow it, and put its URL into webhook_url",
        )
    if answer.status in (404, 410):
        return FatalError(
            f"{name}: the webhook or its channel is gone ({answer.status}){said}",
            "make a webhook for a channel that exists, and put its URL into webhook_url",
        )
    return None
