"""pipelines/*.yml: what to land."""

from __future__ import annotations

import re
from typing import Any

from tailrace.errors import Diagnostic
from tailrace.project.reader import SQL_NAME, Reader, refuse_templates
from tailrace.project.schedule import read_schedule
from tailrace.project.spec import Contract, Pipeline, Resource
from tailrace.project.yaml import Document

RESOURCE_KEYS = ("changes", "subject", "keep_raw", "contract")
"""The keys of a resource that are tailrace's; every other one is an option of the connector."""

PIPELINE_KEYS = ("pipeline", "connection", "dataset", "schedule", "resources", "tags")
CONTRACT_KEYS = ("tables", "columns", "data_type")
CONTRACT_WORDS = ("evolve", "freeze", "discard_row", "discard_value")
# A custom object of HubSpot is called 2-123: a vendor's name may begin with a digit.
RESOURCE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]*\Z")
RESERVED_ENDS = ("__changes", "__keys", "__raw")


def read_pipeline(document: Document, file: str, problems: list[Diagnostic]) -> Pipeline:
    """A pipeline; parts of it that are wrong are left empty, with a diagnostic."""
    reader = Reader(document.data, document.marks, problems, "a pipeline")
    if "source" in reader.data:
        _refuse_source(reader)
    else:
        reader.known(*PIPELINE_KEYS)
        refuse_templates(document.data, document.marks, problems, "Write the value itself")
    name = reader.name("pipeline")
    connection = "" if "source" in reader.data else reader.name("connection")
    dataset = reader.name("dataset", required=False, sql=True)
    if name and "dataset" not in reader.data and not SQL_NAME.match(name):
        reader.problem(
            f"pipeline: {name} cannot name a schema in the warehouse",
            "Add `dataset:` without a -",
            "pipeline",
        )
    resources = _resources(reader)
    schedule = read_schedule(reader, sla=True)
    tags = reader.texts("tags")
    return Pipeline(name, connection, dataset or name, resources, document.marks, file, schedule, tags)


def _refuse_source(reader: Reader) -> None:
    source = reader.text("source", "this source")
    fix = "Land from a connection: replace `source:` with `connection:`"
    reader.key_problem(f"source: {source} is not in this release", fix, "source")


def _resources(reader: Reader) -> tuple[Resource, ...]:
    declared = reader.mapping("resources", required=True)
    if "resources" in reader.data and isinstance(reader.data["resources"], dict) and not declared:
        reader.problem(
            "resources names nothing to land", "Add a resource such as `contacts: {}`", "resources"
        )
    found = []
    for name, data in declared.items():
        if not RESOURCE_NAME.match(name) or name.endswith(RESERVED_ENDS):
            fix = (
                "Use letters, digits, _ and -, and no ending of tailrace's own ("
                + ", ".join(RESERVED_ENDS)
                + ")"
            )
            reader.key_problem(f"{name[:60]!r} cannot name a resource", fix, "resources", name)
        else:
            found.append(_resource(reader, name, data))
    return tuple(found)


def _resource(pipeline: Reader, name: str, data: Any) -> Resource:
    marks = pipeline.marks.under("resources", name)
    # `deals:` with nothing behind it asks for deals as plainly as `deals: {}` does
    reader = Reader({} if data is None else data, marks, pipeline.problems, f"resource {name}")
    options = {key: value for key, value in reader.data.items() if key not in RESOURCE_KEYS}
    return Resource(
        name,
        options,
        pipeline.marks,
        changes=reader.flag("changes"),
        subject=reader.optional_text("subject"),
        keep_raw=reader.duration("keep_raw"),
        contract=_contract(reader),
    )


def _contract(parent: Reader) -> Contract:
    """One of dlt's words for all three, or a word for each."""
    value = parent.get("contract")
    if value is None:
        return Contract()
    if isinstance(value, str):
        word = parent.choice("contract", CONTRACT_WORDS, "evolve")
        return Contract(word, word, word)
    reader = parent.under("contract", "contract")
    reader.known(*CONTRACT_KEYS)
    return Contract(**{key: reader.choice(key, CONTRACT_WORDS, "evolve") for key in CONTRACT_KEYS})
