"""The documents tell the truth: commands, options and links in them exist, and what exists is in them."""

from __future__ import annotations

import re
from pathlib import Path

import click
import jsonschema
import pytest
import yaml

from tailrace import events
from tailrace.cli.main import cli
from tailrace.connectors.sdk import registry
from tailrace.connectors.sdk.base import Declaration
from tailrace.plan.json_schema import Known, json_schema

ROOT = Path(__file__).resolve().parent.parent
PAGES = [
    ROOT / "README.md",
    ROOT / "CHANGELOG.md",
    ROOT / "PERFORMANCE.md",
    *sorted((ROOT / "docs").rglob("*.md")),
]
COMMON = {"project", "target", "as_json", "quiet", "verbose", "help"}


def commands(group: click.Group, prefix: str = "") -> dict[str, click.Command]:
    found: dict[str, click.Command] = {}
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            found |= commands(command, f"{prefix}{name} ")
        else:
            found[prefix + name] = command
    return found


@pytest.mark.parametrize("name", sorted(commands(cli)))
def test_every_command_and_option_is_documented(name):
    text = (ROOT / "docs" / "commands.md").read_text() + (ROOT / "docs" / "sandbox.md").read_text()
    assert name.split()[-1] in text
    assert name.split()[0] in text
    for option in commands(cli)[name].params:
        if isinstance(option, click.Option) and option.name not in COMMON:
            assert option.opts[0] in text, f"{name} {option.opts[0]}"


@pytest.mark.parametrize("name", sorted(commands(cli)))
def test_every_command_says_what_it_is(name):
    command = commands(cli)[name]
    assert command.help
    assert command.help.strip().endswith(".")


def test_the_commands_that_pages_show_exist():
    known = set(commands(cli)) | set(cli.commands)
    for page in PAGES:
        for found in re.findall(r"(?:^|`|&& )tailrace ([a-z]+)", page.read_text(), re.MULTILINE):
            assert found in known, f"{page.name}: tailrace {found}"


def test_links_lead_somewhere():
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text()):
            if not target.startswith(("http", "mailto")):
                assert (page.parent / target).exists(), f"{page.name}: {target}"


def told(found: Declaration) -> list[str]:
    """Every word of a declaration that the connector's page has to say."""
    words = [f"`{option.name}`" for option in found.options]
    for resource in found.resources:
        words += [
            f"`{resource.name}`",
            resource.cursor,
            resource.deletes,
            *resource.key,
            *resource.permissions,
        ]
        words += [f"`{option.name}`" for option in resource.options]
    words += [one.name for one in found.permissions]
    for version in found.versions:
        words += [version.name, version.ends.isoformat() if version.ends else ""]
    return [word for word in words if word]


@pytest.mark.parametrize("vendor", registry.known())
def test_every_connector_has_its_page(vendor):
    text = (ROOT / "docs" / "connectors" / f"{vendor}.md").read_text()
    found = registry.declaration(vendor)
    assert found is not None
    assert sorted({word for word in told(found) if word not in text}) == []


SECTIONS = (
    "## Connection",
    "## Permissions",
    "## Resources",
    "## Cursors, restatement, deletes",
    "## Limits",
    "## Versions",
)


@pytest.mark.parametrize(
    "vendor", [name for name in registry.known() if not registry.declaration(name).inline]
)
def test_every_vendors_page_has_the_same_sections(vendor):
    lines = (ROOT / "docs" / "connectors" / f"{vendor}.md").read_text().splitlines()
    assert [section for section in SECTIONS if section not in lines] == []


@pytest.mark.parametrize("vendor", registry.known())
def test_what_a_declaration_refers_to_is_declared(vendor):
    """Docs, doctor and schema are made of it: permissions that resources need exist, the default version is a known one."""
    found = registry.declaration(vendor)
    assert found is not None
    granted = {one.name for one in found.permissions}
    assert {name for resource in found.resources for name in resource.permissions} <= granted
    default = next((option.default for option in found.options if option.name == "api_version"), None)
    if found.versions and default is not None:
        assert default in {version.name for version in found.versions}
    for resource in found.resources:
        assert resource.deletes, f"{resource.name} does not say how a row's end is learnt"


def shown(vendor: str) -> list[tuple[str, object]]:
    """The YAML that a connector's page shows, each as the kind of file and the whole file that it is a part of."""
    page = (ROOT / "docs" / "connectors" / f"{vendor}.md").read_text()
    found: list[tuple[str, object]] = []
    for block in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL):
        data = yaml.safe_load(block)
        if "connections" in data:
            target = {"type": "duckdb", "path": "warehouse.duckdb", **data}
            found.append(("profiles", {"acme": {"outputs": {"dev": target}}}))
        elif "resources" in data or "pipeline" in data:
            found.append(
                ("pipelines", data if "pipeline" in data else {"pipeline": "p", "connection": vendor, **data})
            )
        elif "sync" in data:
            found.append(("reverse", data))
    return found


@pytest.mark.parametrize("vendor", registry.known())
def test_the_yaml_that_a_page_shows_fits_its_schema(vendor):
    known = Known("acme", {vendor: vendor})
    blocks = shown(vendor)
    assert blocks
    for kind, data in blocks:
        problems = jsonschema.Draft202012Validator(json_schema(kind, known)).iter_errors(data)
        assert [error.message for error in problems] == [], data


def test_every_table_of_ours_is_documented():
    text = (ROOT / "docs" / "tables.md").read_text()
    source = "\n".join(path.read_text() for path in (ROOT / "src").rglob("*.py"))
    made = set(re.findall(r"CREATE TABLE IF NOT EXISTS \{(?:META|ledger\.META)\}\.(\w+)", source))
    made |= {
        "ledger",
        "sync_log",
        "dead_letters",
        "quarantine",
        "validations",
        "verdicts",
        "cursors",
        "shapes",
        "models",
        "runs",
        "steps",
    }
    for table in made:
        assert f".{table}`" in text, table


def test_every_event_says_what_it_is():
    for name, kind in vars(events).items():
        if isinstance(kind, type) and issubclass(kind, events.Event) and kind is not events.Event:
            assert name in (ROOT / "docs" / "commands.md").read_text(), name


def test_files_that_are_missing_are_no_pages():
    assert all(page.exists() for page in PAGES)
