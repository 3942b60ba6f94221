"""Functions of texts, numbers and conditions."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from sqlglot import exp

from tailrace.transpile.patterns import groups
from tailrace.transpile.rewrite import Writer, call, number, string_of, text, whole_of
from tailrace.transpile.to_duckdb.dates import Rule, parsed_safely

_FORMAT = re.compile(r"%(?:%|0?\d*[di]|\d*s|0?\d*\.\d+f)")
_BLANK = r"[\s\p{Z}\x0b\x{85}]+"


def same(name: str, *after: exp.Expr) -> Rule:
    """The function of another name that means the same."""

    def write(w: Writer, node: exp.Anonymous) -> exp.Expr:
        return call(name, *w.all(node.expressions), *(argument.copy() for argument in after))

    return write


def concat(w: Writer, node: exp.Anonymous) -> exp.Expr:
    """One NULL makes it NULL, which DuckDB leaves out."""
    first, *rest = w.all(node.expressions)
    for value in rest:
        first = exp.DPipe(this=first, expression=value, safe=True)
    return exp.paren(first) if rest else first


def trimmed(w: Writer, node: exp.Anonymous | exp.Trim) -> exp.Expr:
    """All white space goes, tabs and line ends too, which DuckDB's trim() leaves."""
    if isinstance(node, exp.Trim):
        name, value, letters = "trim", node.this, node.args.get("expression")
        if node.args.get("position"):
            return w.refuse(node, "TRIM with a side has no counterpart", "Write LTRIM() or RTRIM()")
    else:
        name, value = str(node.this), node.expressions[0]
        letters = node.expressions[1] if len(node.expressions) > 1 else None
    if letters is not None:
        return call(name, w.write(value), w.write(letters))
    pattern = {"ltrim": f"^{_BLANK}", "rtrim": f"{_BLANK}$"}.get(name, f"^{_BLANK}|{_BLANK}$")
    return call("regexp_replace", w.write(value), text(pattern), text(""), text("g"))


def substring(w: Writer, node: exp.Anonymous | exp.Substring) -> exp.Expr:
    if isinstance(node, exp.Substring):
        value, start, length = node.this, node.args["start"], node.args.get("length")
    else:
        value, start, *rest = node.expressions
        length = rest[0] if rest else None
    first = whole_of(start)
    computed = isinstance(start, exp.Add) and any(
        (whole_of(side) or 0) >= 1 for side in (start.left, start.right)
    )
    if not (computed or (first is not None and (first >= 1 or (first < 0 and length is None)))):
        return w.refuse(
            node,
            "SUBSTR() from this place counts otherwise in DuckDB",
            "Begin at 1 or later; for the end write RIGHT(x, n)",
        )
    return call(
        "substring", w.write(value), w.write(start), *([w.write(length)] if length is not None else [])
    )


def ends(w: Writer, node: exp.Anonymous) -> exp.Expr:
    count = whole_of(node.expressions[1])
    written = w.write(node.expressions[1])
    if count is None or count < 0:
        written = call("greatest", written, number(0))
    return call(str(node.this), w.write(node.expressions[0]), written)


def padded(w: Writer, node: exp.Anonymous) -> exp.Expr:
    letters = w.all(node.expressions[2:]) or [text(" ")]
    return call(str(node.this), *w.all(node.expressions[:2]), *letters)


def split(w: Writer, node: exp.Anonymous) -> exp.Expr:
    return call("string_split", w.write(node.expressions[0]), *(w.all(node.expressions[1:]) or [text(",")]))


def extracted(w: Writer, node: exp.Anonymous) -> exp.Expr:
    """The group, or the whole match where there is none; NULL where nothing matches."""
    pattern = string_of(node.expressions[1])
    if pattern is None or len(groups(pattern)) > 1:
        return w.refuse(
            node,
            "REGEXP_EXTRACT() of this pattern has no counterpart",
            "Write the pattern out, with one group at most",
        )
    value, group = w.write(node.expressions[0]), number(len(groups(pattern)))
    matches = call("regexp_matches", value, text(pattern))
    return exp.Case(
        ifs=[exp.If(this=matches, true=call("regexp_extract", value.copy(), text(pattern), group))]
    )


def extracted_all(w: Writer, node: exp.Anonymous) -> exp.Expr:
    pattern = string_of(node.expressions[1])
    if pattern is None or len(groups(pattern)) > 1:
        return w.refuse(
            node,
            "REGEXP_EXTRACT_ALL() of this pattern has no counterpart",
            "Write the pattern out, with one group at most",
        )
    return call(
        "regexp_extract_all", w.write(node.expressions[0]), text(pattern), number(len(groups(pattern)))
    )


def hexed(w: Writer, node: exp.Anonymous) -> exp.Expr:
    """TO_HEX(MD5(x)): DuckDB's digests are texts already."""
    [inner] = node.expressions
    if not isinstance(inner, exp.Anonymous) or inner.this not in ("md5", "sha1", "sha256"):
        return w.refuse(node, "TO_HEX() of other than a digest has no counterpart", "Write TO_HEX(MD5(x))")
    return call(str(inner.this), *w.all(inner.expressions))


def extreme(w: Writer, node: exp.Anonymous) -> exp.Expr:
    """One NULL makes BigQuery's GREATEST and LEAST NULL."""
    written = w.all(node.expressions)
    empty: exp.Expr | None = None
    for value, own in zip(written, node.expressions, strict=True):
        if not isinstance(own, exp.Literal):
            one = exp.Is(this=value.copy(), expression=exp.Null())
            empty = one if empty is None else exp.Or(this=empty, expression=one)
    found = call(str(node.this), *written)
    return found if empty is None else exp.Case(ifs=[exp.If(this=empty, true=exp.Null())], default=found)


