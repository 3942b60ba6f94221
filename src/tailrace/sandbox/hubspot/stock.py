"""Records as the administrator gives and takes them: tolerant of what a recording holds, strict about its shape."""

from __future__ import annotations

import re
from typing import Any

from tailrace.sandbox.clock import iso
from tailrace.sandbox.hubspot.history import CRM_UI
from tailrace.sandbox.hubspot.kinds import OWNERS, created_property, modified_property
from tailrace.sandbox.hubspot.links import Association, Links
from tailrace.sandbox.hubspot.member_lists import MemberList
from tailrace.sandbox.hubspot.portal import Portal
from tailrace.sandbox.hubspot.schema import FIELD_TYPES, full_definition
from tailrace.sandbox.hubspot.values import as_text, iso_millis, millis
from tailrace.sandbox.store import Record

ASSOCIATIONS, PIPELINES, LISTS, MEMBERS = "associations", "pipelines", "lists", "list_members"
DEFINITIONS = ".properties"
ID = re.compile(r"\d{1,19}")
LINK_FIELDS = ("from_object", "from_id", "to_object", "to_id", "type_id")


def objects(portal: Portal) -> list[str]:
    """The object types, owners, associations, pipelines and lists with their members; `<type>.properties` holds a type's property definitions."""
    return [*portal.tables, ASSOCIATIONS, PIPELINES, LISTS, MEMBERS]


def records(portal: Portal, obj: str) -> list[dict[str, Any]]:
    """What lives, in id order; archived records are not shown."""
    if obj == ASSOCIATIONS:
        return [dict(zip(LINK_FIELDS, link, strict=True)) for link in portal.links]
    if obj == PIPELINES:
        return [{"objectType": name, **one} for name, found in portal.pipelines.items() for one in found]
    if obj == LISTS:
        return [{"id": one.key, **one.shown()} for one in portal.lists.by_id.values()]
    if obj == MEMBERS:
        return [
            {"id": f"{one.key}:{key}", "listId": one.key, "recordId": key}
            for one in portal.lists.by_id.values()
            for key in sorted(one.members, key=int)
        ]
    if obj.endswith(DEFINITIONS):
        return list(portal.schemas[_typed(portal, obj)].properties.values())
    return list(portal.tables[_known(portal, obj)])


def replace(portal: Portal, obj: str, given: list[dict[str, Any]]) -> None:
    """Hold exactly these; a new object type is made."""
    if obj == ASSOCIATIONS:
        portal.links = Links(_link(index, item) for index, item in enumerate(given))
    elif obj == PIPELINES:
        portal.pipelines = {}
        _put_pipelines(portal, given)
    elif obj in (LISTS, MEMBERS):
        _replace_lists(portal, obj, given)
    elif obj.endswith(DEFINITIONS):
        definitions = [_definition(portal, index, item) for index, item in enumerate(given)]
        portal.schemas[_typed(portal, obj)].properties = {item["name"]: item for item in definitions}
    elif obj == OWNERS:
        portal.load(OWNERS, [_owner(portal, index, item) for index, item in enumerate(given)])
    else:
        _load_records(portal, obj, given)


def upsert(portal: Portal, obj: str, given: list[dict[str, Any]]) -> None:
    """Add or change by id, as a person at work; the time of modification moves unless the record brings a later one."""
    if obj == ASSOCIATIONS:
        for link in [_link(index, item) for index, item in enumerate(given)]:
            portal.links.add(*link)
    elif obj == PIPELINES:
        _put_pipelines(portal, given)
    elif obj == LISTS:
        _put_lists(portal, given)
    elif obj == MEMBERS:
        _put_members(portal, given)
    elif obj.endswith(DEFINITIONS):
        definitions = [_definition(portal, index, item) for index, item in enumerate(given)]
        portal.schemas[_typed(portal, obj)].properties.update({item["name"]: item for item in definitions})
    elif obj == OWNERS:
        for index, item in enumerate(given):
            portal.tables[OWNERS].put(_owner(portal, index, item))
    else:
        _change_records(portal, obj, given)


