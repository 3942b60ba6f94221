"""A Postgres of this machine's own programs, in a temporary folder on a free port, as a user without rights.

A test takes the `postgres` fixture of tests/conftest.py; where the programs are missing it skips and says so.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

PASSWORD = "correct-horse-battery"
PROGRAMS = ("initdb", "postgres", "pg_isready")


def programs() -> Path | None:
    """The folder of `initdb` and `postgres`: on the PATH, else where Debian puts them."""
    found = shutil.which("initdb")
    folders = [Path(found).resolve().parent] if found else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((folder for folder in folders if all((folder / name).exists() for name in PROGRAMS)), None)


@dataclass
class Server:
    """One running server; `stop` and `start` it again on the same port with the same data."""

    folder: Path
    port: int
    user: dict
    process: subprocess.Popen | None = field(default=None)

    def url(self, database: str = "state", user: str = "worker", password: str = PASSWORD) -> str:
        return f"postgresql://{user}:{password}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        options = [
            "-p",
            str(self.port),
            "-k",
            str(self.folder),
            "-c",
            "listen_addresses=127.0.0.1",
            "-c",
            "fsync=off",
        ]
        command = [str(programs() / "postgres"), "-D", str(self.folder / "data"), *options]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, cwd="/", **self.user)
        for _ in range(300):
            ready = subprocess.run(
                [str(programs() / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)], cwd="/"
            )
            if ready.returncode == 0:
                return
            assert self.process.poll() is None, (self.folder / "log").read_text()
            time.sleep(0.1)
        raise AssertionError((self.folder / "log").read_text())

    def stop(self) -> None:
        """At once, as if its machine were gone; connections break."""
        if self.process is not None:
            self.process.send_signal(signal.SIGQUIT)
            self.process.wait(30)
            self.process = None

    def admin(self, sql: str, database: str = "postgres", schema: str = "public") -> list[tuple]:
        """As the server's owner, by the socket."""
        import psycopg

        with psycopg.connect(
            host=str(self.folder),
            port=self.port,
            user="owner",
            dbname=database,
            autocommit=True,
            options=f"-c search_path={schema}",
        ) as db:
            found = db.execute(sql)
            return found.fetchall() if found.description else []


@contextmanager
def running() -> Iterator[Server]:
    """A server with the database `state`, which the user `worker` owns."""
    folder = Path(tempfile.mkdtemp(prefix="tailrace-postgres-"))
    user = _unprivileged(folder)
    hba = "local all owner trust\nhost all all 127.0.0.1/32 scram-sha-256\n"
    try:
        command = [str(programs() / "initdb"), "-D", str(folder / "data"), "-U", "owner", "-A", "trust"]
        subprocess.run([*command, "-E", "UTF8", "-N"], check=True, capture_output=True, cwd="/", **user)
        (folder / "data" / "pg_hba.conf").write_text(hba)
        server = Server(folder, _free_port(), user)
        try:
            server.start()
            server.admin(f"CREATE USER worker PASSWORD '{PASSWORD}'")
            server.admin("CREATE DATABASE state OWNER worker")
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _unprivileged(folder: Path) -> dict:
    """Postgres refuses to run as root: then it is the user that Debian's package makes, or nobody."""
    if os.getuid() != 0:
        return {}
    names = {entry.pw_name: entry for entry in pwd.getpwall()}
    entry = names.get("postgres") or names["nobody"]
    os.chown(folder, entry.pw_uid, entry.pw_gid)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
