"""One file's text, formatted; its meaning is compared before anybody gets it."""

from __future__ import annotations

from tailrace.build.format.atoms import atoms_of
from tailrace.build.format.breaks import move_commas, settle
from tailrace.build.format.frames import shape_of
from tailrace.build.format.layout import written
from tailrace.build.format.long import split_long
from tailrace.build.format.same import differs
from tailrace.build.format.template import regions
from tailrace.build.format.words import write_words

ROUNDS = 30


class Refused(Exception):
    """Formatting would change what the file means; the words say how that was found."""


def format_text(text: str, dialect: str = "duckdb") -> str:
    """The text in tailrace's layout. Unclosed where it cannot be read, Refused where its meaning would not stay."""
    done, before = text, ""
    for _ in range(4):
        before, done = done, _once(done, dialect)
        if done == before:
            break
    else:
        raise Refused("its layout never comes to rest")
    if done != text and (reason := differs(text, done, dialect)):
        raise Refused(reason)
    return done


def _once(text: str, dialect: str) -> str:
    atoms = atoms_of(text, regions(text), dialect)
    if not atoms or (atoms[0].kind == "raw" and len(atoms) == 1):
        return text
    write_words(atoms)
    move_commas(atoms)
    shape = shape_of(atoms)
    settle(shape)
    for _ in range(ROUNDS + len(shape.frames)):
        if not split_long(shape):
            break
        settle(shape)
    return written(shape, "\r\n" if "\r\n" in text[: text.find("\n") + 1] else "\n")
