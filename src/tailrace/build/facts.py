"""What a model's SQL says, found once per text: tables it reads, its meaning, its columns, what is wrong with it.

Facts are cached as JSON per text, never syntax trees: unpickling a tree costs more than parsing again.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tailrace import __version__

RUN_DATE, RUN_INSTANT = "__tailrace_run_date__", "__tailrace_run_instant__"
CLOCK = {
    "current_date": "date", "today": "date", "currentdate": "date",
    "now": "instant", "current_timestamp": "instant", "currenttimestamp": "instant", "get_current_timestamp": "instant",
    "transaction_timestamp": "instant", "localtimestamp": "instant", "current_localtimestamp": "instant",
    "current_time": "instant", "localtime": "instant", "currenttime": "instant", "current_datetime": "instant",
    "currentdatetime": "instant", "get_current_time": "instant", "current_localtime": "instant",
}  # fmt: skip
RANDOM = {
    "random",
    "rand",
    "uuid",
    "gen_random_uuid",
    "uuidv4",
    "uuidv7",
    "setseed",
    "generate_uuid",
    "generateuuid",
}


@dataclass(frozen=True)
class Problem:
    """`line` and `col` count from 1 in the SQL that was parsed."""

    line: int
    col: int
    message: str
    fix: str = ""


@dataclass(frozen=True)
class Facts:
    """`tables` are (catalog, schema, name) as written, CTEs left out; `sql` is the text to run, its clock as tokens."""

    sql: str = ""
    canonical: str = ""
    tables: tuple[tuple[str, str, str], ...] = ()
    columns: tuple[str, ...] | None = None
    volatile: bool = False
    problems: tuple[Problem, ...] = ()


@dataclass
class FactCache:
    """One JSON file a text under `folder`; without a folder nothing is kept. A deleted cache costs time only."""

    folder: Path | None
    dialects: tuple[str, str]
    made: list[Path] = field(default_factory=list)

    def get(self, sql: str, names: Mapping[str, str]) -> Facts:
        """The facts of a text. `names` are models by bare name with their quoted table: what unqualified names mean."""
        path = self._path(sql, names)
        if path is not None and path.exists():
            try:
                return _from_json(json.loads(path.read_text("utf-8")))
            except (ValueError, KeyError, TypeError):
                path.unlink(missing_ok=True)
        from tailrace.build.sql import read_sql

        facts = read_sql(sql, names, *self.dialects)
        if path is not None:
            _write(path, json.dumps(asdict(facts)))
        return facts

    def _path(self, sql: str, names: Mapping[str, str]) -> Path | None:
        if self.folder is None:
            return None
        key = json.dumps([__version__, _sqlglot(), self.dialects, sql, sorted(names.items())])
        return self.folder / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.json"


def _sqlglot() -> str:
    from importlib.metadata import version

    return version("sqlglot")


def _from_json(document: dict[str, Any]) -> Facts:
    return Facts(
        document["sql"],
        document["canonical"],
        tuple((catalog, schema, name) for catalog, schema, name in document["tables"]),
        None if document["columns"] is None else tuple(document["columns"]),
        document["volatile"],
        tuple(Problem(**problem) for problem in document["problems"]),
    )


def _write(path: Path, text: str) -> None:
    """Whole or not at all; two processes may write the same file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    temporary.write_text(text, "utf-8")
    temporary.replace(path)
