"""The rules by name; a file in `rules/` is one, without an entry anywhere else."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

from tailrace.build.lint import rules
from tailrace.build.lint.subject import Found, Subject


@dataclass(frozen=True)
class Rule:
    """`reason` says what goes wrong; `needs_tree`: it reads the SQL and not only the project."""

    name: str
    reason: str
    check: Callable[[Subject], Iterator[Found]]
    needs_tree: bool = True


@cache
def catalogue() -> dict[str, Rule]:
    """All rules, by name."""
    return {name: _rule(name) for name in names()}


def names() -> list[str]:
    """The rules' names; reads file names only."""
    return sorted(found.name.replace("_", "-") for found in pkgutil.iter_modules(rules.__path__))


def _rule(name: str) -> Rule:
    module = importlib.import_module(f"{rules.__name__}.{name.replace('-', '_')}")
    return Rule(name, (module.__doc__ or "").strip(), module.check, getattr(module, "needs_tree", True))
