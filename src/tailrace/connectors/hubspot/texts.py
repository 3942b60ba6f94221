"""A batch of texts as HubSpot's request, and its answer where every row was accepted: no object for a row."""

from __future__ import annotations

from collections.abc import Mapping
from json.encoder import encode_basestring
from typing import Any

import orjson

from tailrace.connectors.hubspot.outcomes import TRACE
from tailrace.connectors.sdk.writing import TextBatch, WriteBatch, WriteRow


def body(batch: TextBatch, id_property: str | None) -> bytes:
    """`id_property` None: the keys are record ids."""
    named = "" if id_property is None else f'"idProperty":{encode_basestring(id_property)},'
    inputs = ",".join(
        [
            f'{{"id":{encode_basestring(key)},{named}"{TRACE}":"{trace}","properties":{document}}}'
            for trace, (key, document) in enumerate(
                zip(batch.keys, batch.documents, strict=True), batch.first
            )
        ]
    )
    return f'{{"inputs":[{inputs}]}}'.encode()


def all_accepted(batch: TextBatch, document: Any) -> Mapping[str, str] | None:
    """Remote ids by trace where the answer names each row once and no error; None: it has to be read row by row."""
    if not isinstance(document, Mapping) or document.get("errors") or document.get("numErrors"):
        return None
    results = document.get("results")
    try:
        found = {result[TRACE]: result["id"] for result in results or ()}
        records = set(found.values())
    except (KeyError, TypeError):
        return None
    sent = {str(trace) for trace in range(batch.first, batch.first + len(batch.keys))}
    whole = found.keys() == sent and len(results or ()) == len(sent)
    apart = len(records) == len(sent) and "" not in records and set(map(type, records)) <= {str}
    return found if whole and apart else None


def typed(batch: TextBatch) -> WriteBatch:
    """The same rows one by one."""
    rows = [
        WriteRow(str(trace), key, orjson.loads(document))
        for trace, (key, document) in enumerate(zip(batch.keys, batch.documents, strict=True), batch.first)
    ]
    return WriteBatch(batch.object, batch.operation, batch.match_field, tuple(rows), batch.options)
