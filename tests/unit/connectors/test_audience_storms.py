"""Members and audiences in bad weather: each row ends as it should, or is told of; nothing is lost and nobody else is touched."""

from __future__ import annotations

import io
import random
import tarfile
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from tests.conformance import mailchimp_writing as mailchimp
from tests.conformance import meta_ads_writing as meta
from tests.conformance.vendors import Desk, connect

from tailrace.connectors.sdk.base import Connector
from tailrace.connectors.sdk.writing import WriteResult, WriteRow
from tailrace.errors import RetriableError, TailraceError, Unavailable
from tailrace.sandbox.server import Sandbox

JSON = {"content-type": "application/json"}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox.start(contacts=150, limits=False) as sandbox:
        yield sandbox


@pytest.fixture
def desk(sandbox: Sandbox) -> Iterator[Desk]:
    desk = Desk(sandbox)
    yield desk
    desk.reset()


def opened(sandbox: Sandbox, vendor: str, login: dict[str, Any]) -> Connector:
    connector = connect(vendor, sandbox.base_url(vendor), login)
    connector.destination()._api.http.first_wait = 0.001  # type: ignore[attr-defined]
    return connector


@pytest.fixture
def writing(sandbox: Sandbox) -> Iterator[mailchimp.Writing]:
    connector = opened(sandbox, "mailchimp", {**mailchimp.LOGIN, "batch_wait": "0.2s"})
    yield mailchimp.Writing(connector.destination(), tags=["gold", "silver"], batch=40)
    connector.close()


def storm(vendor: str, seed: int) -> list[dict[str, Any]]:
    """One request in three goes wrong in one way or another."""
    rule = {"vendor": vendor, "probability": 0.08}
    return [
        {**rule, "seed": seed, "status": 502},
        {**rule, "seed": seed + 1, "lost_answer": True},
        {**rule, "seed": seed + 2, "reset": True},
        {**rule, "seed": seed + 3, "status": 429, "body": "{}"},
    ]


def until_settled(send: Any, rows: list[WriteRow]) -> dict[str, WriteResult]:
    """As the delivery does: what is unknown, late or was in an error is sent again; twenty rounds are enough."""
    settled: dict[str, WriteResult] = {}
    for _ in range(20):
        left = [row for row in rows if row.trace not in settled]
        if not left:
            return settled
        try:
            results = send(left)
        except RetriableError:
            continue
        assert [result.trace for result in results] == [row.trace for row in left]
        settled |= {result.trace: result for result in results if result.outcome not in ("unknown", "later")}
    raise AssertionError(f"{len(rows) - len(settled)} rows never settled")


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("batch_from", [1, 1000])
def test_members_end_as_the_model_says(
    writing: mailchimp.Writing, desk: Desk, seed: int, batch_from: int
) -> None:
    rng = random.Random(seed)
    writing.options = {**writing.options, "batch_from": batch_from}
    known = mailchimp.members(desk)
    untouched = {one["id"]: one for one in mailchimp.members(desk, None)}
    updates = [
        mailchimp.row(
            one["email_address"], COMPANY=f"Acme {n}", tags=rng.choice(["gold", "silver", "", None])
        )
        for n, one in enumerate(known[:30])
    ]
    updates.append(mailchimp.row("nobody@tailrace.example", COMPANY="x"))
    upserts = [
        mailchimp.row(f"new{n}@tailrace.example", LTV="a lot" if n % 10 == 0 else n, tags="gold")
        for n in range(60)
    ]
    desk.faults(*storm("mailchimp", seed * 10))
    told = until_settled(lambda rows: writing.send("update", *rows), updates)
    told |= until_settled(lambda rows: writing.send("upsert", *rows), upserts)
    desk.faults()
    outcomes = {trace: result.outcome for trace, result in told.items()}
    dead = {f"new{n}@tailrace.example" for n in range(0, 60, 10)}
    assert {trace for trace, outcome in outcomes.items() if outcome == "dead"} == dead
    assert {trace for trace, outcome in outcomes.items() if outcome == "unmatched"} == {
        "nobody@tailrace.example"
    }
    now = {one["email_address"]: one for one in mailchimp.members(desk, None)}
    for row in updates[:30]:
        wanted = {tag for tag in (row.values["tags"] or "").split(";") if tag}
        member = now[row.key]
        assert member["merge_fields"]["COMPANY"] == row.values["COMPANY"]
        assert {tag["name"] for tag in member["tags"]} & {"gold", "silver"} == wanted
        touched = untouched.pop(member["id"])
        assert {tag["name"] for tag in touched["tags"]} <= {tag["name"] for tag in member["tags"]}
    for row in upserts:
        assert (row.key in now) == (row.key not in dead)
        if row.key in now:
            assert now[row.key]["merge_fields"]["LTV"] == row.values["LTV"]
            assert [tag["name"] for tag in now[row.key]["tags"]] == ["gold"]
    assert all(now[one["email_address"]] == one for one in untouched.values())


