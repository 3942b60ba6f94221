from __future__ import annotations

from itertools import count

import pytest

from tests.conformance.store_suite import StoreSuite

NUMBERS = count()


class Opener:
    """Each opened store has a folder of its own, as on a machine of its own."""

    def __init__(self, server, folder):
        self.server, self.folder = server, folder
        self.schema = f"tailrace_acme_prod-{next(NUMBERS)}"
        self.opened = []

    def __call__(self, folder=None, **options):
        from tailrace.state.postgres import PostgresStore

        folder = folder or self.folder / f"machine{len(self.opened)}"
        store = PostgresStore(self.server.url(), self.schema, folder, **options)
        self.opened.append(store)
        store.prepare()
        return store

    def older(self, version):
        self.server.admin(f'UPDATE "{self.schema}".format SET version = {version}', "state")

    def next_format(self, monkeypatch, step):
        from tailrace.state import postgres

        monkeypatch.setattr(postgres, "FORMAT", 4)
        monkeypatch.setattr(postgres, "STEPS", {**postgres.STEPS, 4: step})

    def gone(self, store, run_id):
        """It holds no lease, which is all that another machine can see of it."""

    def moved(self, folder):
        return self(folder)


class TestPostgres(StoreSuite):
    @pytest.fixture
    def opener(self, postgres, tmp_path):
        made = Opener(postgres, tmp_path)
        yield made
        [store.close() for store in made.opened]
