"""BigQuery on this machine: `bqemulator` in the environment that `make .venv-emulator/run.stamp` builds.

A test takes the `bigquery` fixture of tests/conftest.py, a `google.cloud.bigquery.Client` that talks to it; where the environment
is missing the test skips and says so. It is DuckDB underneath: docs/bigquery-validation.md says what it cannot tell.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PYTHON = HERE.parents[1] / ".venv-emulator" / "bin" / "python"
PROJECT = "tailrace-test"


@contextmanager
def running() -> Iterator[str]:
    """The address of an emulator of one's own, empty and in memory, that ends with the `with` block."""
    # the client turns to the emulator by a variable; its own process must not
    environment = {name: value for name, value in os.environ.items() if name != "BIGQUERY_EMULATOR_HOST"}
    with subprocess.Popen(
        [str(PYTHON), str(HERE / "serve.py")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment,
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        try:
            address = next((line.strip() for line in process.stdout if line.startswith("http://")), None)
            assert address, "the emulator ended before it listened"
            yield address
        finally:
            process.stdin.close()  # its sign to stop, and that of a test run that was killed
            process.wait(10)


def client(address: str) -> Any:
    """Google's own client, whose every request goes to the emulator."""
    from google.api_core.client_options import ClientOptions
    from google.cloud import bigquery
    from google.oauth2.credentials import Credentials

    return bigquery.Client(
        project=PROJECT,
        credentials=Credentials(token="emulator"),
        client_options=ClientOptions(api_endpoint=address),
    )
