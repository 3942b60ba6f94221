"""Several connections in one run: they do not wait for each other, one that is down stops no other, and Ctrl-C ends all."""

from __future__ import annotations

import signal
import time
from typing import Any

from tests.e2e.test_hooks import House, house

__all__ = ["house"]

SLOW = {"route": "*", "delay": 1.0}


def asked(house: House, vendor: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = house.acme.admin("GET", f"requests?vendor={vendor}")
    return found


def test_one_connection_that_is_down_stops_no_other(house: House) -> None:
    house.acme.admin("PUT", "faults", [{"vendor": "slack", "route": "*", "status": 503}])
    ran = house.acme.run(code=1)
    steps = ran.steps("activate")
    assert {name: step["status"] for name, step in steps.items()} == {
        "webhook": "ok",
        "slack": "failed",
        "google": "ok",
    }
    assert set(house.statuses("slack").values()) <= {"pending", "unknown"}
    house.acme.admin("PUT", "faults", [])
    house.acme.run()
    assert [set(house.statuses(sync).values()) for sync in ("webhook", "slack", "google")] == [{"acked"}] * 3


def test_ctrl_c_ends_the_deliveries_of_all_connections_after_what_is_in_flight(house: House) -> None:
    before = len(asked(house, "slack"))
    house.acme.admin("PUT", "faults", [{"vendor": "slack", **SLOW}, {"vendor": "webhook", **SLOW}])
    process = house.acme.start("run")
    deadline = time.monotonic() + 120
    while len(asked(house, "slack")) == before and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "Traceback" not in err
    assert len(asked(house, "slack")) - before < 3, "what waits is not sent any more"
    house.acme.admin("PUT", "faults", [])
    house.acme.run()
    assert [set(house.statuses(sync).values()) for sync in ("webhook", "slack", "google")] == [{"acked"}] * 3
    texts = [one["text"] for one in house.records("slack", "messages")]
    assert len(texts) == len(set(texts)) == 3
