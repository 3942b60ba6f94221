"""Patterns of a suite against the warehouse's own: RE2 for regular expressions, and LIKE without an escape of its own.

RE2 runs in time linear to the text, and therefore has no look-around and no back references. What it refuses fails in every run, and
what it reads otherwise than Postgres or Python judges rows wrongly without a word: both are told here, without an engine.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

Wrong = tuple[str, str]
"""What is wrong, and the fix."""

MOST_REPEATS = 1000
_FLAGS = re.compile(r"\(\?(?:[imsU]+(?:-[imsU]+)?|-[imsU]+)?([:)])")
_NAMED = re.compile(r"\(\?P<[^>()]+>")
_COUNTED = re.compile(r"\{(\d+)(?:(,)(\d*))?\}")
_PYTHON_COUNT = re.compile(r"\{,(\d+)\}")
_CODE = re.compile(r"x(?:[0-9A-Fa-f]{2}|\{[0-9A-Fa-f]{1,6}\})|0[0-7]{0,2}|[1-7][0-7]{1,2}")
_PROPERTY = re.compile(r"[pP](?:[CLMNPSZ]|\{\^?([A-Za-z_&]+)\})")
_POSIX = re.compile(r"\[:\^?([^:\[\]]*):\]")
_POSIX_NAMES = re.compile(
    "alnum|alpha|ascii|blank|cntrl|digit|graph|lower|print|punct|space|upper|word|xdigit"
)
_NO_PROPERTIES = re.compile(
    "Alpha|Digit|Alnum|Punct|Upper|Lower|Space|Cntrl|Graph|Print|Blank|X?Digit|ASCII|Alphabetic|Letter|Number|Is.*"
)
_CLASSES, _LITERALS, _BETWEEN = "dDsSwW", "aftnrv", "AzbBC"
_UNKNOWN_ESCAPES = {
    "Z": "Write $ or \\z for the end of the text",
    **dict.fromkeys("ymMY", "Write \\b for the edge of a word"),
    **dict.fromkeys("123456789k", "RE2 has no back references: compute it in the model"),
    "u": "Write \\x{00e9} for a character's code",
    "U": "Write \\x{1f600} for a character's code",
    "N": "Write the character itself, or \\x{...}",
    "h": "Write [ \\t]",
    "R": "Write \\r?\\n",
    "e": "Write \\x1b",
}
_GROUPS = (
    ("(?=", "look-ahead", "Write it without, or compute it in the model"),
    ("(?!", "look-ahead", "Write two expectations, the second with expect_column_values_to_not_match_regex"),
    ("(?<=", "look-behind", "Write it without, or compute it in the model"),
    ("(?<!", "look-behind", "Write it without, or compute it in the model"),
    ("(?>", "an atomic group", "Write (?:...)"),
    ("(?#", "a comment", "Remove it; a `description:` can say it"),
    ("(?P=", "a back reference", "Compute it in the model"),
    ("(?(", "a conditional", "Write both ways with |"),
    ("(?<", "this name of a group", "Write (?:...), or (?P<name>...)"),
    ("(?|", "a branch reset", "Write (?:...)"),
)
_CONTROL = dict.fromkeys("\x00\x07\x08\x1b\x85\u2028\u2029", "")
_NOT_RE2 = "is not known to the warehouse's regular expressions (RE2)"
_DOUBLED = re.compile(r"(?<!\\)(?:\\\\)*\\\\([dDwWsSbB.])")


class _Refused(Exception):
    """`args` are what is wrong, and the fix."""


def wrong_with_regex(pattern: str) -> list[Wrong]:
    """What keeps a regular expression from meaning here what it means to its writer; the first problem only."""
    for sign in _CONTROL:
        if sign in pattern:
            code = f"U+{ord(sign):04X}"
            return [
                (
                    f"the control character {code} stands in it",
                    "Put single quotes around the text in YAML, and double each \\ in JSON",
                )
            ]
    try:
        _Reader(pattern).read()
    except _Refused as error:
        return [(str(error.args[0]), str(error.args[1]))]
    if doubled := _DOUBLED.search(pattern):
        shown = f"\\\\{doubled[1]}"
        return [
            (
                f"{shown} is a backslash and then {doubled[1]}",
                f"Write \\{doubled[1]}, or [\\\\]{doubled[1]} if you mean a backslash",
            )
        ]
    return []


def wrong_with_like(pattern: str, escape: object) -> list[Wrong]:
    """The same of a LIKE pattern and its escape character, None where none is said."""
    if escape is None and "\\" in pattern:
        fix = "Add `escape: '\\'` beside it if it is to escape, and `escape: '!'` if it is a backslash"
        return [("a backslash escapes in some warehouses' LIKE and not in others", fix)]
    if not isinstance(escape, str) or not escape:
        return []
    rest = pattern.replace(escape * 2, "")
    if rest.endswith(escape):
        return [
            (f"it ends in {escape}, which escapes nothing", "Write what it escapes behind it, or double it")
        ]
    follows = re.search(re.escape(escape) + r"([^%_])", rest)
    if follows:
        return [(f"{escape}{follows[1]} escapes what needs no escape", f"Double the {escape}, or remove it")]
    return []


class _Reader:
    """One pass over a pattern. `most` is how often the last thing read is repeated already, 0 where nothing can be."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.at = 0
        self.groups: list[int] = []
        self.inside = 1
        self.most = 0
        self.operator = ""

    def read(self) -> None:
        while self.at < len(self.pattern):
            sign = self.pattern[self.at]
            if sign in "*+?" or (sign == "{" and self._is_count()):
                self._repeat(sign)
                continue
            self.operator = ""
            if sign == "\\":
                self._escape()
            elif sign == "[":
                self._class()
            elif sign in "()|":
                self._group(sign)
            else:
                self.at += 1
                self.most = 1
        if self.groups:
            raise _Refused("a ( is not closed", "Close it with ), or write \\( for the sign itself")

    def _is_count(self) -> bool:
        if python := _PYTHON_COUNT.match(self.pattern, self.at):
            raise _Refused(f"{python[0]} {_NOT_RE2}, which takes it for text", f"Write {{0,{python[1]}}}")
        return _COUNTED.match(self.pattern, self.at) is not None

    def _repeat(self, sign: str) -> None:
        found = _COUNTED.match(self.pattern, self.at) if sign == "{" else None
        text = found[0] if found else sign
        self.at += len(text)
        if self.operator:
            what = f"{self.operator}{text}"
            why = "possessive quantifiers are not known to RE2" if text == "+" else "it repeats a repetition"
            raise _Refused(f"{what}: {why}", "Write one quantifier, or put (?:...) around the inner one")
        if not self.most:
            raise _Refused(f"{text} has nothing to repeat", f"Write \\{sign} for the sign itself")
        if found:
            self.most *= self._bound(found)
            if self.most > MOST_REPEATS:
                raise _Refused(
                    f"{text} repeats more than {MOST_REPEATS} times",
                    "RE2 counts to 1000: write + or *, or expect_column_value_lengths_to_be_between",
                )
        self.inside = max(self.inside, self.most)
        lazy = self.pattern[self.at : self.at + 1] == "?"
        self.at += lazy
        self.operator = text + ("?" if lazy else "")

    @staticmethod
    def _bound(found: re.Match[str]) -> int:
        low = int(found[1])
        high = int(found[3]) if found[3] else low
        if high < low:
            raise _Refused(f"{found[0]} ends below its start", f"Write {{{high},{low}}}")
        return max(high, 1)

    def _escape(self) -> None:
        self.at += 1
        rest = self.pattern[self.at : self.at + 1]
        if rest == "Q":
            end = self.pattern.find("\\E", self.at + 1)
            self.most = 1 if self.at + 1 < len(self.pattern) and end != self.at + 1 else self.most
            self.at = len(self.pattern) if end < 0 else end + 2
            return
        self.at += self._escaped(_CLASSES + _LITERALS + _BETWEEN)
        self.most = 1

    def _escaped(self, letters: str) -> int:
        """How long what stands behind a backslash is."""
        sign = self.pattern[self.at : self.at + 1]
        if not sign:
            raise _Refused("it ends in a backslash", "Write \\\\ for the sign itself")
        if found := _CODE.match(self.pattern, self.at):
            return len(found[0])
        if found := _PROPERTY.match(self.pattern, self.at):
            if found[1] and _NO_PROPERTIES.fullmatch(found[1]):
                raise _Refused(
                    f"\\{found[0]} {_NOT_RE2}", "Write \\pL for letters, \\pN for digits, or [[:alpha:]]"
                )
            return len(found[0])
        if sign in letters or (sign.isascii() and not sign.isalnum()):
            return 1
        fix = _UNKNOWN_ESCAPES.get(
            sign, f"Write {sign} for the sign itself" if not sign.isascii() else "Remove it"
        )
        raise _Refused(f"\\{sign} {_NOT_RE2}", fix)

    def _class(self) -> None:
        start = self.at
        self.at += 2 if self.pattern[start + 1 : start + 2] == "^" else 1
        first, low = True, ""
        while first or self.pattern[self.at : self.at + 1] != "]":
            if self.at >= len(self.pattern):
                raise _Refused("a [ is not closed", "Close it with ], or write \\[ for the sign itself")
            first = False
            low = self._item(low)
        self.at += 1
        self.most = 1
        whole = self.pattern[start : self.at]
        if re.fullmatch(r"\[:\^?[a-z]+:\]", whole):
            raise _Refused(f"{whole} stands for the signs in it", f"Write [{whole}]")

    def _item(self, low: str) -> str:
        """Passes one item of a class; gives the sign that could begin a range, and checks one that ends here."""
        if found := _POSIX.match(self.pattern, self.at):
            if not _POSIX_NAMES.fullmatch(found[1]):
                raise _Refused(
                    f"{found[0]} {_NOT_RE2}",
                    "Write \\b for the edge of a word"
                    if found[1] in ("<", ">")
                    else "Write a class such as [:alpha:]",
                )
            self.at = found.end()
            return ""
        if self.pattern[self.at : self.at + 2] in ("[.", "[="):
            raise _Refused(
                f"{self.pattern[self.at : self.at + 2]} {_NOT_RE2}, which takes it for text",
                "Write the characters themselves",
            )
        if self.pattern[self.at] == "-" and low and self.pattern[self.at + 1 : self.at + 2] not in ("]", ""):
            self.at += 1
            high = self._sign(is_end=True)
            if high < low:
                raise _Refused(
                    f"the range {low}-{high} ends below its start",
                    f"Write {high}-{low}, or \\- for the sign itself",
                )
            return ""
        return self._sign(is_end=False)

    def _sign(self, *, is_end: bool) -> str:
        sign = self.pattern[self.at]
        self.at += 1
        if sign != "\\":
            return sign
        length = self._escaped(_LITERALS + ("" if is_end else _CLASSES))
        text = self.pattern[self.at : self.at + length]
        self.at += length
        return _meant(text)

    def _group(self, sign: str) -> None:
        if sign == "(":
            self._open()
            return
        self.at += 1
        if sign == "|":
            self.most = 0
            return
        if not self.groups:
            raise _Refused("a ) was never opened", "Write \\) for the sign itself")
        self.most, self.inside = self.inside, max(self.inside, self.groups.pop())

    def _open(self) -> None:
        for text, name, fix in _GROUPS:
            if self.pattern.startswith(text, self.at):
                raise _Refused(f"{text} ({name}) {_NOT_RE2}", fix)
        flags = _FLAGS.match(self.pattern, self.at)
        named = _NAMED.match(self.pattern, self.at)
        if not flags and not named and self.pattern.startswith("(?", self.at):
            shown = self.pattern[self.at : self.at + 4]
            raise _Refused(f"{shown} {_NOT_RE2}", "The flags are i, m, s and U")
        found = flags or named
        self.at = found.end() if found else self.at + 1
        self.most = 0
        if flags and flags[1] == ")":
            return
        self.groups.append(self.inside)
        self.inside = 1


def _meant(escaped: str) -> str:
    """The sign that an escape stands for; "" for a class of them."""
    if escaped[0] == "x":
        code = int(escaped[1:].strip("{}"), 16)
        return chr(code) if code <= 0x10FFFF else ""
    if escaped[0].isdigit():
        return chr(int(escaped, 8))
    if escaped[0] in _LITERALS:
        return {"a": "\a", "f": "\f", "t": "\t", "n": "\n", "r": "\r", "v": "\v"}[escaped]
    return "" if escaped[0].isalnum() else escaped


def patterns_in(kwarg: str, value: object) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """The patterns that a kwarg holds, each with its path below `kwargs`."""
    if isinstance(value, str):
        yield (kwarg,), value
    elif isinstance(value, list | tuple):
        for place, item in enumerate(value):
            if isinstance(item, str):
                yield (kwarg, place), item
