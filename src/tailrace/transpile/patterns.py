"""Regular expressions: both engines use RE2, and differ in which group they return and which options they take."""

from __future__ import annotations


def groups(pattern: str) -> list[int]:
    """Where the capturing groups of a pattern open."""
    found, at, in_class = [], 0, False
    while at < len(pattern):
        char = pattern[at]
        if char == "\\":
            at += 1
        elif in_class:
            in_class = char != "]"
        elif char == "[":
            in_class = True
            at += 1 if pattern[at + 1 : at + 2] == "]" else 2 if pattern[at + 1 : at + 3] == "^]" else 0
        elif char == "(" and (pattern[at + 1 : at + 2] != "?" or pattern[at + 1 : at + 4] == "?P<"):
            found.append(at)
        at += 1
    return found


def only_group(pattern: str, number: int) -> str | None:
    """The pattern with no capturing group but that one (0: the whole match); None where it has no such group."""
    opens = groups(pattern)
    if number > len(opens):
        return None
    text = pattern
    for index in reversed(range(len(opens))):
        at = opens[index]
        if index + 1 == number:
            continue
        end = text.index(">", at) + 1 if text[at : at + 4] == "(?P<" else at + 1
        text = f"{text[:at]}(?:{text[end:]}"
    return f"({text})" if number == 0 and opens else text


def with_flags(pattern: str, flags: str) -> str | None:
    """The pattern with its options written into it; None where an option has no counterpart."""
    inline = "".join(flag for flag in "is" if flag in flags)
    if set(flags) - set("cisg") or ("i" in flags and "c" in flags):
        return None
    return f"(?{inline}){pattern}" if inline else pattern


def at_most_once(pattern: str) -> bool:
    """Whether the pattern can match a text only once, being bound to its beginning."""
    return pattern.startswith("^") and "|" not in pattern and "(?" not in pattern
