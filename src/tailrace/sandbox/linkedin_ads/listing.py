"""The finders of accounts and what is below them, with the cursors of 202401 or with start and count."""

from __future__ import annotations

from typing import Any

from tailrace.sandbox.linkedin_ads.errors import bad_parameter

Record = dict[str, Any]
PAGE, INDEX_PAGE, MOST_PAGE = 100, 10, 1000
CURSOR = {"q", "search", "fields", "pageSize", "pageToken", "sortOrder"}
INDEX = {"q", "search", "fields", "start", "count", "sortOrder"}


def listing(
    records: list[Record], params: dict[str, Any], finder: str, *, cursors: bool, path: str
) -> Record:
    """One page; Refused for a finder, a page or a parameter that is none."""
    if params.get("q") != finder:
        raise bad_parameter(f"No finder '{params.get('q')}' for this resource")
    for name in params:
        if name not in (CURSOR if cursors else INDEX):
            raise bad_parameter(f"Invalid query parameters passed to request: {name}")
    found = [record for record in records if _matches(record, params.get("search") or {})]
    page = _by_cursor(found, params) if cursors else _by_index(found, params, path)
    fields = params.get("fields")
    if fields:
        page["elements"] = [{name: row[name] for name in fields if name in row} for row in page["elements"]]
    return page


def _matches(record: Record, search: Any) -> bool:
    if not isinstance(search, dict):
        raise bad_parameter("Invalid query parameters passed to request: search")
    for name, wanted in search.items():
        values = wanted.get("values", []) if isinstance(wanted, dict) else [wanted]
        if _text(record.get(name)) not in values:
            return False
    return True


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _by_cursor(records: list[Record], params: dict[str, Any]) -> Record:
    size = _number(params, "pageSize", PAGE)
    token = str(params.get("pageToken") or "page-0")
    if not token.removeprefix("page-").isdecimal():
        raise bad_parameter("Invalid pageToken")
    start = int(token.removeprefix("page-"))
    more = start + size < len(records)
    metadata = {"nextPageToken": f"page-{start + size}"} if more else {}
    return {"metadata": metadata, "elements": records[start : start + size]}


def _by_index(records: list[Record], params: dict[str, Any], path: str) -> Record:
    start, count = int(params.get("start") or 0), _number(params, "count", INDEX_PAGE)
    after = start + count
    href = f"{path}?q={params['q']}&start={after}&count={count}"
    links = [{"type": "application/json", "rel": "next", "href": href}] if after < len(records) else []
    paging = {"start": start, "count": count, "links": links, "total": len(records)}
    return {"paging": paging, "elements": records[start:after]}


def _number(params: dict[str, Any], name: str, default: int) -> int:
    text = str(params.get(name) or default)
    if not text.isdecimal() or not 1 <= int(text) <= MOST_PAGE:
        raise bad_parameter(f"Specified {name} is not between 1 and {MOST_PAGE}")
    return int(text)
