from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tailrace import connectors
from tailrace.connectors.sdk.registry import declaration, known

HEAVY = (
    "httpx2",
    "httpx",
    "stamina",
    "orjson",
    "cryptography",
    "dlt",
    "pandas",
    "pyarrow",
    "duckdb",
    "sqlglot",
)


def test_a_file_is_a_connector():
    folder = Path(connectors.__path__[0])
    found = {path.stem for path in folder.iterdir() if not path.name.startswith("_") and path.name != "sdk"}
    assert set(known()) == found >= {"hubspot", "google_ads", "ga4"}


def test_an_unknown_name_is_none():
    assert declaration("hubspott") is None
    assert declaration("sdk") is None
    assert declaration("../hubspot") is None


def test_declarations_import_nothing_heavy():
    code = (
        "import sys; from tailrace.connectors.sdk import registry, options;"
        "[registry.declaration(name) for name in registry.known()];"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True)
    assert out.stdout.strip() == "[]"
