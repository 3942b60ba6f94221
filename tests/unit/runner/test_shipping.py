"""One sync's delivery that ends in an odd way leaves the others alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from tailrace.runner import shipping
from tailrace.runner.sending import Sending
from tailrace.runner.session import Session
from tailrace.runner.shipping import Shipment

NOW = datetime(2026, 11, 21, tzinfo=UTC)


@dataclass
class Runs:
    """What shipping asks of a session, with the session's own steps."""

    recorded: list = field(default_factory=list)
    store = None
    step = Session.step

    def now(self):
        return NOW

    def record(self, result):
        self.recorded.append(result)

    def connector(self, name):
        return SimpleNamespace(destination=lambda: name)

    def in_flight(self, _name):
        return 1


@pytest.mark.parametrize("connections", [("crm", "crm"), ("crm", "list")])
def test_a_sync_that_stumbles_does_not_starve_the_others(monkeypatch, connections):
    delivered = []

    def deliver(_store, delivery, _destination, *, in_flight):
        assert in_flight == 1
        if delivery == "d-first":
            raise KeyError("jane@x.io")
        delivered.append(delivery)

    monkeypatch.setattr(shipping, "deliver", deliver)
    monkeypatch.setattr(shipping, "prepare_fields", lambda *_given: None)
    session = Runs()
    shipments = [
        Shipment(SimpleNamespace(name=name, connection=connection, options={}), f"d-{name}", NOW, {})
        for name, connection in zip(("first", "second"), connections, strict=True)
    ]
    shipping.ship(session, shipments, Sending())
    assert delivered == ["d-second"]
    [failed] = session.recorded
    assert (failed.name, failed.status) == ("first", "failed")
    assert "KeyError at" in failed.error and "jane@x.io" not in failed.error
