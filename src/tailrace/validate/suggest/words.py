"""What the name of a column says about its values."""

from __future__ import annotations

import re

_WORD = re.compile(r"[^\W\d_]+|\d+")
_HUMP = re.compile(r"(?<=[^\WA-Z\d_])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")

IDS = frozenset(("id", "ids", "uuid", "guid", "key", "pk", "sk", "gid", "gclid", "fbclid", "token", "hash"))
NOT_MEASURES = IDS | {"code", "zip", "postcode", "postal", "phone", "year", "version", "epoch", "timestamp", "ms", "index", "number", "no"}  # fmt: skip
COUNTS = frozenset(
    (
        *(
            "count",
            "counts",
            "num",
            "number",
            "clicks",
            "impressions",
            "views",
            "visits",
            "sessions",
            "users",
        ),
        *("opens", "opened", "clicked", "sent", "leads", "deals", "won", "orders", "conversions", "events"),
        *("quantity", "qty", "employees", "members", "subscribers", "followers", "likes", "shares", "days"),
        *(
            "hours",
            "minutes",
            "seconds",
            "duration",
            "filled",
            "attempts",
            "size",
            "bytes",
            "length",
            "reach",
        ),
    )
)
COSTS = frozenset(("cost", "costs", "spend", "price", "budget", "fee", "cpc", "cpm", "cpa", "cac", "bid"))
MONEY = COSTS | {"revenue", "amount", "value", "sales", "mrr", "arr", "ltv"}
SHARES = frozenset(("share", "ratio", "fraction", "probability", "proportion", "ctr", "cvr"))
RATES = frozenset(
    (
        *("engagement", "open", "click", "bounce", "conversion", "reply", "win", "churn", "unsubscribe"),
        *("delivery", "response", "retention", "through", "exit", "completion"),
    )
)
PERCENTS = frozenset(("percent", "percentage", "pct"))
OPEN_SETS = frozenset(
    (
        *("name", "title", "label", "campaign", "source", "medium", "keyword", "term", "url", "page", "path"),
        *("city", "company", "description", "text", "note", "notes", "subject", "ad", "adgroup", "content"),
        *("comment", "message", "referrer", "landing", "query", "owner", "slug", "link", "file", "version"),
    )
)
"""Names whose values people make up, so that tomorrow brings new ones."""

PERSONAL = frozenset(
    (
        *(
            "email",
            "emails",
            "mail",
            "phone",
            "mobile",
            "telephone",
            "fax",
            "firstname",
            "lastname",
            "surname",
        ),
        *(
            "fullname",
            "forename",
            "birthday",
            "birthdate",
            "dob",
            "street",
            "address",
            "ssn",
            "iban",
            "passport",
        ),
        *("salutation", "nickname", "username", "ip"),
    )
)
_PERSONAL_NAMES = frozenset(
    (
        *("first", "last", "full", "given", "family", "middle", "maiden", "contact", "customer", "person"),
        *("user", "member", "subscriber", "lead", "recipient", "employee", "display"),
    )
)
_PEOPLE = frozenset(
    (
        *("contact", "contacts", "customer", "customers", "person", "persons", "people", "user", "users"),
        *("member", "members", "lead", "leads", "subscriber", "subscribers", "employee", "employees"),
    )
)
_ABOUT = frozenset(
    (
        *(
            "status",
            "type",
            "domain",
            "count",
            "id",
            "state",
            "source",
            "format",
            "provider",
            "kind",
            "bounce",
        ),
        *("campaign", "client", "list", "template", "category", "valid", "verified", "optout", "country"),
    )
)
"""An e-mail's status is nobody's data."""

LOADED = frozenset(
    (
        *("loaded", "synced", "ingested", "imported", "fetched", "extracted", "refreshed", "inserted"),
        *("updated", "modified", "lastmodified", "lastmodifieddate", "updatedat", "seen", "changed"),
    )
)


def tokens(name: str) -> tuple[str, ...]:
    """`lastModifiedDate`, `last_modified date` -> (last, modified, date)."""
    return tuple(part.lower() for word in _WORD.findall(name) for part in _HUMP.split(word))


def is_id(name: str) -> bool:
    """Whether a name is that of an identifier: `id`, `contact_id`, `companyId`, `associatedcompanyid`."""
    found = tokens(name)
    return bool(found) and (found[-1] in IDS or (len(found) == 1 and found[0].endswith(("id", "key")) and len(found[0]) > 6))  # fmt: skip


def is_measure(name: str) -> bool:
    """Whether a number under this name is an amount: bounds make sense, unlike for ids, codes and years."""
    found = tokens(name)
    last = found[-1:]
    return not is_id(name) and not (set(last) & NOT_MEASURES and not set(found[:1]) & {"num", "count"})


def looks_personal(name: str, model: str) -> bool:
    """Whether texts under this name are likely to be a person's: e-mail, phone, name, address."""
    found = tokens(name)
    words = set(found)
    if words & _ABOUT:
        return False
    if words & PERSONAL or {"date", "birth"} <= words:
        return True
    if "name" not in words:
        return False
    return bool(words & _PERSONAL_NAMES) or (found == ("name",) and bool(set(tokens(model)) & _PEOPLE))
