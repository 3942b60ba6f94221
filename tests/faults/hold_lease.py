"""A worker for tests of kills: holds a lock of a state on Postgres and works by the orders on its stdin, one a line.

Arguments: URL, schema, folder, lease in seconds, run id, lock. Says `held` or `LockHeld: ...` first, then what became of each order:
`begin`, `write NAME`, `renewed` (waits for a renewal), `place` (of the rate budget), `leave`.
"""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from tailrace.errors import TailraceError
from tailrace.state import runs
from tailrace.state.locks import held
from tailrace.state.postgres import PostgresStore
from tailrace.state.rate import SharedLimiter


def say(text: str) -> None:
    print(text, flush=True)


def obey(store: PostgresStore, run_id: str, order: str) -> None:
    word, _, rest = order.partition(" ")
    if word == "begin":
        runs.begin(store, run_id, "run", "prod", datetime.now(UTC))
    elif word == "write":
        store.remember(rest, run_id)
    elif word == "place":
        limit = SharedLimiter(store, "crm")
        limit.learn(10, 0.5)
        for _ in range(int(rest)):
            limit.acquire()
            say(f"took {store.now()!r}")
            limit.done()
    elif word == "renewed":
        time.sleep(float(rest))
        store.check()


def main(url: str, schema: str, folder: str, lease: str, run_id: str, lock: str) -> None:
    store = PostgresStore(url, schema, Path(folder), lease=float(lease), run_id=run_id)
    store.prepare()
    say("ready")
    sys.stdin.readline()
    try:
        with held(store, lock):
            say("held")
            for line in sys.stdin:
                if line.strip() == "leave":
                    break
                try:
                    obey(store, run_id, line.strip())
                    say("done")
                except TailraceError as error:
                    say(f"{type(error).__name__}: {error}")
    except TailraceError as error:
        say(f"{type(error).__name__}: {error}")
    store.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
