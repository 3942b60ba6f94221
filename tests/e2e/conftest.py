from __future__ import annotations

import pytest

from tailrace.cli.start import write_project
from tailrace.sandbox.server import Sandbox
from tests.e2e.project import Acme


@pytest.fixture(scope="session")
def world():
    """One sandbox for all e2e tests; each test resets it."""
    with Sandbox.start(contacts=300, limits=False) as sandbox:
        yield sandbox


@pytest.fixture
def acme(tmp_path, world) -> Acme:
    root = tmp_path / "acme"
    write_project(root)
    found = Acme(root, world.url)
    found.admin("PUT", "faults", [])
    found.admin("POST", "reset")
    return found
