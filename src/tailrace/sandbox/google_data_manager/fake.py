"""Google's Data Manager on localhost: requests are taken at once, and judged when they are asked about (vendor-apis.md 7.2)."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from tailrace.sandbox.clock import Clock
from tailrace.sandbox.google import ApiError, TokenDesk, json_body, wrong_method
from tailrace.sandbox.google_data_manager.audiences import Audiences, refused_by
from tailrace.sandbox.google_data_manager.check import COMMON, INGEST, check
from tailrace.sandbox.limits import DailyLimit, SlidingWindow
from tailrace.sandbox.vendor import RowError, Settings
from tailrace.sandbox.wire import Request, Response
from tailrace.sandbox.world import World

SCOPE = "https://www.googleapis.com/auth/datamanager"
OBJECTS = ("audience_members",)
LISTS = re.compile(r"/v1/accountTypes/(\w+)/accounts/(\d+)/userLists")
PER_MINUTE, PER_DAY = 300, 100_000
REASONS = ("INVALID_FORMAT", "DENIED_CONSENT", "NO_CONSENT", "INTERNAL_ERROR", "DECRYPTION_ERROR")
TOKEN_WORDS = {
    "missing": "Request is missing required authentication credential. Expected OAuth 2 access token.",
    "invalid": "Request had invalid authentication credentials.",
    "expired": "Request had invalid authentication credentials. The access token has expired.",
}


@dataclass
class Job:
    """A request that was taken: what its status will say, and how often it was asked for."""

    status: dict[str, Any]
    asked: int = 0


class GoogleDataManager:
    """One project; every account exists, with the same few audiences. `looks`: a request is PROCESSING so often before it is done."""

    name = "google_data_manager"

    def __init__(self, world: World, clock: Clock, settings: Settings) -> None:  # noqa: ARG002 - every fake is made alike
        self.row_errors: list[RowError] = []
        self.looks = 1
        self.names_rows = True
        """Whether a status names the places of refused members, or their number alone."""
        self._settings = settings
        self._tokens = TokenDesk(clock, settings.token, SCOPE, self_signed=True)
        self._minute, self._day = SlidingWindow(PER_MINUTE, 60.0), DailyLimit(PER_DAY, clock)
        self.reset()

    def handle(self, request: Request) -> Response:
        """Answer one request; errors in Google's envelope."""
        path = unquote(request.path)
        if path == "/token":
            return self._tokens.answer(request)
        try:
            self._admit(request)
            return self._route(request, path)
        except ApiError as error:
            return error.response()

    def _route(self, request: Request, path: str) -> Response:
        if path in ("/v1/audienceMembers:ingest", "/v1/audienceMembers:remove"):
            if request.method != "POST":
                raise wrong_method()
            return self._take(request, ingest=path.endswith("ingest"))
        if path == "/v1/requestStatus:retrieve":
            return self._status(request)
        if LISTS.fullmatch(path):
            return Response.of(200, {"userLists": [{"id": name} for name in self._audiences.ids()]})
        raise ApiError(404, f"The requested URL {path} was not found on this server.")

    def _admit(self, request: Request) -> None:
        fault = self._tokens.check(request)
        if fault:
            raise ApiError(401, TOKEN_WORDS[fault])
        if not self._settings.limits:
            return
        for window, name in ((self._minute, "PerMinutePerProject"), (self._day, "PerDayPerProject")):
            if not window.take():
                info = {
                    "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                    "reason": "RATE_LIMIT_EXCEEDED",
                    "metadata": {"quota_limit": f"DefaultRequests{name}"},
                }
                raise ApiError(429, "Quota exceeded for quota metric 'Requests'.", [info])

    def _take(self, request: Request, *, ingest: bool) -> Response:
        body = json_body(request, INGEST if ingest else COMMON)
        check(body, ingest=ingest, audiences=self._audiences.ids())
        self._requests += 1
        name = f"sandbox-request-{self._requests:06d}"
        if body.get("validateOnly"):
            return Response.of(200, {"requestId": name})
        members, encoding = body["audienceMembers"], body["encoding"]
        refused = {
            place: error
            for place, member in enumerate(members)
            if (error := refused_by(self.row_errors, member, encoding)) is not None
        }
        for place, member in enumerate(members):
            if place not in refused:
                self._apply(body, member, ingest=ingest)
        self._jobs[name] = Job({"requestStatusPerDestination": self._judged(body, refused, ingest=ingest)})
        response = Response.of(200, {"requestId": name})
        response.rows_written = len(members) - len(refused)
        return response

    def _apply(self, body: dict[str, Any], member: dict[str, Any], *, ingest: bool) -> None:
        for destination in body["destinations"]:
            audience = str(destination["productDestinationId"])
            if ingest:
                consent = member.get("consent") or body.get("consent")
                self._audiences.add(audience, member, body["encoding"], consent)
            else:
                self._audiences.remove(audience, member, body["encoding"])

    def _judged(
        self, body: dict[str, Any], refused: dict[int, RowError], *, ingest: bool
    ) -> list[dict[str, Any]]:
        members = body["audienceMembers"]
        word = "SUCCESS" if not refused else "FAILED" if len(refused) == len(members) else "PARTIAL_SUCCESS"
        identifiers = sum(len(member["userData"]["userIdentifiers"]) for member in members)
        counts = {"recordCount": str(len(members)), "userIdentifierCount": str(identifiers)}
        told: dict[str, Any] = {"requestStatus": word}
        if ingest:
            told["audienceMembersIngestionStatus"] = {"userDataIngestionStatus": counts}
        else:
            told["audienceMembersRemovalStatus"] = {"userDataRemovalStatus": counts}
        if refused:
            told["errorInfo"] = {"errorCounts": self._counted(refused)}
        return [{"destination": destination, **told} for destination in body["destinations"]]

    def _counted(self, refused: dict[int, RowError]) -> list[dict[str, Any]]:
        found: dict[str, list[int]] = {}
        for place, error in refused.items():
            reason = error.category if error.category in REASONS else REASONS[0]
            found.setdefault(f"PROCESSING_ERROR_REASON_{reason}", []).append(place)
        return [
            {
                "reason": reason,
                "recordCount": str(len(places)),
                **({"recordIndices": places} if self.names_rows else {}),
            }
            for reason, places in found.items()
        ]

    def _status(self, request: Request) -> Response:
        job = self._jobs.get(request.param("requestId") or "")
        if job is None:
            raise ApiError(404, "The request ID was not found.")
        job.asked += 1
        if job.asked > self.looks:
            return Response.of(200, job.status)
        waiting = [
            {"destination": one["destination"], "requestStatus": "PROCESSING"}
            for one in job.status["requestStatusPerDestination"]
        ]
        return Response.of(200, {"requestStatusPerDestination": waiting})

    def objects(self) -> list[str]:
        """The one."""
        return list(OBJECTS)

    def records(self, obj: str) -> list[dict[str, Any]]:
        """Members of all audiences; hashes are hexadecimal here."""
        return list(self._of(obj).members.values())

    def replace(self, obj: str, records: list[dict[str, Any]]) -> None:
        """Hold exactly these."""
        self._of(obj)
        self._audiences = Audiences()
        self.upsert(obj, records)

    def upsert(self, obj: str, records: list[dict[str, Any]]) -> None:
        """Add or change by id."""
        found = self._of(obj)
        for record in records:
            if not record.get("id") or "audience" not in record or "userIdentifiers" not in record:
                raise ValueError("a member needs id, audience and userIdentifiers")
            found.put({**record, "id": str(record["id"])})

    def remove(self, obj: str, key: str) -> bool:
        """Take one member out as a person would."""
        return self._of(obj).drop(key)

    def writes(self, obj: str) -> dict[str, int]:
        """How often requests changed each member."""
        return dict(self._of(obj).writes)

    def advance(self, rng: random.Random, rounds_done: int) -> None:
        """Nobody else fills these audiences."""

    def reset(self) -> None:
        """Empty audiences; tokens stay valid."""
        self._audiences = Audiences()
        self._jobs: dict[str, Job] = {}
        self._requests = 0

    def _of(self, obj: str) -> Audiences:
        if obj not in OBJECTS:
            raise KeyError(f"google_data_manager has no object {obj!r}; known: {', '.join(OBJECTS)}")
        return self._audiences
