"""Functions of texts."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from sqlglot import exp

from tailrace.transpile.rewrite import Writer, call, cast, number, string_of, text, whole_of
from tailrace.transpile.to_bigquery.casts import as_text

Rule = Callable[[Writer, exp.Anonymous], exp.Expr]
_FORMAT = re.compile(r"%(?:%|0?\d*[di]|\d*s|0?\d*\.\d+f|\.\d+g)")


def same(name: str, *after: exp.Expr) -> Rule:
    """The function of another name that means the same."""

    def write(w: Writer, node: exp.Anonymous) -> exp.Expr:
        return call(name, *w.all(node.expressions), *(argument.copy() for argument in after))

    return write


def hexed(name: str) -> Rule:
    """A digest: text in DuckDB, bytes in BigQuery."""

    def write(w: Writer, node: exp.Anonymous) -> exp.Expr:
        if w.kind(node.expressions[0]).name in ("int", "double", "decimal"):
            return w.refuse(node, f"{node.this}() of a number has no counterpart", "Cast it to VARCHAR")
        return call("TO_HEX", call(name, w.write(node.expressions[0])))

    return write


def in_hex(w: Writer, node: exp.Anonymous) -> exp.Expr:
    """hex(): upper case in DuckDB, of a text's bytes."""
    [value] = node.expressions
    kind = w.kind(value).name
    if kind not in ("", "text", "bytes"):
        return w.refuse(node, f"{node.this}() of no text has no counterpart", "Cast it to VARCHAR")
    written = w.write(value) if kind == "bytes" else cast(w.write(value), "BYTES")
    return call("UPPER", call("TO_HEX", written))


def code_point(w: Writer, node: exp.Anonymous) -> exp.Expr:
    """The first character's; of '' unicode() and ord() make -1, and ascii() 0 as BigQuery's UNICODE does."""
    [value] = node.expressions
    if node.this == "ascii":
        return call("UNICODE", w.write(value))
    empty = exp.EQ(this=w.write(value), expression=text(""))
    return call("IF", empty, number(-1), call("UNICODE", w.write(value)))


def concat(w: Writer, node: exp.Anonymous) -> exp.Expr:
    """NULLs are left out."""
    if any(w.kind(value).name == "list" for value in node.expressions):
        return w.refuse(node, "concat() of lists has no counterpart", "Write a || b")
    return call("CONCAT", *(_never_null(w, value, text("")) for value in node.expressions))


def _never_null(w: Writer, node: exp.Expr, instead: exp.Expr) -> exp.Expr:
    written = as_text(w, node, cast_unknown=True)
    return written if is_never_null(node) else call("COALESCE", written, instead)


def is_never_null(node: exp.Expr) -> bool:
    """Whether an expression cannot be NULL, as far as it shows itself."""
    if isinstance(node, exp.Paren | exp.Neg):
        return is_never_null(node.this)
    if isinstance(node, exp.Anonymous) and node.this in ("coalesce", "ifnull", "greatest", "least"):
        return any(is_never_null(value) for value in node.expressions)
    if isinstance(node, exp.Anonymous):
        return node.this in ("count", "count_if", "concat")
    if isinstance(node, exp.Case):
        default = node.args.get("default")
        return default is not None and all(
            is_never_null(one) for one in [default, *(i.args["true"] for i in node.args["ifs"])]
        )
    return isinstance(node, exp.Literal | exp.Boolean | exp.RawString)


def concat_ws(w: Writer, node: exp.Anonymous) -> exp.Expr:
    """NULLs are left out, separators and all; of nothing but NULLs it is an empty text."""
    separator, *values = node.expressions
    written = [as_text(w, value, cast_unknown=True) for value in values]
    joined = call("ARRAY_TO_STRING", exp.Array(expressions=written), w.write(separator))
    told = any(is_never_null(value) for value in values) or not is_never_null(separator)
    return joined if told else call("COALESCE", joined, text(""))


