"""What jobs are called and labelled, so that a repeated request finds its job, and a bill tells who spent what."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

PREFIX = "tailrace"
LONGEST = 63
"""Characters of a label's value (Google: "Adding labels to resources")."""


def label(text: str) -> str:
    """The text as a label's value: small letters, digits, _ and -."""
    return re.sub(r"[^a-z0-9_-]", "-", text.lower())[:LONGEST]


@dataclass
class Badge:
    """`owner` is the project of ours, `run` the run's id, `step` what it is at; `labels` are the target's own."""

    owner: str = ""
    run: str = ""
    step: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    _session: str = field(default_factory=lambda: secrets.token_hex(3))
    _number: int = 0

    @property
    def prefix(self) -> str:
        """What the ids of this project's jobs begin with."""
        return f"{PREFIX}_{_digest(self.owner)}_"

    def job_id(self, text: str) -> str:
        """A new id: of the project, the run, the how manieth job it is and what it says. Two sessions of a run share none."""
        self._number += 1
        run = re.sub(r"[^A-Za-z0-9_-]", "-", self.run)[:100] or "none"
        return f"{self.prefix}{run}-{self._session}-{self._number}-{_digest(text)}"

    def all_labels(self, doing: str = "run") -> dict[str, str]:
        """`doing` is run or plan: what the job is for."""
        found = {PREFIX: doing, "run": label(self.run), "step": label(self.step)}
        return {**self.labels, **{name: value for name, value in found.items() if value}}


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
