"""Requests to the Data Manager: members in or out, and what became of them (vendor-apis.md 7.2)."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from tailrace import interrupts
from tailrace.connectors.google_data_manager.declaration import CONSENT
from tailrace.connectors.google_data_manager.verdicts import Verdict, of_refusal, of_status
from tailrace.connectors.sdk.google import error_of
from tailrace.connectors.sdk.http import Http
from tailrace.events import Waiting, emit

Verb = Literal["ingest", "remove"]
Member = Mapping[str, Any]
LONGEST_PAUSE = 300.0
SLICE = 1.0
"""Seconds of a wait after which Ctrl-C is looked for."""


@dataclass(frozen=True)
class Accounts:
    """Whose audience it is, and through whom the login acts; as (type, number)."""

    operating: tuple[str, str]
    login: tuple[str, str] | None

    def destination(self, audience: str) -> dict[str, Any]:
        found: dict[str, Any] = {"operatingAccount": _account(self.operating)}
        if self.login is not None:
            found["loginAccount"] = _account(self.login)
        return {**found, "productDestinationId": audience}


@dataclass(frozen=True)
class Patience:
    """Seconds before the first look, and for all looks together."""

    interval: float
    longest: float
    pause: Callable[[float], None] = time.sleep


class Api:
    """One login. Both verbs may be repeated: a member that is there already, or gone already, stays so."""

    def __init__(self, http: Http, accounts: Accounts, patience: Patience) -> None:
        self.http, self.accounts, self._patience = http, accounts, patience

    def carry(self, verb: Verb, members: Sequence[Member], options: Mapping[str, Any]) -> Verdict:
        """Send members and wait for what becomes of them; errors of the connection are raised."""
        body = self._body(verb, members, options)
        answer = self.http.request(
            "POST", f"/v1/audienceMembers:{verb}", json=body, retry=True, accept=(400,)
        )
        if answer.status >= 300:
            return of_refusal(error_of(answer), len(members))
        document = answer.json()
        request = document.get("requestId") if isinstance(document, Mapping) else None
        if not request:
            return Verdict("silent", "Google's answer names no request")
        return self._settled(str(request), len(members)) if options["confirm"] else Verdict("taken")

    def _body(self, verb: Verb, members: Sequence[Member], options: Mapping[str, Any]) -> dict[str, Any]:
        body: dict[str, Any] = {
            "destinations": [self.accounts.destination(options["audience"])],
            "audienceMembers": list(members),
            "encoding": options["encoding"].upper(),
        }
        if verb == "ingest":
            granted = CONSENT[0]
            status = {
                theirs: "CONSENT_GRANTED" if options[ours] == granted else "CONSENT_DENIED"
                for theirs, ours in (
                    ("adUserData", "ad_user_data"),
                    ("adPersonalization", "ad_personalization"),
                )
            }
            body |= {"consent": status, "termsOfService": {"customerMatchTermsOfServiceStatus": "ACCEPTED"}}
        return body

    def _settled(self, request: str, members: int) -> Verdict:
        """Google asks to wait, then to look again after ever longer waits (its page "Diagnostics")."""
        waited, pause = 0.0, self._patience.interval
        while waited + pause <= self._patience.longest:
            emit(Waiting(self.http.context.connection, pause, f"request {request} is processed"))
            self._wait(pause)
            waited += pause
            answer = self.http.request("GET", "/v1/requestStatus:retrieve", params={"requestId": request})
            verdict = of_status(answer.json(), members)
            if verdict is not None:
                return verdict
            pause = min(LONGEST_PAUSE, pause * 2)
        return Verdict("silent", f"Google still works on request {request} after {waited:.0f} s")

    def _wait(self, seconds: float) -> None:
        while seconds > 0:
            interrupts.check()
            self._patience.pause(min(SLICE, seconds))
            seconds -= SLICE


def _account(named: tuple[str, str]) -> dict[str, str]:
    return {"accountType": named[0], "accountId": named[1]}
