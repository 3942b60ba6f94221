"""The documents tell the truth: commands, options and links in them exist, and what exists is in them."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from tailrace import events
from tailrace.cli.main import cli
from tailrace.connectors.sdk import registry

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


@pytest.mark.parametrize("vendor", registry.known())
def test_every_connector_has_its_page(vendor):
    text = (ROOT / "docs" / "connectors" / f"{vendor}.md").read_text()
    found = registry.declaration(vendor)
    assert found is not None
    for option in found.options:
        assert f"`{option.name}`" in text, option.name


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
