"""One HTTP client per connection: keep-alive, the account's budget, retries that honour the vendor's wait, no secrets shown."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlsplit

import httpx2
import orjson
import stamina

from tailrace.connectors.sdk import exact, tap
from tailrace.connectors.sdk.auth import Auth
from tailrace.connectors.sdk.base import Context
from tailrace.connectors.sdk.patience import Failed, Patience, retry_after
from tailrace.errors import AuthError, RateLimited, TailraceError, Unavailable, VendorRefused
from tailrace.events import RequestDone, emit
from tailrace.records import Quota

# stamina logs every retry; without a handler Python would print that on stderr. Our own events say it already.
logging.getLogger("stamina").addHandler(logging.NullHandler())
# httpx2 logs whole URLs at INFO, and some vendors' tokens travel in the query.
logging.getLogger("httpx2").setLevel(logging.WARNING)

LOCKED, MIGRATING = 423, 477
LOCKED_WAIT = 2.0
LOOPBACK = ("127.0.0.1", "localhost", "::1")
LONGEST_MESSAGE = 600
MOST_URLS = 100
PLAIN = {"Accept": "*/*", "Accept-Encoding": "gzip, deflate", "User-Agent": "tailrace"}


class Lost(Unavailable):
    """The request went out and no whole answer came back: it may have been carried out."""


@dataclass(frozen=True)
class Answer:
    """What a vendor answered; `headers` by lower-case name."""

    status: int
    headers: Mapping[str, str]
    content: bytes
    document: Any = None

    def json(self) -> Any:
        """The parsed body; None where it is empty or no JSON."""
        return self.document


def plain_message(answer: Answer) -> str:
    """`message` or `error.message` of a JSON body, else nothing."""
    document = answer.document
    if isinstance(document, list) and document:
        document = document[0]
    if not isinstance(document, Mapping):
        return ""
    error = document.get("error")
    if isinstance(error, Mapping):
        document = error
    return str(document.get("message") or "")


Kind = Literal["limited", "spent", "expired", "passing", "refused"]
"""Too many requests for now; for today; the token has ended; a failure that passes by itself; one that never will."""


@dataclass(frozen=True)
class Manners:
    """How a vendor speaks of limits and errors, where it does.

    `interval`: seconds to wait after a 429 that names no time; `limit`: (requests, seconds) from headers; `spent`: the
    429 means the day's budget; `wait`: seconds that the body asks for. `kind`: what an error answer of any other status
    means, for vendors that say "too many requests" or "token expired" by 400 or 403 (None: what its status means).
    `quotas`: what the headers say of long budgets. `refusal`: the error that an answer which is not tried again stands
    for, from the connection's name and the vendor's words (": ..." or ""), where the vendor's codes say more than its status.
    `hidden`: the status that an answer of 2xx really stands for, of vendors that put errors into its body (None: its own).
    `exact`: bare numbers in its answers may have more digits than a double keeps (sdk/exact.py).
    """

    interval: float = 10.0
    limit: Callable[[Mapping[str, str]], tuple[int, float] | None] | None = None
    spent: Callable[[Answer], bool] | None = None
    wait: Callable[[Answer], float | None] | None = None
    message: Callable[[Answer], str] = plain_message
    kind: Callable[[Answer], Kind | None] | None = None
    quotas: Callable[[Mapping[str, str]], Sequence[Quota]] | None = None
    refusal: Callable[[Answer, str, str], TailraceError | None] | None = None
    hidden: Callable[[Answer], int | None] | None = None
    exact: bool = False


@dataclass
class Http:
    """Requests to one host, at most `in_flight` of them at a time (default: the context's).

    `shared`: the account's budget is drawn on (False where the connection says off). `timeout`: seconds without a byte.
    """

    base_url: str
    auth: Auth
    context: Context
    manners: Manners = field(default_factory=Manners)
    max_wait: float = 300.0
    attempts: int = 5
    first_wait: float = 0.5
    shared: bool = True
    in_flight: int | None = None
    timeout: float = 120.0

    def __post_init__(self) -> None:
        self.base_url = self.base_url.rstrip("/")
        most = self.in_flight or self.context.in_flight
        self._slots = threading.BoundedSemaphore(most)
        self._told: tuple[int, float] | None = None
        self._urls: dict[str, httpx2.URL] = {}
        self._client = httpx2.Client(
            timeout=httpx2.Timeout(self.timeout, connect=min(10.0, self.timeout)),
            limits=httpx2.Limits(max_connections=most, max_keepalive_connections=None),
            trust_env=not self.loopback or self.base_url.startswith("https"),
        )

    @property
    def loopback(self) -> bool:
        """True where the host is this machine."""
        return is_loopback(self.base_url)

    def close(self) -> None:
        self._client.close()

    def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        json: Any = None,
        content: bytes | None = None,
        form: Mapping[str, str] | str | None = None,
        headers: Mapping[str, str] | None = None,
        media: str = "json",
        bucket: str = "",
        retry: bool | None = None,
        accept: Collection[int] = (),
    ) -> Answer:
        """The answer, if it is 2xx or its status is in `accept`.

        `content`: a JSON document that is encoded already. `media`: what the content type of the body must hold ("" for any); only "json" is parsed, the rest is in
        `content`. `retry`: sending it twice does no harm (default: GET alone). A `form` that is a text is encoded already.
        Raises AuthError, VendorRefused, RateLimited, Unavailable, or Lost where it may have been carried out.
        """
        again = method == "GET" if retry is None else retry
        patience = Patience(self.context.connection, self.max_wait, self.attempts, self.first_wait, again)
        body = orjson.dumps(json) if json is not None else content
        call = _Call(method, path, params, body, form, dict(headers or {}), media, bucket, frozenset(accept))
        try:
            return self._attempt(call, 1)
        except Failed as failed:
            return self._again(call, failed, patience)

    def _again(self, call: _Call, first: Failed, patience: Patience) -> Answer:
        """Further attempts after a first one that failed for the moment, as often as patience has it."""
        try:
            for attempt in stamina.retry_context(on=patience, attempts=None, timeout=None):
                with attempt:
                    if attempt.num == 1:
                        raise first
                    return self._attempt(call, attempt.num)
        except Failed as failed:
            raise failed.error from None
        raise AssertionError("stamina ends by a return or an error")

    def _attempt(self, call: _Call, number: int) -> Answer:
        headers = self.auth.headers()
        answer = self._exchange(call, headers, number)
        if self._expired(answer, call) and self.auth.renew(headers):
            answer = self._exchange(call, self.auth.headers(), number)
        if answer.status >= 300 and answer.status not in call.accept:
            raise self._refusal(answer)
        return answer

    def _expired(self, answer: Answer, call: _Call) -> bool:
        """The token ended in mid-run; it is renewed once for each request."""
        if answer.status in call.accept:
            return False
        return answer.status == 401 or (answer.status >= 400 and self._kind(answer) == "expired")

    def _kind(self, answer: Answer) -> Kind | None:
        return self.manners.kind(answer) if self.manners.kind is not None else None

    def _exchange(self, call: _Call, headers: Mapping[str, str], number: int) -> Answer:
        status = 0
        with self._slots:
            if self.shared:
                self.context.limiter.acquire(call.bucket)
            started = time.perf_counter()
            try:
                response = self._send(call, headers)
                status = response.status_code
            except httpx2.HTTPError as error:
                raise self._broken(error) from None
            except httpx2.InvalidURL as error:
                raise VendorRefused(
                    f"{self.context.connection}: {self.base_url!r} is no URL ({error})", "check base_url"
                ) from None
            finally:
                seconds = time.perf_counter() - started
                if self.shared:
                    self.context.limiter.done(call.bucket)
                emit(
                    RequestDone(
                        self.context.connection, call.method, call.path.split("?")[0], status, seconds, number
                    )
                )
        if tap.wanted():
            self._show(call, response)
        self._learn(response.headers, call.bucket)
        return self._understand(response, call)

    def _show(self, call: _Call, response: httpx2.Response) -> None:
        """For somebody who asked to see what travels; without secrets, and without headers."""
        asked, answered = response.request, response
        body = asked.content.decode("utf-8", "replace")
        tap.tell(
            tap.Exchange(
                self.context.connection, call.method, self.scrub(str(asked.url)), self.scrub(body),
                answered.status_code, self.scrub(answered.text),
            )
        )  # fmt: skip

    def _send(self, call: _Call, headers: Mapping[str, str]) -> httpx2.Response:
        """By a request of our own making: the client's would carry the cookies of earlier answers, and cost twice as much."""
        request = httpx2.Request(
            call.method,
            self._url(call.path),
            params=call.params,
            content=call.content if call.content is not None else _encoded(call.form),
            data=call.form if isinstance(call.form, Mapping) else None,
            headers={**PLAIN, **headers, **_media(call), **call.headers},
        )
        return self._client.send(request)

    def _url(self, path: str) -> httpx2.URL:
        """Parsed once: most requests of a connection go to a few paths."""
        found = self._urls.get(path)
        if found is None:
            if len(self._urls) >= MOST_URLS:
                self._urls.clear()
            found = self._urls[path] = httpx2.URL(self.base_url + path)
        return found

    def _understand(self, response: httpx2.Response, call: _Call) -> Answer:
        """The answer with its JSON; Failed for what passes by itself: 429, 423, 477, 5xx, a body cut short."""
        content, status = response.content, response.status_code
        due = call.media == "json" or status >= 300
        document, whole = parse(content, self.manners.exact) if due else (None, True)
        if (
            status < 300
            and content
            and not (whole and call.media in response.headers.get("content-type", call.media))
        ):
            name, media = self.context.connection, call.media.upper()
            error = Lost(f"{name}: the answer ({status}) is not the {media} that was due", "run again")
            raise Failed(error, "unreadable answer", carried_out=True)
        answer = Answer(status, response.headers, content, document)
        hidden = self.manners.hidden(answer) if self.manners.hidden is not None and status < 300 else None
        if hidden is not None:
            status = hidden
            answer = Answer(status, response.headers, content, document)
        if status in call.accept:
            return answer
        kind = self._kind(answer) if status >= 400 else None
        if kind == "refused":
            return answer
        if kind not in (None, "expired") or status in (429, LOCKED, MIGRATING, 408) or status >= 500:
            raise self._passing(answer, call.bucket, kind)
        return answer

    def _passing(self, answer: Answer, bucket: str, kind: Kind | None) -> Failed:
        name, status = self.context.connection, answer.status
        said = self._said(answer)
        wait = retry_after(answer.headers.get("retry-after"), self.context.now())
        if wait is None and self.manners.wait is not None:
            wait = self.manners.wait(answer)
        if status == 429 or kind in ("limited", "spent"):
            if kind == "spent" or (self.manners.spent is not None and self.manners.spent(answer)):
                raise RateLimited(
                    f"{name}: the account's daily requests are spent{said}", "run again tomorrow", wait
                )
            if wait is None:
                wait = self._told[1] if self._told else self.manners.interval
            if self.shared:
                self.context.limiter.block(wait, bucket)
            limited = RateLimited(f"{name}: the vendor still limits requests{said}", "run again later", wait)
            return Failed(limited, "rate limit", wait, free=True)
        if status in (LOCKED, MIGRATING):
            busy = Unavailable(
                f"{name}: the vendor holds the data locked ({status}){said}", "run again later", wait
            )
            return Failed(busy, "locked", wait if wait is not None else LOCKED_WAIT, free=status == MIGRATING)
        down = Lost(f"{name}: the vendor failed ({status}){said}", "run again later", wait)
        return Failed(down, f"status {status}", wait, carried_out=True)

    def _broken(self, error: httpx2.HTTPError) -> TailraceError | Failed:
        name = self.context.connection
        if isinstance(error, httpx2.UnsupportedProtocol | httpx2.LocalProtocolError):
            return VendorRefused(f"{name}: cannot call {self.base_url} ({error})", "check base_url")
        if isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout):
            return self._unreachable(error)
        why = "no answer in time" if isinstance(error, httpx2.TimeoutException) else "connection broke"
        return Failed(Lost(f"{name}: {why} before a whole answer came", "run again"), why, carried_out=True)

    def _unreachable(self, error: httpx2.HTTPError) -> TailraceError | Failed:
        why = (
            "connection refused" if "refused" in str(error).lower() else str(error) or "no connection in time"
        )
        text = f"{self.context.connection}: cannot reach {origin(self.base_url)} ({why})"
        if self.loopback:  # nothing on this machine comes back by waiting
            return Unavailable(text, "is the sandbox running? start it: tailrace sandbox")
        return Failed(Unavailable(text, "check the network and base_url"), why)

    def _refusal(self, answer: Answer) -> TailraceError:
        name, said = self.context.connection, self._said(answer)
        own = self.manners.refusal(answer, name, said) if self.manners.refusal is not None else None
        if own is not None:
            return own
        if answer.status == 401:
            return AuthError(
                f"{name}: the vendor refuses the credentials (401){said}", "check the connection's token"
            )
        if answer.status == 403:
            return AuthError(
                f"{name}: the credentials lack a permission (403){said}", "add the scope at the vendor"
            )
        return VendorRefused(f"{name}: the vendor refuses the request ({answer.status}){said}")

    def _said(self, answer: Answer) -> str:
        text = self.scrub(self.manners.message(answer).strip())[:LONGEST_MESSAGE]
        return f": {text.rstrip('.')}" if text else ""

    def scrub(self, text: str) -> str:
        """The text without any of the connection's secrets."""
        for secret in self.auth.secrets():
            if len(secret) >= 4:
                text = text.replace(secret, "***")
        return text

    def _learn(self, headers: Mapping[str, str], bucket: str) -> None:
        told = self.manners.limit(headers) if self.manners.limit is not None else None
        if told is not None and told != self._told:
            self._told = told
            if self.shared:
                self.context.limiter.learn(*told, bucket)
        if self.shared and self.manners.quotas is not None:
            for quota in self.manners.quotas(headers):
                self.context.limiter.report(quota)