def trimmed(w: Writer, node: exp.Anonymous | exp.Trim) -> exp.Expr:
    """Spaces of all kinds go, tabs and line ends stay: BigQuery's TRIM would take those as well."""
    if isinstance(node, exp.Trim):
        side = str(node.args.get("position") or "BOTH").upper()
        value, letters = node.this, node.args.get("expression")
    else:
        side = {"ltrim": "LEADING", "rtrim": "TRAILING"}.get(str(node.this), "BOTH")
        value, letters = node.expressions[0], node.expressions[1] if len(node.expressions) > 1 else None
    if letters is not None:
        function = {"LEADING": "LTRIM", "TRAILING": "RTRIM", "BOTH": "TRIM"}[side]
        return call(function, w.write(value), w.write(letters))
    pattern = {"LEADING": r"^\p{Zs}+", "TRAILING": r"\p{Zs}+$", "BOTH": r"^\p{Zs}+|\p{Zs}+$"}[side]
    return call("REGEXP_REPLACE", w.write(value), text(pattern), text(""))


def substring(w: Writer, node: exp.Anonymous | exp.Substring) -> exp.Expr:
    """Where it begins at 1 or later both agree; a length below 0 reads backwards in DuckDB."""
    if isinstance(node, exp.Substring):
        value, start, length = node.this, node.args["start"], node.args.get("length")
    else:
        value, start, *rest = node.expressions
        length = rest[0] if rest else None
    if (first := whole_of(start)) is not None and first < 0 and length is None:
        return call("SUBSTR", w.write(value), w.write(start))
    if at_least(start) < 1 and not (length is None and at_least(start) == 0):
        fix = "Begin at 1 or later; for the end of a text write right(x, n)"
        return w.refuse(node, "substring() from before the first character counts otherwise in BigQuery", fix)
    if length is None:
        return call("SUBSTR", w.write(value), w.write(start))
    if at_least(length) < 0:
        if whole_of(start) != 1:
            fix = "Keep the length from falling below 0: greatest(n, 0)"
            return w.refuse(node, "a length below 0 reads backwards in DuckDB, and fails in BigQuery", fix)
        return call("SUBSTR", w.write(value), w.write(start), call("GREATEST", w.write(length), number(0)))
    return call("SUBSTR", w.write(value), w.write(start), w.write(length))


def at_least(node: exp.Expr) -> int:
    """A number below which a whole number cannot be; far below 0 where nothing is known."""
    unknown = -(10**9)
    known = whole_of(node)
    if known is not None:
        return known
    if isinstance(node, exp.Paren):
        return at_least(node.this)
    if isinstance(node, exp.StrPosition):
        return 0
    if isinstance(node, exp.Add):
        return max(unknown, at_least(node.left) + at_least(node.right))
    if isinstance(node, exp.Sub) and (less := whole_of(node.right)) is not None:
        return max(unknown, at_least(node.left) - less)
    if isinstance(node, exp.Anonymous):
        if node.this in ("strpos", "instr", "position", "length", "len", "char_length", "count"):
            return 0
        if node.this == "greatest":
            return max(at_least(value) for value in node.expressions)
    return unknown


def ends(w: Writer, node: exp.Anonymous) -> exp.Expr:
    """left(x, -2) is all but the last two."""
    value, count = node.expressions
    written = w.write(value)
    name = str(node.this).upper()
    if at_least(count) >= 0:
        return call(name, written, w.write(count))
    size = exp.Add(this=call("CHAR_LENGTH", written.copy()), expression=w.write(count))
    chosen = call("GREATEST", size, number(0))
    if whole_of(count) is None:
        chosen = call("IF", exp.LT(this=w.write(count), expression=number(0)), chosen, w.write(count))
    return call(name, written, chosen)


def padded(w: Writer, node: exp.Anonymous) -> exp.Expr:
    if at_least(node.expressions[1]) < 0:
        return w.refuse(
            node, f"{node.this}() to a computed length may fail in BigQuery", "Write greatest(n, 0)"
        )
    return call(str(node.this).upper(), *w.all(node.expressions))


def repeated(w: Writer, node: exp.Anonymous) -> exp.Expr:
    value, count = node.expressions
    written = w.write(count)
    return call(
        "REPEAT", w.write(value), written if at_least(count) >= 0 else call("GREATEST", written, number(0))
    )


