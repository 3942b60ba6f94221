"""`{% docs name %}` blocks of Markdown files, and `doc()` in descriptions."""

from __future__ import annotations

import re
from collections.abc import Mapping

from tailrace.errors import BadInput, Diagnostic, near_miss
from tailrace.project.dbt.origin import Origin
from tailrace.project.yaml import read_text

_BLOCK = re.compile(r"\{%-?\s*docs\s+(?P<name>\w+)\s*-?%\}(?P<text>.*?)\{%-?\s*enddocs\s*-?%\}", re.DOTALL)
_DOC = re.compile(
    r"\{\{-?\s*doc\(\s*(?:'(?P<a>[^']*)'|\"(?P<b>[^\"]*)\")\s*(?:,\s*(?:'(?P<c>[^']*)'|\"(?P<d>[^\"]*)\")\s*)?\)\s*-?\}\}"
)

Docs = dict[tuple[str, str], str]


def read_docs(origin: Origin, problems: list[Diagnostic]) -> Docs:
    """The blocks of a project's or package's Markdown files by (package, name)."""
    found: Docs = {}
    for file in origin.files(origin.paths.docs, ".md"):
        text = read_text(file.path, file.shown, problems) or ""
        if "{%" not in text:
            continue
        for block in _BLOCK.finditer(text):
            found[origin.package, block["name"]] = block["text"].strip()
    return found


def resolve_docs(text: str, package: str, docs: Mapping[tuple[str, str], str]) -> str:
    """A description with every doc() in it replaced; BadInput where there is no such block.

    A block is looked for in the project, then in the own package, then anywhere: dbt's order.
    """

    def answer(call: re.Match[str]) -> str:
        first, second = call["a"] or call["b"] or "", call["c"] or call["d"]
        block = _found(first, second, package, docs)
        if block is None:
            known = sorted({name for _, name in docs})
            name = second or first
            near = near_miss(name, known) or f"Write {{% docs {name} %}} in a Markdown file beside the models"
            raise BadInput(f"there is no docs block {name}", near[:1].upper() + near[1:])
        return block

    return _DOC.sub(answer, text) if "{{" in text else text


def _found(first: str, second: str | None, package: str, docs: Mapping[tuple[str, str], str]) -> str | None:
    if second is not None:
        return docs.get((first, second), docs.get(("", second)))
    for key in (("", first), (package, first)):
        if key in docs:
            return docs[key]
    return next((text for (_, name), text in docs.items() if name == first), None)