@dataclass(frozen=True)
class _Call:
    method: str
    path: str
    params: Mapping[str, str] | None
    content: bytes | None
    form: Mapping[str, str] | str | None
    headers: Mapping[str, str]
    media: str
    bucket: str
    accept: frozenset[int]


def _encoded(form: Mapping[str, str] | str | None) -> bytes | None:
    """A form that is a text; one that is a mapping is left to the client."""
    return form.encode() if isinstance(form, str) else None


def _media(call: _Call) -> dict[str, str]:
    if call.content is not None:
        return {"Content-Type": "application/json"}
    return {"Content-Type": "application/x-www-form-urlencoded"} if isinstance(call.form, str) else {}


def parse(content: bytes, exactly: bool = False) -> tuple[Any, bool]:
    """The JSON of a body and whether it was whole; NaN, which orjson refuses, is read as some vendors write it."""
    if not content:
        return None, True
    try:
        return (exact.loads if exactly else orjson.loads)(content), True
    except orjson.JSONDecodeError:
        pass
    with contextlib.suppress(ValueError):
        return exact.lenient(content), True
    return None, False


def is_loopback(url: str) -> bool:
    """True where the URL's host is this machine."""
    return urlsplit(url).hostname in LOOPBACK


def origin(url: str) -> str:
    """Scheme, host and port: the part of a URL that holds no secret."""
    parts = urlsplit(url)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{parts.hostname or ''}{port}"
