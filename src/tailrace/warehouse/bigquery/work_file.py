"""Which work file this is: a lease names the one whose copies are as the target is, and no copy of a file may pass for it."""

from __future__ import annotations

import secrets
import socket
from pathlib import Path

from tailrace.warehouse.base import STAGE, TableRef
from tailrace.warehouse.duckdb import DuckDBWarehouse

OWN = TableRef(STAGE, "work_file")
BOOT = Path("/proc/sys/kernel/random/boot_id")


def file_id(local: DuckDBWarehouse) -> str:
    """Its own mark, the machine that is up and the file's place on its disk: of a copied, cloned or new file another one."""
    name = local.dialect.table(OWN)
    if not local.columns(OWN):
        local.ensure_schema(STAGE)
        with local.transaction():
            local.execute(f"CREATE TABLE {name} (id VARCHAR)")
            local.execute(f"INSERT INTO {name} VALUES (?)", [secrets.token_hex(8)])
    assert local.path is not None
    return id_of(local, local.path)


def id_of(copy: DuckDBWarehouse, work: Path) -> str:
    """The same, told from a copy that was made to be read; "" where it is of another file, or the file is gone."""
    if not (work.exists() and copy.columns(OWN)):
        return ""
    boot = BOOT.read_text().strip() if BOOT.exists() else ""
    mark = copy.query(f"SELECT max(id) FROM {copy.dialect.table(OWN)}")[0][0]
    return f"{socket.gethostname()}/{boot}/{work.stat().st_ino}/{mark}"
