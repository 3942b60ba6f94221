"""dlt's rest_api source, with an eye on paginators that go round in circles."""

from __future__ import annotations

import ast
import hashlib
import re
import socket
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from tailrace.connectors.rest_api import placeholders, shape
from tailrace.connectors.rest_api.selectors import held
from tailrace.connectors.sdk.base import Context, Finding, ResourceSpec
from tailrace.connectors.sdk.dlt_errors import causes, shortened
from tailrace.connectors.sdk.dlt_items import Offer
from tailrace.connectors.sdk.dlt_offer import offer_of
from tailrace.connectors.sdk.dlt_source import DltConnector
from tailrace.connectors.sdk.inline import WrongSetting, revealed
from tailrace.errors import TailraceError, VendorRefused, near_miss

SAME_PAGES = 10
"""One page of rows so often is a paginator that asks for it again and again."""
SAME_ELSEWHERE = 10_000
"""The same of pages without rows, and of resources that ask once for each row of another one."""
FIX = "Mend it as dlt's pages on rest_api say"
CONNECT = 5.0
"""Seconds that `doctor` waits for base_url."""
_FIELD = re.compile(
    r"expects a field `(?P<field>.+?)`.* resource `(?P<parent>.+?)` .*param: `(?P<param>.+?)`\..*: (?P<fields>\[.*\])",
    re.DOTALL,
)
_PART = re.compile(r"(\w+)|\[(\d+)\]")


class RestSource(DltConnector):
    """Each resource is asked for alone; one that takes its paths from another one's rows asks for these too."""

    def __init__(self, options: Mapping[str, Any], context: Context) -> None:
        super().__init__(options, context)
        self._config = options["config"]

    def listed(self) -> Sequence[str]:
        return shape.names(self._config)

    def offer(self, resource: ResourceSpec, known: Mapping[str, Any]) -> Offer:  # noqa: ARG002
        made = self._made()
        if resource.name not in made:
            raise self.unknown(resource.name, list(made))
        found = made[resource.name]
        found.add_step(
            _Circles(resource.name, limit=SAME_ELSEWHERE if found.is_transformer else SAME_PAGES), 1
        )
        return offer_of(resource, found)

    def examine(self) -> Iterator[Finding]:
        """Whether base_url, or the proxy before it, takes a connection; nothing is asked of it."""
        from requests.utils import get_environ_proxies

        url = str(revealed(self._config["client"]["base_url"]))
        proxy = get_environ_proxies(url).get(urlsplit(url).scheme)
        host = _host_of(proxy or url)
        try:
            socket.create_connection(host, CONNECT).close()
        except OSError as error:
            what = f"{host[0]}:{host[1]} is not reached ({error.strerror or error})"
            fix = "check the proxy's address" if proxy else "check base_url and the network"
            yield Finding("error", "base_url", what, fix)
        else:
            yield Finding("ok", "base_url", f"{host[0]}:{host[1]} takes connections")

    def told(self, error: Exception) -> TailraceError:
        """A parent's field that is not in its rows is named where it is written."""
        for cause in causes(error):
            found = _FIELD.search(str(cause)) if isinstance(cause, ValueError) else None
            if found:
                fields = [str(name) for name in ast.literal_eval(found["fields"])]
                place = placeholders.place_of(self._config, found["param"])
                what = f"the rows of {found['parent']} have no {found['field']}"
                return WrongSetting(place, what, near_miss(found["field"], fields))
        return super().told(error)

    def _made(self) -> Mapping[str, Any]:
        """Every resource by name, made anew; WrongSetting where dlt refuses the config."""
        from dlt.common.exceptions import DictValidationException
        from dlt.sources.rest_api import rest_api_resources

        made: Any = held(revealed(self._config))
        try:
            return {one.name: one for one in rest_api_resources(made)}
        except DictValidationException as error:
            found = _deepest(error)
            raise WrongSetting(("config", *_path(found.path)), _sentence(found.msg), FIX) from error
        except (ValueError, KeyError) as error:
            raise WrongSetting(("config", "resources"), _sentence(str(error)), FIX) from error


def _deepest(error: Any) -> Any:
    """Of what dlt tried in turn, the trial that came furthest."""
    every = [error, *(_deepest(inner) for inner in error.nested_exceptions or ())]
    return max(every, key=lambda one: (len(_path(one.path)), "unexpected" in one.msg))


def _sentence(text: str) -> str:
    return shortened(text) or "dlt refuses the config"


def _host_of(url: str) -> tuple[str, int]:
    parts = urlsplit(url if "://" in url else f"http://{url}")
    return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)


def _path(path: str) -> tuple[str | int, ...]:
    """`./resources[0]/endpoint` as steps, in whatever way dlt joins them."""
    return tuple(word or int(number) for word, number in _PART.findall(path))


class _Circles:
    """A step of a dlt pipe: counts how often the same page came."""

    def __init__(self, name: str, limit: int) -> None:
        self._name, self._limit = name, limit
        self._seen: Counter[bytes] = Counter()

    def __call__(self, items: Any, _meta: Any = None) -> Any:
        page = hashlib.blake2b(repr(items).encode(), digest_size=16).digest()
        self._seen[page] += 1
        if self._seen[page] >= (self._limit if items else SAME_ELSEWHERE):
            what = f"{self._name}: the same page came {self._seen[page]} times"
            raise VendorRefused(what, "the paginator goes in circles: check `paginator:`")
        return items