def remove(portal: Portal, obj: str, key: str) -> bool:
    """Archive a record or an owner, forget a definition, or a pipeline or link named by its ids.

    A pipeline is named object:id, a list's member list:record, a link from_object:from_id:to_object:to_id.
    """
    if obj == ASSOCIATIONS:
        parts = key.split(":")
        return len(parts) == len(LINK_FIELDS) - 1 and portal.links.remove(
            parts[0], parts[1], parts[2], parts[3]
        )
    if obj == PIPELINES:
        name, _, one = key.partition(":")
        before = portal.pipelines.get(name, [])
        portal.pipelines[name] = [found for found in before if found["id"] != one]
        return len(portal.pipelines[name]) < len(before)
    if obj == LISTS:
        return portal.lists.by_id.pop(key, None) is not None
    if obj == MEMBERS:
        name, _, one = key.partition(":")
        held = portal.lists.by_id.get(name)
        return held is not None and held.members.pop(one, None) is not None
    if obj.endswith(DEFINITIONS):
        return portal.schemas[_typed(portal, obj)].properties.pop(key, None) is not None
    if obj == OWNERS:
        return _retire(portal, key)
    return portal.archive(_known(portal, obj), key, CRM_UI)


def writes(portal: Portal, obj: str) -> dict[str, int]:
    """How often the API wrote each record."""
    if obj == MEMBERS:
        return dict(portal.lists.writes)
    if obj in (ASSOCIATIONS, PIPELINES, LISTS):
        return {}
    return dict(portal.tables[_known(portal, obj)].writes)


def _load_records(portal: Portal, obj: str, given: list[dict[str, Any]]) -> None:
    shaped = [_shaped(index, item) for index, item in enumerate(given)]
    twice = len(shaped) - len({record["id"] for record in shaped})
    if twice:
        raise ValueError(f"{obj}: {twice} records have an id that occurs more than once")
    schema = portal.schema_of(obj)
    schema.learn(shaped)
    dated = schema.names_of_type("datetime")
    now = iso(portal.clock.stamp())
    portal.load(obj, [_completed(obj, record, dated, now) for record in shaped])


def _change_records(portal: Portal, obj: str, given: list[dict[str, Any]]) -> None:
    shaped = [_shaped(index, item) for index, item in enumerate(given)]
    if obj not in portal.tables:
        portal.load(obj, [])
    schema = portal.schema_of(obj)
    schema.learn(shaped)
    dated = schema.names_of_type("datetime")
    for record in shaped:
        _change(portal, obj, record, dated)


def _change(portal: Portal, obj: str, record: Record, dated: list[str]) -> None:
    before = portal.tables[obj].get(record["id"])
    stamp_name = modified_property(obj)
    now = iso(portal.clock.stamp())
    if before is None:
        portal.put_as_is(obj, _completed(obj, record, dated, now))
        return
    if before["archived"] and not record["properties"] and not record["archived"]:
        portal.restore(obj, record["id"])
        return
    own_time = record["properties"].get(stamp_name) or record.get("updatedAt")
    is_later = bool(own_time) and (millis(str(own_time)) or 0) > (millis(before["updatedAt"]) or 0)
    values = {name: value for name, value in record["properties"].items() if value not in (None, "")}
    kept = {name: value for name, value in before["properties"].items() if name not in record["properties"]}
    moment = own_time if is_later else now
    merged = {**before, **record, "updatedAt": moment, "properties": {**kept, **values, stamp_name: moment}}
    portal.edit_as_is(obj, before, _completed(obj, merged, dated, now))


def _shaped(index: int, given: dict[str, Any]) -> Record:
    key = str(given.get("id", ""))
    if not ID.fullmatch(key):
        raise ValueError(f"record {index}: id must be decimal digits, not {given.get('id')!r}")
    if not isinstance(given.get("properties"), dict):
        message = f"record {index} (id {key}): properties must be an object"
        raise ValueError(message)  # noqa: TRY004  a bad record, not a bad call
    return {**given, "id": key, "archived": bool(given.get("archived", False))}


def _completed(obj: str, record: Record, dated: list[str], now: str) -> Record:
    """Every value a string, times in HubSpot's spelling, and the fields that every record has."""
    values = {
        name: text
        for name, value in record["properties"].items()
        if (text := as_text(value)) not in (None, "")
    }
    for name in dated:
        if name in values:
            values[name] = _spelled(values[name])
    created = _spelled(str(record.get("createdAt") or values.get(created_property(obj)) or now))
    updated = _spelled(str(record.get("updatedAt") or values.get(modified_property(obj)) or now))
    values.setdefault(created_property(obj), created)
    values.setdefault(modified_property(obj), updated)
    values["hs_object_id"] = record["id"]
    complete = {
        "id": record["id"],
        "properties": values,
        "createdAt": created,
        "updatedAt": updated,
        "archived": record["archived"],
    }
    if record["archived"]:
        complete["archivedAt"] = _spelled(str(record.get("archivedAt") or updated))
    return complete


