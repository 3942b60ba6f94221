"""Regular expressions: regexp_matches(), regexp_extract(), regexp_replace()."""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from tailrace.transpile.patterns import at_most_once, only_group, with_flags
from tailrace.transpile.rewrite import Writer, call, string_of, text, whole_of
from tailrace.transpile.to_bigquery.casts import as_text


def matches(w: Writer, node: exp.Anonymous) -> exp.Expr:
    value, pattern, *flags = node.expressions
    return call("REGEXP_CONTAINS", w.write(value), _flagged(w, node, pattern, flags))


def full_match(w: Writer, value: exp.Expr, pattern: exp.Expr) -> exp.Expr:
    """DuckDB's ~, SIMILAR TO and regexp_full_match() ask whether the whole text matches."""
    known = string_of(pattern)
    if known is not None:
        return call("REGEXP_CONTAINS", w.write(value), text(f"^(?:{known})$"))
    return call("REGEXP_CONTAINS", w.write(value), call("CONCAT", text("^(?:"), w.write(pattern), text(")$")))


def matches_whole(w: Writer, node: exp.Anonymous) -> exp.Expr:
    if len(node.expressions) == 3:
        return w.refuse(
            node, "regexp_full_match() with options has no counterpart", "Write (?i) into the pattern"
        )
    return full_match(w, *node.expressions)


def _flagged(w: Writer, node: exp.Expr, pattern: exp.Expr, flags: list[exp.Expr]) -> exp.Expr:
    if not flags:
        return w.write(pattern)
    known, options = string_of(pattern), string_of(flags[0])
    found = None if known is None or options is None else with_flags(known, options)
    if found is None:
        return w.refuse(
            node,
            "these options of a regular expression have no counterpart",
            "Write (?i), (?s) or (?m) into the pattern",
        )
    return text(found)


def extracted(w: Writer, node: exp.Anonymous) -> exp.Expr:
    """DuckDB gives the whole match unless a group is asked for, and '' where nothing matches."""
    found = _one_group(w, node)
    value = as_text(w, node.expressions[0], cast_unknown=False)
    if found is None:
        return exp.Null()
    empty = call("COALESCE", call("REGEXP_EXTRACT", value, found), text(""))
    return call("IF", exp.Is(this=value.copy(), expression=exp.Null()), exp.Null(), empty)


def extracted_all(w: Writer, node: exp.Anonymous) -> exp.Expr:
    found = _one_group(w, node)
    return exp.Null() if found is None else call("REGEXP_EXTRACT_ALL", w.write(node.expressions[0]), found)


def _one_group(w: Writer, node: exp.Anonymous) -> exp.Expr | None:
    pattern, rest = string_of(node.expressions[1]), node.expressions[2:]
    group = whole_of(rest[0]) if rest else 0
    found = None
    if pattern is not None and group is not None and group >= 0:
        found = only_group(pattern, group)
    if found is not None and len(rest) > 1:
        options = string_of(rest[1])
        found = None if options is None else with_flags(found, options)
    if found is None:
        fix = "Write the pattern and the number of its group out"
        w.refuse(node, f"this {node.this}() has no counterpart", fix)
        return None
    return text(found)


def replaced(w: Writer, node: exp.Anonymous) -> exp.Expr:
    """Without 'g' DuckDB replaces the first match, BigQuery all of them."""
    value, pattern, new, *flags = node.expressions
    options = string_of(flags[0]) if flags else ""
    known = string_of(pattern)
    if "g" not in (options or "") and not (known is not None and at_most_once(known)):
        message = "regexp_replace() without 'g' replaces the first match only, and BigQuery replaces all"
        return w.refuse(node, message, "Add the option 'g', or bind the pattern to the beginning by ^")
    named = flags if options and set(options) != {"g"} else []
    return call("REGEXP_REPLACE", w.write(value), _flagged(w, node, pattern, named), w.write(new))


CALLS: dict[str, tuple[int, int, Callable[[Writer, exp.Anonymous], exp.Expr]]] = {
    "regexp_matches": (2, 3, matches), "regexp_full_match": (2, 3, matches_whole), "regexp_extract": (2, 4, extracted),
    "regexp_extract_all": (2, 4, extracted_all), "regexp_replace": (3, 4, replaced),
}  # fmt: skip