def split_part(w: Writer, node: exp.Anonymous) -> exp.Expr:
    """Counted from 1, from the end by numbers below 0; '' where there is no such part."""
    value, separator, place = node.expressions
    index = whole_of(place)
    if not string_of(separator) or not index:
        fix = "Write the separator and the number of the part out"
        return w.refuse(node, "this split_part() has no counterpart", fix)
    pieces = call("SPLIT", w.write(value), w.write(separator))
    if index < 0:
        pieces, index = call("ARRAY_REVERSE", pieces), -index
    found = exp.Bracket(this=pieces, expressions=[call("SAFE_ORDINAL", number(index))])
    empty = call("COALESCE", found, text(""))
    return call("IF", exp.Is(this=w.write(value), expression=exp.Null()), exp.Null(), empty)


def contains(w: Writer, node: exp.Anonymous) -> exp.Expr:
    from tailrace.transpile.to_bigquery import lists

    if w.told(node.expressions[0]).name == "list":
        return lists.contains(w, node)
    return exp.paren(exp.GT(this=call("STRPOS", *w.all(node.expressions)), expression=number(0)))


def length(w: Writer, node: exp.Anonymous) -> exp.Expr:
    [value] = node.expressions
    return call("ARRAY_LENGTH" if w.told(value).name == "list" else "CHAR_LENGTH", w.write(value))


def position(w: Writer, node: exp.StrPosition) -> exp.Expr:
    wanted, value = node.args["substr"], node.this
    if w.places.between(wanted, value) != "IN":
        return w.refuse(
            node, "position() of two arguments is read in either order", "Write strpos(text, part)"
        )
    return call("STRPOS", w.write(value), w.write(wanted))


def printed(w: Writer, node: exp.Anonymous) -> exp.Expr:
    pattern = string_of(node.expressions[0])
    if pattern is None or _FORMAT.sub("", pattern).count("%"):
        return w.refuse(node, "this printf() has no counterpart", "Use %d, %s, %.2f and %%, written out")
    return call("FORMAT", *w.all(node.expressions))


CALLS: dict[str, tuple[int, int, Rule]] = {
    "lower": (1, 1, same("LOWER")), "lcase": (1, 1, same("LOWER")), "upper": (1, 1, same("UPPER")), "ucase": (1, 1, same("UPPER")),
    "reverse": (1, 1, same("REVERSE")), "replace": (3, 3, same("REPLACE")), "translate": (3, 3, same("TRANSLATE")),
    "starts_with": (2, 2, same("STARTS_WITH")), "prefix": (2, 2, same("STARTS_WITH")), "ends_with": (2, 2, same("ENDS_WITH")),
    "suffix": (2, 2, same("ENDS_WITH")), "strpos": (2, 2, same("STRPOS")), "instr": (2, 2, same("STRPOS")),
    "char_length": (1, 1, same("CHAR_LENGTH")), "character_length": (1, 1, same("CHAR_LENGTH")), "strlen": (1, 1, same("BYTE_LENGTH")),
    "chr": (1, 1, same("CHR")), "length": (1, 1, length), "len": (1, 1, length),
    "md5": (1, 1, hexed("MD5")), "sha256": (1, 1, hexed("SHA256")), "sha1": (1, 1, hexed("SHA1")),
    "hex": (1, 1, in_hex), "to_hex": (1, 1, in_hex), **dict.fromkeys(("ascii", "unicode", "ord"), (1, 1, code_point)),
    "concat": (1, 999, concat), "concat_ws": (2, 999, concat_ws), "ltrim": (1, 2, trimmed), "rtrim": (1, 2, trimmed), "trim": (1, 2, trimmed),
    "substr": (2, 3, substring), "substring": (2, 3, substring), "left": (2, 2, ends), "right": (2, 2, ends),
    "lpad": (3, 3, padded), "rpad": (3, 3, padded), "repeat": (2, 2, repeated), "split_part": (3, 3, split_part),
    "string_split": (2, 2, same("SPLIT")), "split": (2, 2, same("SPLIT")), "str_split": (2, 2, same("SPLIT")),
    "string_to_array": (2, 2, same("SPLIT")), "contains": (2, 2, contains), "printf": (1, 999, printed),
}  # fmt: skip
RULES: dict[type[exp.Expr], Callable[[Writer, Any], exp.Expr]] = {
    exp.Trim: trimmed, exp.Substring: substring, exp.StrPosition: position,
}  # fmt: skip
