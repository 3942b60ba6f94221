"""pipelines/*.yml: what to land."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tailrace.errors import Diagnostic
from tailrace.project.reader import SQL_NAME, Reader, refuse_templates
from tailrace.project.schedule import read_schedule
from tailrace.project.secrets import wrapped
from tailrace.project.spec import EMPTY, Contract, Marks, Pipeline, Resource
from tailrace.project.yaml import Document

RESOURCE_KEYS = ("changes", "subject", "keep_raw", "contract")
"""The keys of a resource that are tailrace's; every other one is an option of the connector."""

PIPELINE_KEYS = ("pipeline", "connection", "dataset", "schedule", "resources", "tags")
INLINE_KEYS = ("pipeline", "source", "dataset", "schedule", "resources", "tags")
"""With `source:` in place of `connection:`; every other key is an option of the source."""
RENDERED_KEYS = ("config", "args")
"""Options of a source in which templates are rendered, as in profiles.yml."""
CONTRACT_KEYS = ("tables", "columns", "data_type")
CONTRACT_WORDS = ("evolve", "freeze", "discard_row", "discard_value")
# A custom object of HubSpot is called 2-123: a vendor's name may begin with a digit.
RESOURCE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]*\Z")
RESERVED_ENDS = ("__changes", "__keys", "__raw")


def read_pipeline(document: Document, file: str, problems: list[Diagnostic], root: Path = Path()) -> Pipeline:
    """A pipeline; parts of it that are wrong are left empty, with a diagnostic. Secret files start at `root`."""
    reader = Reader(document.data, document.marks, problems, "a pipeline")
    inline = "source" in reader.data
    if not inline:
        reader.known(*PIPELINE_KEYS)
    elif "connection" in reader.data:
        reader.key_problem("both connection and source are named", "Keep one of the two", "connection")
    # an inline source's other keys are its own: it says itself which it knows
    plain = {key: value for key, value in reader.data.items() if not inline or key in INLINE_KEYS}
    refuse_templates(plain, document.marks, problems, "Write the value itself")
    name = reader.name("pipeline")
    dataset = reader.name("dataset", required=False, sql=True)
    if name and "dataset" not in reader.data and not SQL_NAME.match(name):
        reader.problem(
            f"pipeline: {name} cannot name a schema in the warehouse",
            "Add `dataset:` without a -",
            "pipeline",
        )
    return Pipeline(
        name,
        "" if inline else reader.name("connection"),
        dataset or name,
        _resources(reader, inline),
        document.marks,
        file,
        read_schedule(reader, sla=True),
        reader.texts("tags"),
        reader.name("source") if inline else "",
        _options(reader, document.marks, root) if inline else EMPTY,
    )


def _options(reader: Reader, marks: Marks, root: Path) -> Mapping[str, Any]:
    """What the source takes beside tailrace's own keys, templates rendered and secrets hidden where there may be any."""
    from tailrace.project.render import Renderer

    own = {*INLINE_KEYS, "connection"}
    renderer = Renderer(root, marks, reader.problems)
    return {
        key: wrapped(key, renderer.render(value, (key,))) if key in RENDERED_KEYS else value
        for key, value in reader.data.items()
        if key not in own
    }


def _resources(reader: Reader, inline: bool) -> tuple[Resource, ...]:
    """Those named. An inline source may name none: all that it has is landed then."""
    declared = reader.mapping("resources", required=not inline)
    if "resources" in reader.data and isinstance(reader.data["resources"], dict) and not declared:
        reader.problem(
            "resources names nothing to land", "Add a resource such as `contacts: {}`", "resources"
        )
    found = []
    for name, data in declared.items():
        if not can_name(name):
            fix = (
                "Use letters, digits, _ and -, and no ending of tailrace's own ("
                + ", ".join(RESERVED_ENDS)
                + ")"
            )
            reader.key_problem(f"{name[:60]!r} cannot name a resource", fix, "resources", name)
        else:
            found.append(_resource(reader, name, data))
    return tuple(found)


def can_name(name: str) -> bool:
    """Whether a resource may be called so: its name becomes that of four tables."""
    return RESOURCE_NAME.match(name) is not None and not name.endswith(RESERVED_ENDS)


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
