"""Pipelines: one row for each stage, with its pipeline's id and label."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tailrace.connectors.hubspot.api import Api, Record
from tailrace.connectors.hubspot.offers import PIPELINED
from tailrace.connectors.hubspot.whole import chosen, read_whole
from tailrace.connectors.sdk.base import ResourceSpec
from tailrace.records import Checkpoint, Column, Page, Schema

SCHEMA = Schema(
    columns=(
        Column("object"),
        Column("pipeline_id"),
        Column("pipeline_label"),
        Column("pipeline_displayOrder", "bigint"),
        Column("id"),
        Column("label"),
        Column("displayOrder", "bigint"),
        Column("metadata", "json"),
        Column("createdAt", "timestamp"),
        Column("updatedAt", "timestamp"),
    ),
    primary_key=("object", "pipeline_id", "id"),
    cursor_columns=("updatedAt",),
)


def read(api: Api, resource: ResourceSpec, position: Mapping[str, Any] | None) -> Iterator[Page | Checkpoint]:
    """Every stage of the chosen objects' pipelines, or nothing where they are as they were."""

    def rows(obj: str) -> list[Record]:
        pipelines = api.results(api.get(api.path("pipelines", obj), {}))
        return [
            _row(obj, pipeline, stage) for pipeline in pipelines for stage in pipeline.get("stages") or []
        ]

    return read_whole(api, resource.name, chosen(resource, PIPELINED), rows, position)


def _row(obj: str, pipeline: Mapping[str, Any], stage: Mapping[str, Any]) -> Record:
    own = {name: stage.get(name) for name in ("id", "label", "displayOrder", "metadata", "createdAt")}
    return {
        "object": obj,
        "pipeline_id": pipeline.get("id"),
        "pipeline_label": pipeline.get("label"),
        "pipeline_displayOrder": pipeline.get("displayOrder"),
        **own,
        # a stage's own time does not tell that its pipeline was renamed
        "updatedAt": max(str(found.get("updatedAt") or "") for found in (stage, pipeline)) or None,
    }