def formatted(w: Writer, node: exp.Anonymous) -> exp.Expr:
    pattern = string_of(node.expressions[0])
    if pattern is None or _FORMAT.sub("", pattern).count("%"):
        return w.refuse(node, "this FORMAT() has no counterpart", "Use %d, %s, %.2f and %%, written out")
    return call("printf", *w.all(node.expressions))


def divided(w: Writer, node: exp.Anonymous) -> exp.Expr:
    left, right = (
        exp.paren(value) if isinstance(value, exp.Binary) else value for value in w.all(node.expressions)
    )
    if node.this == "safe_divide":
        right = call("nullif", right, number(0))
    if node.this == "div":
        return exp.IntDiv(this=left, expression=right)
    return exp.Div(this=left, expression=right, typed=False, safe=False)


def remainder(w: Writer, node: exp.Anonymous) -> exp.Expr:
    return call("mod", *w.all(node.expressions))


def logarithm(w: Writer, node: exp.Anonymous) -> exp.Expr:
    """LOG(x) is the natural one; LOG(x, base) names the base last."""
    value, *base = w.all(node.expressions)
    return call("log", base[0], value) if base else call("ln", value)


def scalar_of(w: Writer, node: exp.Anonymous) -> exp.Expr:
    """JSON_VALUE() gives scalars only."""
    path = w.all(node.expressions[1:]) or [text("$")]
    return exp.JSONExtractScalar(
        this=exp.paren(call("json_value", w.write(node.expressions[0]), *path)), expression=text("$")
    )


def json_of(w: Writer, node: exp.Anonymous) -> exp.Expr:
    return call("json_extract", w.write(node.expressions[0]), *(w.all(node.expressions[1:]) or [text("$")]))


def replaced(w: Writer, node: exp.Anonymous) -> exp.Expr:
    return call("regexp_replace", *w.all(node.expressions), text("g"))


def safely(w: Writer, node: exp.SafeFunc) -> exp.Expr:
    inner = node.this
    if (
        isinstance(inner, exp.Anonymous)
        and str(inner.this).startswith("parse_")
        and len(inner.expressions) == 2
    ):
        return parsed_safely(w, inner)
    return w.refuse(
        node,
        "SAFE. of this function has no counterpart",
        "Write SAFE_CAST(), SAFE_DIVIDE() or SAFE.PARSE_DATE()",
    )


def text_of(w: Writer, node: exp.Anonymous) -> exp.Expr:
    return w.write(
        exp.Cast(this=node.expressions[0].copy(), to=exp.DataType.build("STRING", dialect="bigquery"))
    )


CALLS: dict[str, tuple[int, int, Rule]] = {
    **{name: (1, 1, same(name)) for name in ("lower", "upper", "reverse", "length", "abs", "sign", "ceil", "floor", "sqrt", "exp", "ln",
                                             "log10", "sin", "cos", "tan", "asin", "acos", "atan", "chr")},
    "char_length": (1, 1, same("length")), "character_length": (1, 1, same("length")), "byte_length": (1, 1, same("strlen")),
    "replace": (3, 3, same("replace")), "translate": (3, 3, same("translate")), "starts_with": (2, 2, same("starts_with")),
    "ends_with": (2, 2, same("ends_with")), "strpos": (2, 2, same("strpos")), "instr": (2, 2, same("strpos")), "repeat": (2, 2, same("repeat")),
    "concat": (1, 999, concat), "trim": (1, 2, trimmed), "ltrim": (1, 2, trimmed), "rtrim": (1, 2, trimmed), "substr": (2, 3, substring),
    "left": (2, 2, ends), "right": (2, 2, ends), "lpad": (2, 3, padded), "rpad": (2, 3, padded), "split": (1, 2, split),
    "regexp_contains": (2, 2, same("regexp_matches")), "regexp_extract": (2, 2, extracted), "regexp_extract_all": (2, 2, extracted_all),
    "regexp_replace": (3, 3, replaced), "to_hex": (1, 1, hexed), "format": (1, 999, formatted), "string": (1, 1, text_of),
    "coalesce": (1, 999, same("coalesce")), "ifnull": (2, 2, same("ifnull")), "nullif": (2, 2, same("nullif")), "if": (3, 3, same("if")),
    "greatest": (1, 999, extreme), "least": (1, 999, extreme), "round": (1, 2, same("round")), "trunc": (1, 1, same("trunc")),
    "pow": (2, 2, same("pow")), "power": (2, 2, same("pow")), "mod": (2, 2, remainder), "log": (1, 2, logarithm), "is_nan": (1, 1, same("isnan")),
    "is_inf": (1, 1, same("isinf")), **dict.fromkeys(("div", "safe_divide", "ieee_divide"), (2, 2, divided)),
    **dict.fromkeys(("json_value", "json_extract_scalar"), (1, 2, scalar_of)), **dict.fromkeys(("json_query", "json_extract"), (1, 2, json_of)),
}  # fmt: skip
RULES: dict[type[exp.Expr], Callable[[Writer, Any], exp.Expr]] = {
    exp.Trim: trimmed, exp.Substring: substring, exp.SafeFunc: safely,
}  # fmt: skip
