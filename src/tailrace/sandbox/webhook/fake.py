"""A receiver that checks signatures, takes each message once, and answers for each row as docs/connectors/webhook.md says."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import orjson

from tailrace.sandbox.clock import Clock, iso
from tailrace.sandbox.vendor import RowError, Settings
from tailrace.sandbox.webhook.verify import Unsigned, verify
from tailrace.sandbox.wire import Request, Response
from tailrace.sandbox.world import World

DELIVERIES = "deliveries"
Record = dict[str, Any]


class Webhook:
    """`deliveries` are the messages by id; every other object is the rows of that name, by key."""

    name = "webhook"

    def __init__(self, world: World, clock: Clock, settings: Settings) -> None:  # noqa: ARG002 - every fake is made alike
        self.row_errors: list[RowError] = []
        self._clock = clock
        self.reset()

    def handle(self, request: Request) -> Response:
        """One message; a repeat is answered as the first was, and changes nothing."""
        if request.method != "POST":
            return Response.of(405, {"error": "a webhook is posted"})
        try:
            name = verify(request, self._clock.now())
            kind, rows = _read(request)
        except Unsigned as error:
            return Response.of(401, {"error": str(error)})
        except ValueError as error:
            return Response.of(400, {"error": str(error)})
        known = self._deliveries.get(name)
        if known is not None:
            known["repeats"] += 1
            return Response.of(200, known["answer"])
        answer, written = self._take(rows)
        self._deliveries[name] = {
            "id": name, "path": request.path, "type": kind, "received": iso(self._clock.stamp()),
            "signatures": len(request.headers["webhook-signature"].split(" ")), "repeats": 0,
            "headers": dict(request.headers), "body": request.body.decode(), "rows": rows, "answer": answer,
        }  # fmt: skip
        return _counted(answer, written)

    def _take(self, rows: list[Record]) -> tuple[Record, int]:
        errors = []
        for row in rows:
            error = self._refusal(row)
            if error is None:
                self._apply(row)
            else:
                errors.append({"trace": row["trace"], "key": row.get("key"), **error})
        return ({"errors": errors} if errors else {"received": len(rows)}), len(rows) - len(errors)

    def _refusal(self, row: Record) -> Record | None:
        words = {
            str(row.get("key")).strip().lower(),
            *(str(value).lower() for value in row["fields"].values()),
        }
        for error in self.row_errors:
            if words & error.keys:
                return {"message": error.message, "code": error.category.lower()}
        if row["operation"] == "update" and str(row.get("key")) not in self._of(row["object"]):
            return {"message": "there is no such record", "code": "not_found"}
        return None

    def _apply(self, row: Record) -> None:
        records = self._of(row["object"])
        key = str(row.get("key", f"{len(records) + 1}"))
        before = records.pop(str(row.get("previous_key")), {})
        if row["operation"] == "archive":
            records.pop(key, None)
        else:
            kept = {**before, **records.get(key, {})}
            records[key] = {**kept, "id": key, **row["fields"]}
            if "associations" in row:
                records[key]["associations"] = row["associations"]
        self._writes.setdefault(row["object"], Counter())[key] += 1

    def objects(self) -> list[str]:
        """deliveries, and whatever was sent."""
        return [DELIVERIES, *sorted(self._objects)]

    def records(self, obj: str) -> list[Record]:
        """What is held; of a name that nothing came for, nothing."""
        return list((self._deliveries if obj == DELIVERIES else self._objects.get(obj, {})).values())

    def replace(self, obj: str, records: list[Record]) -> None:
        """Hold exactly these."""
        (self._deliveries if obj == DELIVERIES else self._of(obj)).clear()
        self.upsert(obj, records)

    def upsert(self, obj: str, records: list[Record]) -> None:
        """Add or change by id."""
        found = self._deliveries if obj == DELIVERIES else self._of(obj)
        for record in records:
            if not record.get("id"):
                raise ValueError(f"a record of {obj} without id")
            found[str(record["id"])] = {**found.get(str(record["id"]), {}), **record, "id": str(record["id"])}

    def remove(self, obj: str, key: str) -> bool:
        """Forget one."""
        found = self._deliveries if obj == DELIVERIES else self._objects.get(obj, {})
        return found.pop(key, None) is not None

    def writes(self, obj: str) -> dict[str, int]:
        """How often a message changed each record; repeats change none."""
        return dict(self._writes.get(obj, {}))

    def advance(self, rng: random.Random, rounds_done: int) -> None:
        """Nobody works here."""

    def reset(self) -> None:
        """Nothing was ever received."""
        self._deliveries: dict[str, Record] = {}
        self._objects: dict[str, dict[str, Record]] = {}
        self._writes: dict[str, Counter[str]] = {}

    def _of(self, obj: str) -> dict[str, Record]:
        return self._objects.setdefault(obj, {})


def _counted(answer: Record, written: int) -> Response:
    response = Response.of(200, answer)
    response.rows_written = written
    return response


def _read(request: Request) -> tuple[str, list[Record]]:
    """The message's type and rows, each with its object; ValueError says what is missing."""
    if not request.headers.get("content-type", "").startswith("application/json"):
        raise ValueError("the body is not JSON")
    document = orjson.loads(request.body)
    if isinstance(document, dict):
        missing = [name for name in ("type", "timestamp", "data") if name not in document]
        if missing:
            raise ValueError(f"the message has no {missing[0]}")
        rows = [{"type": document["type"], **row} for row in document["data"]]
    else:
        rows = [dict(row) for row in document]
    for row in rows:
        missing = [name for name in ("type", "trace", "operation", "fields") if name not in row]
        if missing:
            raise ValueError(f"a row has no {missing[0]}")
        row["object"] = str(row["type"]).rpartition(".")[0]
    return (rows[0]["type"] if rows else ""), rows
