"""What tests of several rooms share."""

from __future__ import annotations

import pytest

from tests import emulator
from tests import postgres as servers


@pytest.fixture(scope="session")
def bigquery():
    """A client of Google's over an emulator that is empty when the first test takes it."""
    if not emulator.PYTHON.exists():
        pytest.skip("no emulator of BigQuery here: make .venv-emulator/run.stamp")
    with emulator.running() as address:
        opened = emulator.client(address)
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def postgres():
    """A running Postgres of one's own with an empty database `state`."""
    if servers.programs() is None:
        pytest.skip("no Postgres here: apt-get install postgresql")
    pytest.importorskip("psycopg", reason="no psycopg here: pip install 'tailrace[postgres]'")
    with servers.running() as server:
        yield server
