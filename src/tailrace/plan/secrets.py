"""What must never be printed: the secrets of a target and of pipelines, those included that only connectors know to be secret."""

from __future__ import annotations

from tailrace.connectors.sdk import registry
from tailrace.project.secrets import Redactor, all_secret_values
from tailrace.project.spec import Project


def redactor_of(project: Project) -> Redactor:
    """Hides every secret of the project's target and pipelines in a text."""
    declared: set[str] = set()
    for connection in project.target.connections.values():
        found = registry.declaration(connection.type)
        if found is not None:
            declared |= {option.name for option in found.options if option.secret}
    return Redactor(all_secret_values(project.target, declared, project.pipelines))
