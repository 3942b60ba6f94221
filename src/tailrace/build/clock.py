"""The words for now: a model reads one clock, the run's, so that every row of a run and every rerun of a day agree.

`current_date` and its kin become marks in the SQL that is kept, and literals when a run gives them their values.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

DATE, STAMP, ZONED, TIME, ZONED_TIME = "date", "timestamp", "timestamptz", "time", "timetz"
_TYPES = {
    DATE: "DATE", STAMP: "TIMESTAMP", ZONED: "TIMESTAMPTZ", TIME: "TIME", ZONED_TIME: "TIMETZ",
}  # fmt: skip
WORDS = {
    "current_date": DATE, "today": DATE, "curdate": DATE,
    "current_timestamp": ZONED, "now": ZONED, "get_current_timestamp": ZONED, "transaction_timestamp": ZONED,
    "statement_timestamp": ZONED,
    "localtimestamp": STAMP, "current_localtimestamp": STAMP, "current_datetime": STAMP,
    "localtime": TIME, "current_localtime": TIME,
    "current_time": ZONED_TIME, "get_current_time": ZONED_TIME,
}  # fmt: skip
"""Functions and keywords of both dialects that read a clock, and what they return."""
KEYWORDS = (
    "current_date",
    "current_timestamp",
    "current_time",
    "current_datetime",
    "localtime",
    "localtimestamp",
)
"""The ones that are written without parentheses as well."""
RANDOM = (
    "random", "rand", "uuid", "gen_random_uuid", "generate_uuid", "uuidv4", "uuidv7", "setseed", "nextval", "currval",
    "txid_current", "current_transaction_id", "current_query_id", "current_connection_id", "current_query", "stats",
)  # fmt: skip
OWN_CLOCK = {"ago": "Write now() - INTERVAL ...", "age": "Write age(current_date, ...)", "pg_postmaster_start_time": "Leave it out",
             "pg_conf_load_time": "Leave it out"}  # fmt: skip
"""Functions that read the engine's clock where no word of theirs can be set, and what to write instead."""
_MARK = re.compile(r"@tailrace:(date|timestamptz|timestamp|timetz|time)@")


def mark(kind: str) -> str:
    """A literal that stands for the clock until a run sets it."""
    return f"@tailrace:{kind}@"


def literal(kind: str) -> str:
    """The expression that takes the place of a clock word."""
    return f"CAST('{mark(kind)}' AS {_TYPES[kind]})"


def type_of(kind: str) -> str:
    return _TYPES[kind]


def set_clock(sql: str, now: datetime) -> str:
    """The SQL with its clock set; the clock shows UTC."""
    instant = now.astimezone(UTC).replace(tzinfo=None)
    texts = {
        DATE: instant.date().isoformat(),
        STAMP: instant.isoformat(" "),
        ZONED: instant.isoformat(" ") + "+00:00",
        TIME: instant.time().isoformat(),
        ZONED_TIME: instant.time().isoformat() + "+00:00",
    }
    return _MARK.sub(lambda found: texts[found[1]], sql)


def clock_words(tokens: Sequence[Any], is_name: Callable[[Any], bool]) -> list[tuple[int, int, str]]:
    """(start, end, kind) of every clock word among sqlglot's tokens, its empty parentheses included.

    `is_name` says whether a token is an unquoted word. A word behind a dot is somebody's column.
    """
    found = []
    for index, token in enumerate(tokens):
        kind = WORDS.get(token.text.lower())
        if kind is None or not is_name(token) or (index and tokens[index - 1].text == "."):
            continue
        called = [after.text for after in tokens[index + 1 : index + 3]] == ["(", ")"]
        if called:
            found.append((token.start, tokens[index + 2].end + 1, kind))
        elif token.text.lower() in KEYWORDS and not _called(tokens, index):
            found.append((token.start, token.end + 1, kind))
    return found


def _called(tokens: Sequence[Any], index: int) -> bool:
    return index + 1 < len(tokens) and tokens[index + 1].text == "("
