from __future__ import annotations

import sqlite3

import pytest

from tailrace.state import sqlite
from tailrace.state.sqlite import SQLiteStore
from tests.conformance.store_suite import StoreSuite


class Opener:
    def __init__(self, folder):
        self.folder = folder / "project"
        self.opened = []

    def __call__(self):
        self.opened.append(SQLiteStore(self.folder / "state.db"))
        return self.opened[-1]

    def older(self, version):
        db = sqlite3.connect(self.folder / "state.db")
        db.execute(f"PRAGMA user_version = {version}")
        db.close()

    def next_format(self, monkeypatch, step):
        monkeypatch.setattr(sqlite, "FORMAT", 4)
        monkeypatch.setattr(sqlite, "STEPS", {**sqlite.STEPS, 4: step})

    def gone(self, store, run_id):
        with store.write() as db:
            db.execute("UPDATE runs SET pid = 99999999 WHERE run_id = ?", (run_id,))

    def moved(self, folder):
        self.folder = self.folder.rename(folder)
        return self()


class TestSQLite(StoreSuite):
    @pytest.fixture
    def opener(self, tmp_path):
        made = Opener(tmp_path)
        yield made
        [store.close() for store in made.opened]
