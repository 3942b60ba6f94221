"""JSON Schemas (draft 2020-12) of the project's files, from the readers' own keys and the connectors' declarations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tailrace.plan.json_schema.models import models, pyproject, seeds
from tailrace.plan.json_schema.pipelines import pipelines
from tailrace.plan.json_schema.profiles import profiles
from tailrace.plan.json_schema.suites import expectations
from tailrace.plan.json_schema.syncs import reverse

FILES: Mapping[str, str] = {
    "pipelines": "pipelines/**/*.yml",
    "profiles": "profiles.yml",
    "models": "models/**/*.yml",
    "seeds": "seeds/**/*.yml",
    "expectations": "expectations/**/*.yml",
    "reverse": "reverse/**/*.yml",
    "pyproject": "pyproject.toml",
}
"""Every kind of file, and which files of a project are of it."""


@dataclass(frozen=True)
class Known:
    """What of a project narrows its schemas: its profile's name, and the target's connections, name to type."""

    profile: str
    connections: Mapping[str, str]


def json_schema(kind: str, known: Known | None = None) -> dict[str, Any]:
    """The schema of one kind of file (a key of FILES); without a project every connector's resources fit everywhere."""
    connections = known.connections if known else None
    made = {
        "pipelines": lambda: pipelines(connections),
        "profiles": lambda: profiles(known.profile if known else None),
        "models": models,
        "seeds": seeds,
        "expectations": expectations,
        "reverse": lambda: reverse(connections),
        "pyproject": pyproject,
    }
    return made[kind]()