def _spelled(text: str) -> str:
    moment = millis(text)
    return text if moment is None else iso_millis(moment)


def _put_pipelines(portal: Portal, given: list[dict[str, Any]]) -> None:
    """Each in the place of the one with its object and id; stages are shown as they are given."""
    for index, item in enumerate(given):
        obj, key = item.get("objectType"), item.get("id")
        if not isinstance(obj, str) or not isinstance(key, str) or not isinstance(item.get("stages"), list):
            message = f"pipeline {index}: it needs an objectType, an id and a list of stages"
            raise ValueError(message)  # noqa: TRY004  a bad record, not a bad call
        others = [one for one in portal.pipelines.get(obj, []) if one["id"] != key]
        own = {name: value for name, value in item.items() if name != "objectType"}
        portal.pipelines[obj] = [*others, own]


def _replace_lists(portal: Portal, obj: str, given: list[dict[str, Any]]) -> None:
    if obj == LISTS:
        portal.lists.by_id = {}
        _put_lists(portal, given)
        return
    for one in portal.lists.by_id.values():
        one.members = {}
    _put_members(portal, given)


def _put_lists(portal: Portal, given: list[dict[str, Any]]) -> None:
    """Each in the place of the one with its id; a static list of contacts where it says nothing else."""
    for index, item in enumerate(given):
        key = str(item.get("listId") or item.get("id") or "")
        if not ID.fullmatch(key) or not isinstance(item.get("name"), str):
            raise ValueError(f"list {index}: it needs an id and a name")
        before = portal.lists.by_id.get(key)
        type_id, processing = item.get("objectTypeId") or "0-1", item.get("processingType") or "MANUAL"
        made = MemberList(key, item["name"], str(type_id), str(processing), iso(portal.clock.now()))
        made.members = before.members if before else {}
        portal.lists.by_id[key] = made


def _put_members(portal: Portal, given: list[dict[str, Any]]) -> None:
    for index, item in enumerate(given):
        held = portal.lists.by_id.get(str(item.get("listId")))
        if held is None or not ID.fullmatch(str(item.get("recordId", ""))):
            raise ValueError(f"member {index}: it needs the listId of a list that is there, and a recordId")
        held.members.setdefault(str(item["recordId"]), iso(portal.clock.stamp()))


def _owner(portal: Portal, index: int, given: dict[str, Any]) -> Record:
    key = str(given.get("id", ""))
    if not ID.fullmatch(key):
        raise ValueError(f"record {index}: id must be decimal digits, not {given.get('id')!r}")
    now = iso(portal.clock.now())
    return {"createdAt": now, "updatedAt": now, "archived": False, **given, "id": key}


def _retire(portal: Portal, key: str) -> bool:
    """A user who left: the owner is listed among the archived."""
    owner = portal.tables[OWNERS].live(key)
    if owner is None:
        return False
    moment = iso(portal.clock.stamp())
    portal.tables[OWNERS].put({**owner, "archived": True, "updatedAt": moment, "archivedAt": moment})
    return True


def _definition(portal: Portal, index: int, given: dict[str, Any]) -> dict[str, Any]:
    name, kind = given.get("name"), given.get("type", "string")
    if not isinstance(name, str) or kind not in FIELD_TYPES:
        raise ValueError(
            f"definition {index}: it needs a name, and a type of {', '.join(sorted(FIELD_TYPES))}"
        )
    blank = {"label": name, "type": kind, "fieldType": FIELD_TYPES[kind], "groupName": "contactinformation"}
    return full_definition({**blank, **given}, iso(portal.clock.now()))


def _link(index: int, given: dict[str, Any]) -> Association:
    missing = [name for name in LINK_FIELDS if name not in given]
    if missing:
        raise ValueError(
            f"association {index}: {', '.join(missing)} missing; it needs {', '.join(LINK_FIELDS)}"
        )
    source, source_id, target, target_id, kind = (given[name] for name in LINK_FIELDS)
    return str(source), str(source_id), str(target), str(target_id), int(kind)


def _known(portal: Portal, obj: str) -> str:
    if obj not in portal.tables:
        raise KeyError(f"hubspot has no object {obj!r}; it has {', '.join(objects(portal))}")
    return obj


def _typed(portal: Portal, obj: str) -> str:
    name = obj.removesuffix(DEFINITIONS)
    if name not in portal.schemas:
        raise KeyError(f"hubspot has no object {name!r}; it has {', '.join(portal.schemas)}")
    return name
