from __future__ import annotations

from pathlib import Path

import pytest

from tailrace.connectors.sdk.registry import declaration, known

DOCS = Path(__file__).resolve().parents[3] / "docs" / "connectors"


@pytest.mark.parametrize("name", known())
def test_the_page_names_every_option_resource_and_object(name):
    found = declaration(name)
    assert found is not None
    page = (DOCS / f"{name}.md").read_text("utf-8")
    words = {option.name for option in found.options}
    words |= {option.name for resource in found.resources for option in resource.options}
    words |= {resource.name for resource in found.resources}
    words |= {thing.name for thing in found.objects}
    words |= {field for thing in found.objects for field in thing.read_only_fields}
    assert sorted(word for word in words if f"`{word}`" not in page) == []


@pytest.mark.parametrize("name", known())
def test_the_page_tells_the_defaults(name):
    found = declaration(name)
    assert found is not None
    lines = (DOCS / f"{name}.md").read_text("utf-8").splitlines()
    for option in found.options:
        if option.default is not None:
            assert any(f"`{option.name}`" in line and str(option.default) in line for line in lines), (
                option.name
            )


def test_every_page_is_of_a_connector():
    assert {path.stem for path in DOCS.glob("*.md")} <= set(known())