@pytest.mark.parametrize("seed", range(4))
def test_audiences_end_as_the_model_says(sandbox: Sandbox, desk: Desk, seed: int) -> None:
    connector = opened(sandbox, "meta_ads", meta.LOGIN)
    destination = connector.destination()
    before = [meta.row(f"p{n}@tailrace.example") for n in range(100)]
    meta.send(destination, "upsert", *before)
    moved = [meta.row(f"q{n}@tailrace.example", previous_key=f"p{n}@tailrace.example") for n in range(30)]
    gone = [meta.row(f"p{n}@tailrace.example") for n in range(30, 50)]
    refused = {"keys": ["q7@tailrace.example"]}
    desk.faults(
        {"vendor": "meta_ads", "route": "*/users", "row_error": refused}, *storm("meta_ads", seed * 10)
    )
    told = until_settled(lambda rows: meta.send(destination, "upsert", *rows, batch=8), moved)
    told |= until_settled(lambda rows: meta.send(destination, "archive", *rows, batch=8), gone)
    desk.faults()
    assert {trace for trace, result in told.items() if result.outcome == "dead"} == {"q7@tailrace.example"}
    wanted = {f"q{n}@tailrace.example" for n in range(30) if n != 7} | {
        f"p{n}@tailrace.example" for n in (7, *range(50, 100))
    }  # who cannot come in as new stays as before
    assert meta.emails(desk) == {meta.sha(email) for email in wanted}
    connector.close()


def archive_of(entries: Any, name: str = "x.json") -> bytes:
    content, packed = orjson.dumps(entries), io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        entry = tarfile.TarInfo(name)
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


class Results:
    """Stands where a batch's results are fetched from, and changes what is found."""

    def __init__(self, sandbox: Sandbox, change: Any) -> None:
        self.account = sandbox.house.fakes["mailchimp"]._account  # type: ignore[attr-defined]
        self.kept, self.change = self.account.results, change

    def get(self, key: str) -> bytes | None:
        packed = self.kept.get(key)
        if packed is None:
            return None
        with tarfile.open(fileobj=io.BytesIO(packed), mode="r:gz") as archive:
            file = archive.extractfile(archive.getmembers()[0])
            assert file is not None
            return bytes(self.change(orjson.loads(file.read())))

    def __setitem__(self, key: str, packed: bytes) -> None:
        self.kept[key] = packed


def batched(writing: mailchimp.Writing, sandbox: Sandbox, desk: Desk, change: Any) -> list[WriteResult]:
    account = sandbox.house.fakes["mailchimp"]._account  # type: ignore[attr-defined]
    account.results = Results(sandbox, change)
    writing.options = {**writing.options, "batch_from": 1}
    rows = [mailchimp.row(one["email_address"], COMPANY="Acme") for one in mailchimp.members(desk)[:4]]
    return writing.send("update", *rows)


def test_results_out_of_order_are_matched(writing: mailchimp.Writing, sandbox: Sandbox, desk: Desk) -> None:
    emails = [one["email_address"] for one in mailchimp.members(desk)[:4]]
    results = batched(writing, sandbox, desk, lambda entries: archive_of(entries[::-1]))
    assert [(each.trace, each.outcome) for each in results] == [(email, "acked") for email in emails]
    assert [each.remote_id for each in results] == [one["id"] for one in mailchimp.members(desk)[:4]]


def test_results_that_are_missing_are_unknown(
    writing: mailchimp.Writing, sandbox: Sandbox, desk: Desk
) -> None:
    results = batched(writing, sandbox, desk, lambda entries: archive_of(entries[:1] + entries[3:]))
    assert [each.outcome for each in results] == ["acked", "unknown", "unknown", "acked"]


