"""The functions of dbt's context that need nothing but what they are given."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from tailrace.build.template.failures import Returned
from tailrace.build.template.limits import check_size, measure
from tailrace.build.template.printing import Distinct


def _return(value: Any = None) -> None:
    raise Returned(value)


def _from_json(string: Any, default: Any = None) -> Any:
    try:
        return json.loads(string)
    except ValueError:
        return default


def _to_json(value: Any, default: Any = None, sort_keys: bool = False) -> Any:
    check_size(measure(value))
    try:
        return json.dumps(value, sort_keys=sort_keys)
    except ValueError:
        return default


def _from_yaml(value: Any, default: Any = None) -> Any:
    import yaml

    try:
        return yaml.safe_load(value)
    except (AttributeError, ValueError, yaml.YAMLError):
        return default


def _to_yaml(value: Any, default: Any = None, sort_keys: bool = False) -> Any:
    import yaml

    check_size(measure(value))
    try:
        return yaml.safe_dump(data=value, sort_keys=sort_keys)
    except (ValueError, yaml.YAMLError):
        return default


def _or_default(function: Callable[..., Any]) -> Callable[..., Any]:
    def lenient(*args: Any, default: Any = None) -> Any:
        try:
            return function(*args)
        except TypeError:
            return default

    return lenient


def _zip(*series: Iterable[Any]) -> list[tuple[Any, ...]]:
    return list(zip(*series, strict=False))


def _set(value: Iterable[Any], default: Any = None) -> Any:
    try:
        return Distinct(value)
    except TypeError:
        return default


def _md5(value: str) -> str:
    return hashlib.md5(str(value).encode(), usedforsecurity=False).hexdigest()


def _difference(dict_a: Mapping[str, list[str]], dict_b: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """dict_a without what dict_b has, whatever the case."""
    lowered = {key.casefold(): [value.casefold() for value in values] for key, values in dict_b.items()}
    kept = {
        key: [value for value in values if value.casefold() not in lowered.get(key.casefold(), [])]
        for key, values in dict_a.items()
    }
    return {key: values for key, values in kept.items() if values or key.casefold() not in lowered}


FUNCTIONS: Mapping[str, Any] = {
    "return": _return, "fromjson": _from_json, "tojson": _to_json, "fromyaml": _from_yaml, "toyaml": _to_yaml,
    "set": _set, "set_strict": Distinct, "zip": _or_default(_zip), "zip_strict": _zip, "local_md5": _md5,
    "diff_of_two_dicts": _difference,
}  # fmt: skip
