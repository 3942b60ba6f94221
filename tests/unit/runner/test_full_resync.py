"""A full resync leaves out what sends a row once, and says so."""

from __future__ import annotations

from contextlib import nullcontext
from types import SimpleNamespace

import pytest

from tailrace.runner import syncs
from tailrace.runner.sending import Sending


@pytest.mark.parametrize("mode", ["append", "insert"])
@pytest.mark.parametrize("alone", [False, True])
def test_syncs_that_send_a_row_once_are_skipped_unless_alone(monkeypatch, mode, alone):
    told, went = [], []
    session = SimpleNamespace(store=None, leases=None, step=lambda *names: nullcontext(), record=told.append)
    monkeypatch.setattr(syncs, "_filled", lambda session, sync: sync)
    monkeypatch.setattr(syncs, "_settle_orphans", lambda *rest: None)
    monkeypatch.setattr(syncs.journal, "deliveries", lambda store, name: [])
    monkeypatch.setattr(syncs, "_prepare", lambda s, w, r, sync, *rest: went.append(sync.name) or [])
    once = SimpleNamespace(name="alerts", mode=mode)
    others = [] if alone else [SimpleNamespace(name="scores", mode="update")]
    syncs.prepare_syncs(session, None, None, [once, *others], Sending(full_resync=True))
    assert went == (["alerts"] if alone else ["scores"])  # alone it is refused where it is prepared
    assert [(step.name, step.status) for step in told] == ([] if alone else [("alerts", "skipped")])
    assert alone or "sends a row once" in told[0].error
