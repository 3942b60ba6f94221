"""What `status` says of the vendors' long budgets."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from tailrace.cli.frame import invoke
from tailrace.cli.main import cli
from tailrace.cli.start import write_project
from tailrace.records import Quota
from tailrace.state.quotas import quota_documents, quota_line
from tailrace.state.rate import SharedLimiter
from tailrace.state.sqlite import SQLiteStore

NOW = datetime(2026, 3, 4, 21, 0, tzinfo=UTC)


def line(tmp_path, quota, ago=timedelta(minutes=3)):
    store = SQLiteStore(tmp_path / "state.db")
    limiter = SharedLimiter(store, "hubspot", clock=(NOW - ago).timestamp)
    limiter.report(quota)
    limiter.flush()
    (found,) = quota_documents(store, ["ga4", "hubspot"])
    store.close()
    return quota_line(found, NOW)


@pytest.mark.parametrize(
    ("quota", "ago", "said"),
    [
        (
            Quota("daily", 650_000, 12_345, resets_at=NOW + timedelta(hours=3)),
            timedelta(minutes=3),
            "hubspot  daily requests 12,345 of 650,000 left (told 3 min ago, resets 00:00 UTC)",
        ),
        (
            Quota("daily requests", 10, 0),
            timedelta(seconds=59),
            "hubspot  daily requests 0 of 10 left (told just now)",
        ),
        (
            Quota("app usage", 100, 72.5, unit="%"),
            timedelta(hours=5),
            "hubspot  app usage 72.5% of 100% left (told 5 h ago)",
        ),
        (
            Quota("hourly", 40_000, 7, unit="tokens", resets_at=NOW - timedelta(hours=1)),
            timedelta(hours=50),
            "hubspot  hourly tokens 7 of 40,000 left (told 2 days ago, reset since)",
        ),
        (
            Quota("weekly", 9, 8, resets_at=NOW + timedelta(days=5)),
            timedelta(hours=30),
            "hubspot  weekly requests 8 of 9 left (told 30 h ago, resets 2026-03-09 21:00 UTC)",
        ),
    ],
)
def test_a_quota_in_words(tmp_path, quota, ago, said):
    assert line(tmp_path, quota, ago) == said


def test_status_tells_what_is_left_of_each_connection(tmp_path, capsys):
    write_project(tmp_path / "acme")
    store = SQLiteStore(tmp_path / "acme" / ".tailrace" / "dev" / "state.db")
    for name in ("hubspot", "gone"):
        limiter = SharedLimiter(store, name)
        limiter.report(Quota("daily", 100, 60))
        limiter.flush()
    store.close()
    assert invoke(cli, ["status", "--project", str(tmp_path / "acme")]) == 0
    said = capsys.readouterr().out
    assert "hubspot  daily requests 60 of 100 left (told just now)" in said
    assert "gone" not in said
    assert invoke(cli, ["status", "--json", "--project", str(tmp_path / "acme")]) == 0
    (found,) = json.loads(capsys.readouterr().out)["quotas"]
    assert (found["connection"], found["quota"], found["limit"], found["remaining"], found["unit"]) == (
        "hubspot", "daily", 100, 60, "requests",
    )  # fmt: skip