@pytest.mark.parametrize(
    ("status", "response", "outcome"),
    [
        (429, "", "later"),
        (500, "{}", "later"),
        (403, "<html>", "later"),
        (403, '{"title": "Forbidden"}', "unknown"),
        (404, '{"title": "Resource Not Found"}', "unmatched"),
        (400, {"title": "No", "errors": [{"field": "merge_fields.COMPANY", "message": "bad"}]}, "dead"),
        (200, "", "unknown"),
        (None, "{}", "unknown"),
    ],
)
def test_one_operations_answer_is_its_rows_outcome(
    writing: mailchimp.Writing, sandbox: Sandbox, desk: Desk, status: Any, response: Any, outcome: str
) -> None:
    def change(entries: list[dict[str, Any]]) -> bytes:
        entries[1] |= {"status_code": status, "response": response}
        return archive_of(entries)

    results = batched(writing, sandbox, desk, change)
    assert [each.outcome for each in results] == ["acked", outcome, "acked", "acked"]
    if outcome == "dead" and isinstance(response, dict):
        assert (results[1].field, results[1].reason) == ("COMPANY", "No (COMPANY: bad)")


@pytest.mark.parametrize("content", [b"", b"no archive", b"\x1f\x8b\x08\x00"], ids=["none", "text", "cut"])
def test_results_that_cannot_be_read_are_an_error(
    writing: mailchimp.Writing, sandbox: Sandbox, desk: Desk, content: bytes
) -> None:
    with pytest.raises(Unavailable):
        batched(writing, sandbox, desk, lambda _: content)


def test_results_without_an_entry_settle_nothing(
    writing: mailchimp.Writing, sandbox: Sandbox, desk: Desk
) -> None:
    results = batched(writing, sandbox, desk, lambda _: archive_of([]))
    assert {each.outcome for each in results} == {"unknown"}


def test_a_batch_that_never_ends_is_given_up(writing: mailchimp.Writing, desk: Desk) -> None:
    desk.faults(
        {
            "vendor": "mailchimp",
            "route": "/3.0/batches/*",
            "status": 200,
            "headers": JSON,
            "body": {"status": "started"},
        }
    )
    writing.options = {**writing.options, "batch_from": 1}
    with pytest.raises(Unavailable, match="is not done after") as caught:
        writing.send("update", mailchimp.row(mailchimp.members(desk)[0]["email_address"], COMPANY="A"))
    assert "batch_wait" in caught.value.fix


def test_who_cannot_be_read_is_not_taken_for_absent(writing: mailchimp.Writing, desk: Desk) -> None:
    """Otherwise a person's edit would be overwritten."""
    emails = [one["email_address"] for one in mailchimp.members(desk)[:3]]
    writing.fields()
    desk.faults({"vendor": "mailchimp", "route": "*/members/*", "nth": [2, 3, 4, 5, 6, 7], "status": 500})
    with pytest.raises(TailraceError):
        writing.read_edits(emails, ["COMPANY"])


def test_an_error_in_the_middle_leaves_the_others_unknown(writing: mailchimp.Writing, desk: Desk) -> None:
    writing.fields()
    problem = {"status": 403, "headers": JSON, "body": {"title": "Forbidden", "detail": "Not today"}}
    desk.faults({"vendor": "mailchimp", "route": "*/members/*", "nth": 2, **problem})
    rows = [mailchimp.row(one["email_address"], COMPANY="A") for one in mailchimp.members(desk)[:3]]
    results = writing.send("update", *rows)
    assert [each.outcome for each in results] == ["acked", "unknown", "unknown"]
    assert "Not today" in (results[1].reason or "")


def test_a_malformed_member_is_found_by_halves(writing: mailchimp.Writing, desk: Desk) -> None:
    writing.fields()
    detail = {
        "title": "Invalid Resource",
        "detail": "Schema",
        "errors": [{"field": "members.item:0.FNAME", "message": "no"}],
    }
    refusal = {"status": 400, "headers": JSON, "body": detail}
    # 4 refused, 2 refused, 1 refused, 1 taken, 2 taken
    desk.faults({"vendor": "mailchimp", "method": "POST", "nth": [1, 2, 3], **refusal})
    rows = [mailchimp.row(f"h{n}@tailrace.example", FNAME="x") for n in range(4)]
    results = writing.send("create", *rows)
    assert [(each.outcome, each.field) for each in results] == [("dead", "FNAME"), *[("acked", None)] * 3]
    assert sum(desk.writes("mailchimp", "members").values()) == 3
