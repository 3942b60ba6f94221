"""What tests of several rooms share."""

from __future__ import annotations

import pytest

from tests import emulator


@pytest.fixture(scope="session")
def bigquery():
    """A client of Google's over an emulator that is empty when the first test takes it."""
    if not emulator.PYTHON.exists():
        pytest.skip("no emulator of BigQuery here: make .venv-emulator/run.stamp")
    with emulator.running() as address:
        opened = emulator.client(address)
        yield opened
        opened.close()
