"""A worker whose lock of the state has ended publishes nothing and settles nothing, and BigQuery is opened under its lease alone."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from tailrace.errors import LockLost
from tailrace.runner import publishing, run, shipping
from tailrace.runner.session import Session


@pytest.fixture
def session(tmp_path):
    """One that has lost its lock; `did` is what it was asked for."""
    did = []

    def check():
        raise LockLost("this run lost the run lock", "run again")

    @contextmanager
    def warehouse():
        yield "the warehouse"

    return SimpleNamespace(
        did=did,
        store=SimpleNamespace(check=check),
        published=tmp_path / "none.duckdb",
        warehouse=warehouse,
        now=lambda: did.append("began"),
        step=lambda *_: did.append("step"),
    )


def test_nothing_is_published(session):
    with pytest.raises(LockLost):
        publishing.publish_work(session, "warehouse")
    assert session.did == []


def test_nothing_is_settled(session, monkeypatch):
    monkeypatch.setattr(shipping, "settle_shipments", lambda *_: session.did.append("settled"))
    with pytest.raises(LockLost):
        run._settle(session, [], publishing=True)
    assert session.did == []


@pytest.mark.parametrize(("kind", "opens"), [("bigquery", False), ("duckdb", True)])
def test_bigquery_is_opened_under_its_lease_alone(kind, opens, monkeypatch):
    made = []
    monkeypatch.setattr(
        "tailrace.warehouse.opening.open_warehouse",
        lambda engine, *_, **__: made.append(engine) or SimpleNamespace(close=lambda: None),
    )
    target = SimpleNamespace(type=kind, settings={}, attach=())
    found = SimpleNamespace(
        project=SimpleNamespace(target=target), lease=None, work=Path(__file__), _run=lambda: None
    )
    if opens:
        with Session.warehouse(found):
            assert made == ["duckdb"]
        return
    with pytest.raises(AssertionError, match="outside of locked"), Session.warehouse(found):
        pass
    assert made == []
