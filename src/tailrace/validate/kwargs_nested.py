"""Kwargs of expectations that are lists or mappings: what is wrong inside them, told without data."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from tailrace.project.reader import kind_of
from tailrace.validate.entry import Problem

_ROUNDING = 0.00001


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def wrong_with_set(path: tuple[str, ...], values: Any) -> Iterator[Problem]:
    """Values of one kind, and no NULL."""
    if not values:
        yield path, "value_set is empty", "Write the values, or remove the expectation"
        return
    kinds: dict[str, int] = {}
    for place, value in enumerate(values):
        if value is None:
            fix = "Remove it: use expect_column_values_to_not_be_null, or `where:`"
            yield (*path, place), "value_set holds a NULL, which is equal to nothing", fix
        elif isinstance(value, list | tuple | Mapping):
            fix = "Write the values themselves: value_set: [a, b]"
            yield (*path, place), f"value_set holds {kind_of(value)}, which is no value", fix
        else:
            kinds.setdefault(_kind(value), place)
    if len(kinds) > 1:
        place = max(kinds.values())
        fix = "Write all values as the column's type; put quotes around a text"
        yield (*path, place), f"value_set mixes {' and '.join(sorted(kinds))}", fix


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "true and false"
    if isinstance(value, int | float):
        return "numbers"
    return "texts" if isinstance(value, str) else "dates"


def wrong_with_pairs(path: tuple[str, ...], values: Any) -> Iterator[Problem]:
    """Lists of two."""
    if not values:
        yield path, "value_pairs_set is empty", "Write the pairs, or remove the expectation"
    for place, pair in enumerate(values):
        if not isinstance(pair, list | tuple) or len(pair) != 2:
            yield (*path, place), f"a pair must be a list of two, not {kind_of(pair)}", "Write [a, b]"


def wrong_with_quantiles(path: tuple[str, ...], value: Any) -> Iterator[Problem]:
    """Shares, and as many ranges."""
    found = value if isinstance(value, Mapping) else {}
    shares, spans = found.get("quantiles"), found.get("value_ranges")
    fix = "Write {quantiles: [0.5], value_ranges: [[10, 20]]}"
    if (
        not isinstance(shares, list)
        or not isinstance(spans, list)
        or set(found) != {"quantiles", "value_ranges"}
    ):
        yield path, "quantile_ranges must hold quantiles and value_ranges, each a list", fix
    elif len(shares) != len(spans) or not shares:
        yield (
            path,
            f"{len(shares)} quantiles and {len(spans)} value_ranges",
            "Write one range for each quantile",
        )
    elif not all(is_number(share) and 0 <= share <= 1 for share in shares):
        yield (*path, "quantiles"), "quantiles must be shares from 0 to 1", fix
    else:
        for place, span in enumerate(spans):
            ends = [end for end in span if end is not None] if isinstance(span, list) else []
            if (
                not isinstance(span, list)
                or len(span) != 2
                or not all(is_number(end) for end in ends)
                or ends != sorted(ends)
            ):
                yield (*path, "value_ranges", place), "a range must be its lowest and highest number", fix


def wrong_with_partition(path: tuple[str, ...], value: Any) -> Iterator[Problem]:
    """Values, or the borders of bins, and the share of each."""
    found = value if isinstance(value, Mapping) else {}
    fix = "Write {values: [a, b], weights: [0.5, 0.5]}, or {bins: [0, 10, 20], weights: [0.5, 0.5]}"
    kind = "bins" if "bins" in found else "values"
    keys = {kind, "weights", *(("tail_weights",) if kind == "bins" else ())}
    if not {kind, "weights"} <= set(found) or not set(found) <= keys:
        yield path, "partition_object must hold weights, and values or bins", fix
        return
    parts, weights = found[kind], found["weights"]
    tails = found.get("tail_weights", [0, 0])
    if not all(isinstance(part, list | tuple) for part in (parts, weights, tails)):
        yield path, f"{kind} and weights of partition_object must be lists", fix
    elif not all(is_number(weight) and weight >= 0 for weight in (*weights, *tails)):
        yield (*path, "weights"), "weights must be shares from 0 to 1", fix
    elif len(parts) - (kind == "bins") != len(weights):
        yield (*path, "weights"), f"{len(parts)} {kind} and {len(weights)} weights", fix
    elif abs(sum(weights) + sum(tails) - 1) > _ROUNDING:
        yield (*path, "weights"), f"the weights add up to {sum(weights) + sum(tails):g}, not to 1", fix
