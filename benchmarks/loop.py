"""The loop as a person runs it: memory of `run`, write requests of a sync, start-up of the command.

    python -m benchmarks.loop --contacts 50000

Every command is a process of its own; its peak memory and CPU are the operating system's account of it. The sandbox is
another process and in no figure.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import urllib.request
from dataclasses import dataclass
from pathlib import Path

SERVE = (
    "import sys; from tailrace.sandbox import Sandbox\n"
    "with Sandbox.start(contacts=int(sys.argv[1]), limits=False) as s: print(s.url, flush=True); sys.stdin.read()"
)


@dataclass(frozen=True)
class Cost:
    """CPU seconds of all threads and children; peak memory in MB of the process itself."""

    cpu: float
    peak: float
    out: str


def measured(command: list[str], cwd: Path | None = None, env: dict[str, str] | None = None) -> Cost:
    with subprocess.Popen(
        command, cwd=cwd, env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        out = process.stdout.read() if process.stdout else ""
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}: {out[-2000:]}")
    return Cost(usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, out)


def tailrace(*args: str) -> list[str]:
    return [sys.executable, "-m", "tailrace", *args]


class World:
    """A sandbox in a process of its own, and the reference project in a folder."""

    def __init__(self, contacts: int, folder: Path) -> None:
        self.server = subprocess.Popen(
            [sys.executable, "-c", SERVE, str(contacts)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.server.stdout
        self.url = self.server.stdout.readline().strip()
        self.root = folder / "acme"
        self.env = {**os.environ, "TAILRACE_SANDBOX": self.url}
        measured(tailrace("init", str(self.root)))

    def run(self) -> tuple[Cost, dict]:
        cost = measured(tailrace("run", "--json", "-q"), self.root, self.env)
        return cost, json.loads(cost.out)

    def admin(self, method: str, path: str, body: object = None) -> object:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/_sandbox/{path}", data=data, method=method)
        with urllib.request.urlopen(request, timeout=300) as answer:
            return json.loads(answer.read() or b"null")

    def writes(self) -> int:
        requests = self.admin("GET", "requests?vendor=hubspot")
        return sum(1 for request in requests if request["rows_written"])  # type: ignore[attr-defined]

    def close(self) -> None:
        self.server.communicate("")


def start_up() -> None:
    """The least of five, since whoever shares the machine only adds."""
    reference = min(measured([sys.executable, "-c", "import click"]).cpu for _ in range(5))
    print("start-up, CPU against `python -c 'import click'`")
    for args in (("--help",), ("--version",)):
        cost = min(measured(tailrace(*args)).cpu for _ in range(5))
        print(
            f"  tailrace {args[0]:<12} {cost / reference:5.2f} times   ({cost:.3f} s, reference {reference:.3f} s)"
        )


def memory(contacts: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        world = World(contacts, Path(folder))
        try:
            print(f"`run` on a world of {contacts:,} contacts")
            for name in ("first", "second (the echo of our writes)", "idle"):
                cost, document = world.run()
                sync = document["syncs"][0]
                copied = [step["status"] for step in document["steps"] if step["step"] == "publish"]
                print(
                    f"  {name:<32} peak {cost.peak:6.0f} MB  {cost.cpu:6.1f} CPU s  sent {sync['updated']:>6,} rows in {sync['requests']:>4} requests  publish {copied}"
                )
        finally:
            world.close()


def requests(contacts: int) -> None:
    """Write requests of a sync of `contacts` changed rows, of an idle one, and of one with 1% changed."""
    with tempfile.TemporaryDirectory() as folder:
        world = World(contacts, Path(folder))
        try:
            records = world.admin("GET", "records/hubspot/contacts")
            clean = [r for r in records if r["properties"].get("hs_email_optout") != "true" and _sendable(r)]  # type: ignore[attr-defined]
            world.admin("PUT", "records/hubspot/contacts", clean)
            print(f"write requests of a sync to {len(clean):,} contacts")
            before = world.writes()
            for name in ("all changed", "idle", "1% changed"):
                if name == "1% changed":
                    for record in clean[: len(clean) // 100]:
                        record["properties"]["hs_email_click"] = str(
                            int(record["properties"].get("hs_email_click") or 0) + 7
                        )
                        record["properties"]["hs_analytics_num_visits"] = "0"
                        record["properties"]["lastmodifieddate"] = "2030-01-01T00:00:00.000Z"
                    world.admin("POST", "records/hubspot/contacts", clean[: len(clean) // 100])
                _, document = world.run()
                now = world.writes()
                print(
                    f"  {name:<14} {now - before:>5} requests for {document['syncs'][0]['updated']:>6,} rows"
                )
                before = now
        finally:
            world.close()


def _sendable(record: dict) -> bool:
    email = record["properties"].get("email") or ""
    return email == email.strip().lower() and email.count("@") == 1 and "." in email.split("@")[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--contacts", type=int, default=50_000)
    parser.add_argument(
        "--sync",
        type=int,
        default=10_600,
        help="contacts of the request count; about 10,000 of them can be sent",
    )
    chosen = parser.parse_args()
    start_up()
    requests(chosen.sync)
    memory(chosen.contacts)


if __name__ == "__main__":
    main()
