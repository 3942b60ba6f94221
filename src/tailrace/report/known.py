"""Everything that was read for a report, before it is told suite by suite."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tailrace.project.spec import ModelFile, Project, SeedFile
from tailrace.project.spec import Suite as Declared
from tailrace.report.document import Built, Run, Sync
from tailrace.report.evidence import Held
from tailrace.report.judgements import Judged
from tailrace.report.local import Local


@dataclass(frozen=True)
class Known:
    """`runs` and what is keyed by suite or model is by name; `personal` columns are in lower case; `behind`: why a model is old."""

    project: Project
    now: datetime
    run: Run | None
    is_past: bool
    judged: Judged
    runs: Mapping[str, Run]
    samples: Mapping[tuple[str, str, int], list[dict[str, Any]]]
    held: Held
    syncs: Mapping[str, tuple[Sync, ...]]
    models: Mapping[str, tuple[Built, str]]
    personal: Mapping[str, frozenset[str]]
    local: Local
    behind: Mapping[str, tuple[str, ...]]

    def has_personal_key(self, suite: Declared) -> bool:
        return (suite.key or "").lower() in self.personal.get(suite.model, ())


def personal_of(project: Project) -> dict[str, frozenset[str]]:
    """Columns that the models' YAML marks as personal now, in lower case, by model."""
    files: tuple[ModelFile | SeedFile, ...] = (*project.models, *project.seeds)
    return {file.name: frozenset(one.name.lower() for one in file.columns if one.pii) for file in files}
