"""docs/project-files.md and docs/dbt-projects.md name every key that the readers know, and no default but theirs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import tailrace.project
from tailrace.project import secrets
from tailrace.project.spec import Guardrails

DOCS = Path(__file__).parents[3] / "docs"
PAGE = "".join((DOCS / name).read_text() for name in ("project-files.md", "dbt-projects.md"))
SOURCES = {path.stem: path.read_text() for path in Path(tailrace.project.__file__).parent.rglob("*.py")}
READ = re.compile(
    r"\.(?:text|optional_text|name|choice|flag|duration|share|texts|mapping|items|get)\(\s*\"(\w+)\""
)
KNOWN = re.compile(r"(?:_KEYS = |_CONFIGS = |_ENGINE_KEYS = |\.known)[({](.*?)[)}]\n", re.DOTALL)


NO_KEYS = {"tool", "row_condition"}
"""pyproject.toml's own table, and a word of Great Expectations that the readers know only to refuse it."""


def keys_read(source: str) -> set[str]:
    """Every key that a reader is asked for, and those of the module's tuples of keys."""
    listed = {key for body in KNOWN.findall(source) for key in re.findall(r"[\"](\w+)[\"]", body)}
    return {*READ.findall(source), *listed} - NO_KEYS


@pytest.mark.parametrize(
    ("module", "at_least"),
    [
        ("toml", 5),
        ("profiles", 14),
        ("bigquery", 13),
        ("load_pipelines", 11),
        ("described", 20),
        ("data_tests", 15),
        ("sources", 14),
        ("exposures", 11),
        ("unit_tests", 14),
        ("properties", 8),
        ("project_file", 25),
        ("profile", 40),
        ("packages_file", 5),
        ("load_suites", 14),
        ("load_gx_suites", 20),
        ("load_parameters", 10),
        ("load_syncs", 22),
        ("schedule", 4),
    ],
)
def test_every_key_is_on_the_page(module, at_least):
    keys = keys_read(SOURCES[module])
    assert len(keys) >= at_least, keys
    assert {
        key for key in keys if f"`{key}`" not in PAGE and f"`{key}:" not in PAGE and f"{key}:" not in PAGE
    } == set()


def test_the_secret_names_are_on_the_page():
    assert {name for name in secrets.SECRET_OPTIONS if f"`{name}`" not in PAGE} == set()


def test_the_guardrails_defaults_are_those_of_the_code():
    for name, share in vars(Guardrails()).items():
        shown = (
            f"`stop` or `send` | `{share}`" if isinstance(share, str) else f"share or `off` | `{share:.0%}`"
        )
        assert f"| `{name}` | {shown} |" in PAGE
