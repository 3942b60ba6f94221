"""Pipelines with a source of their own, in JSON Schema, for a source that exists only here."""

from __future__ import annotations

import jsonschema
import pytest

from tailrace.connectors.sdk import registry
from tailrace.connectors.sdk.base import Declaration, Option, ResourceType
from tailrace.plan.json_schema import json_schema

SHOP = Declaration(
    "shop",
    (Option("config", "mapping", required=True), Option("args", "mapping"), Option("mode", choices=("fast", "slow"))),
    resources=(
        ResourceType("orders", (Option("write", choices=("merge", "append")),)),
        ResourceType("<number>", (Option("limit", "integer", required=True),), any_name=True, pattern=r"[0-9]+"),
        ResourceType("<any>", (Option("primary_key", "names"),), any_name=True),
    ),
    inline=True,
)  # fmt: skip


@pytest.fixture
def fits(monkeypatch):
    real = registry.declaration("hubspot")
    monkeypatch.setattr(registry, "known", lambda: ["hubspot", "shop"])
    monkeypatch.setattr(registry, "declaration", {"shop": SHOP, "hubspot": real}.get)
    schema = json_schema("pipelines")
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema).is_valid


GOOD = {
    "pipeline": "mine",
    "source": "shop",
    "config": {"url": "{{ env_var('X') }}", "deep": ["{{ secret('env:Y') }}"]},
}


@pytest.mark.parametrize(
    ("more", "good"),
    [
        ({}, True),
        ({"args": {"token": "{{ secret('env:Y') }}"}}, True),
        ({"mode": "fast", "tags": ["a"], "dataset": "raw"}, True),
        ({"mode": "{{ env_var('X') }}"}, False),
        ({"mode": "quick"}, False),
        ({"config": None}, False),
        ({"connection": "hubspot"}, False),
        ({"confg": {}}, False),
        ({"source": "ship"}, False),
        ({"resources": {"orders": {"write": "merge"}}}, True),
        ({"resources": {"orders": {"write": "replace"}}}, False),
        ({"resources": {"orders": {"limit": 5}}}, False),
        ({"resources": {"orders": None, "more": None}}, True),
        ({"resources": {"more": {"primary_key": "id", "keep_raw": "30d"}}}, True),
        ({"resources": {"more": {"primary_key": ["a", "b"]}}}, True),
        ({"resources": {"more": {"primary_key": 5}}}, False),
        ({"resources": {"more": {"subject": "{{ x }}"}}}, False),
        ({"resources": {"77": {"limit": 5}}}, True),
        ({"resources": {"77": {"primary_key": "id"}}}, False),
        ({"resources": {"77": None}}, False),
        ({"resources": {"more__raw": None}}, False),
        ({"resources": {}}, False),
        ({"pipeline": "my-own"}, False),
        ({"pipeline": "my-own", "dataset": "own"}, True),
    ],
)
def test_a_source_takes_its_own_options(fits, more, good):
    assert fits({**GOOD, **more}) is good


def test_a_connection_beside_it_is_read_as_ever(fits):
    contacts = {"pipeline": "p", "connection": "c", "resources": {"contacts": {"sweep": "off"}}}
    assert fits(contacts)
    assert not fits({**contacts, "config": {}})
    assert not fits({**contacts, "source": "shop"})
