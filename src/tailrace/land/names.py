"""Column names that cannot live side by side, found before the first page is asked for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from tailrace.errors import SchemaError
from tailrace.land.layout import RESERVED

UNSAFE = re.compile(r'["\x00-\x1f]')


def check_names(resource: str, names: Sequence[str], stored: Iterable[str] = ()) -> None:
    """SchemaError for names equal but for case or punctuation, for ours, and for ones that no engine takes."""
    wrong: list[str] = []
    seen: dict[str, str] = {}
    for name in names:
        other = seen.setdefault(normalised(name), name)
        if name.lower() in RESERVED:
            wrong.append(f"the column {name!r} is one of tailrace's own")
        elif not name or UNSAFE.search(name):
            wrong.append(f"the column {name!r} has a quote or a control character in its name")
        elif other is not name:
            wrong.append(f"the columns {other!r} and {name!r} would be one column")
    for name in stored:
        other = seen.get(normalised(name), name)
        if other != name:
            wrong.append(f"the column {other!r} and the stored column {name!r} would be one column")
    if wrong:
        raise SchemaError(
            f"{resource}: {'; '.join(wrong)}", "leave one of them out of the resource's columns"
        )


def normalised(name: str) -> str:
    """What a name is to engines and to those who load into them: no case, no punctuation."""
    return re.sub(r"[^0-9a-z]", "_", name.lower())
