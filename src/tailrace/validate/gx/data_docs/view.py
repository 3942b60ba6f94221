"""The package's content blocks as HTML: every text escaped, every id and address ours, nothing loaded from elsewhere."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any

Redact = Callable[[str], str]

_FIELD = re.compile(r"\$(?:(\$)|([A-Za-z_]\w*)|\{([A-Za-z_]\w*)\})", re.ASCII)
_TAGS = frozenset(("span", "strong", "em", "code", "pre", "div", "p"))
_STATUS = {
    "text-success": ("pass", "Passed"),
    "text-danger": ("fail", "Failed"),
    "text-warning": ("error", "Error"),
}
_STATUSES = {"Succeeded": "pass", "Failed": "fail"}
_SHAPES = {
    "pass": '<circle cx="8" cy="8" r="7"/><path class="ink" d="M4.5 8.2l2.4 2.4 4.6-5"/>',
    "fail": '<path d="M8 0l8 8-8 8-8-8z"/><path class="ink" d="M5.4 5.4l5.2 5.2m0-5.2l-5.2 5.2"/>',
    "error": '<path d="M8 .6l7.6 14.2H.4z"/><path class="ink" d="M8 5.4v4.4m0 1.9v.6"/>',
}


def status(kind: str, word: str) -> str:
    """Pass or fail as shape, colour and word."""
    shape = (
        f'<svg class="icon" viewBox="0 0 16 16" aria-hidden="true" focusable="false">{_SHAPES[kind]}</svg>'
    )
    return f'<span class="status {kind}">{shape}{escape(word)}</span>'


class View:
    """Writes the blocks of one page; `suite_link` is the address of the suite's own page."""

    def __init__(self, suite_link: str = "", redact: Redact = str) -> None:
        self._suite_link = suite_link
        self._redact = redact
        self._kinds: Mapping[str, Callable[[Any], str]] = {
            "string_template": lambda block: self._template(block["string_template"]),
            "header": self._header,
            "table": self._table,
            "collapse": self._collapse,
            "text": self._text,
            "markdown": lambda block: f"<p>{self.text(block['markdown'])}</p>",
            "bullet_list": self._bullets,
            "value_list": lambda block: f"<p>{self.html(block['value_list'])}</p>",
            "content_block_container": lambda block: self.html(block["content_blocks"]),
            "graph": self._graph,
        }

    def text(self, value: Any) -> str:
        """A text for HTML, between tags or in an attribute."""
        return escape(self._redact(str(value)), quote=True)

    def html(self, block: Any) -> str:
        """A block, a list of them, or a plain value."""
        if block is None:
            return ""
        if isinstance(block, list | tuple):
            return " ".join(self.html(part) for part in block)
        if isinstance(block, Mapping):
            write = self._kinds.get(str(block.get("content_block_type")))
            return write(block) if write else ""
        return self.text(block)

    def _template(self, template: Mapping[str, Any]) -> str:
        """`$name` in the package's sentences; a value is never read as a template again."""
        params = template.get("params") or {}
        if found := _icon(template):
            return status(*found)
        styled = template.get("styling") or {}

        def field(match: re.Match[str]) -> str:
            name = match[2] or match[3]
            if match[1]:
                return "$"
            return self._field(name, params, styled) if name in params else self.text(match[0])

        parts, at = [], 0
        text = str(template.get("template") or "").strip("\n")
        for match in _FIELD.finditer(text):
            parts += [self._lines(text[at : match.start()]), field(match)]
            at = match.end()
        inner = "".join([*parts, self._lines(text[at:])])
        tag = template.get("tag", "span")
        return f"<{tag}>{inner}</{tag}>" if tag in _TAGS else inner

    def _lines(self, text: str) -> str:
        return self.text(text).replace("\n", "<br>")

    def _field(self, name: str, params: Mapping[str, Any], styled: Mapping[str, Any]) -> str:
        value = params[name]
        if name == "html_success_icon":  # HTML of the package's; the word beside it is told as a status
            return ""
        if value is None:
            return ""
        if name == "success" and "html_success_icon" in params:
            return status(_STATUSES.get(str(value), "error"), str(value))
        if name == "expectation_suite_name" and self._suite_link:
            return f'<a href="{self.text(self._suite_link)}">{self.text(value)}</a>'
        own = (styled.get("params") or {}).get(name) or styled.get("default") or {}
        badge = "badge" in (own.get("classes") or ()) or own.get("tag") == "code"
        return f"<code>{self._lines(str(value))}</code>" if badge else self._lines(str(value))

    def _header(self, block: Mapping[str, Any]) -> str:
        below = f"<p>{self.html(block['subheader'])}</p>" if block.get("subheader") else ""
        return f"<h2>{self.html(block.get('header'))}</h2>{below}"

    def _heading(self, block: Mapping[str, Any]) -> str:
        return f"<h3>{self.html(block['header'])}</h3>" if block.get("header") else ""

    def _table(self, block: Mapping[str, Any]) -> str:
        rows: Sequence[Sequence[Any]] = block.get("table") or []
        names = block.get("header_row") or []
        if not rows:
            return ""
        if len(names) == 1 and all(len(row) == 1 for row in rows):
            items = "".join(f"<li><code>{self.html(_shown(row[0]))}</code></li>" for row in rows)
            return f'<p class="soft">{self.html(names[0])}</p><ul class="samples">{items}</ul>'
        if names and names[0] == "Status":
            return self._checks([str(name) for name in names], rows)
        head = "".join(f'<th scope="col">{self.html(name)}</th>' for name in names)
        body = "".join(f"<tr>{self._cells(row, facts=not names)}</tr>" for row in rows)
        top = f"<thead><tr>{head}</tr></thead>" if names else ""
        kind = "values" if names else "facts"
        return f'{self._heading(block)}<table class="{kind}">{top}<tbody>{body}</tbody></table>'

    def _cells(self, row: Sequence[Any], *, facts: bool) -> str:
        if not facts or not row:
            return "".join(f"<td>{self.html(cell)}</td>" for cell in row)
        rest = "".join(f"<td>{self.html(cell)}</td>" for cell in row[1:])
        return f'<th scope="row">{self.html(row[0])}</th>{rest}'

    def _checks(self, names: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
        """Expectations and what was found; on a narrow screen each becomes a card, so the roles are said aloud."""
        head = "".join(f'<th scope="col" role="columnheader">{self.text(name)}</th>' for name in names)
        body = []
        for row in rows:
            cells = "".join(
                f'<td role="cell" data-name="{self.text(name)}"><div>{self.html(cell)}</div></td>'
                for name, cell in zip(names, row, strict=False)
            )
            body.append(f'<tr role="row" data-status="{_status_of(row[0])}">{cells}</tr>')
        return (
            f'<table class="checks" role="table"><thead role="rowgroup"><tr role="row">{head}</tr></thead>'
            f'<tbody role="rowgroup">{"".join(body)}</tbody></table>'
        )

    def _collapse(self, block: Mapping[str, Any]) -> str:
        label = self.html(block.get("collapse_toggle_link"))
        inside = self.html(block.get("collapse"))
        if not _is_text(inside):  # of an error without a traceback
            return ""
        if not _is_text(label):  # notes, which the package folds behind an icon
            return f'<div class="soft">{inside}</div>'
        return f"<details><summary>{label}</summary>{inside}</details>"

    def _text(self, block: Mapping[str, Any]) -> str:
        parts = [
            self.html(part) if isinstance(part, Mapping) else f"<p>{self.text(part)}</p>"
            for part in block.get("text") or ()
        ]
        return f"{self._heading(block)}{''.join(parts)}"

    def _bullets(self, block: Mapping[str, Any]) -> str:
        items = [self.html(part) for part in block.get("bullet_list") or () if not _is_rule(part)]
        return f"{self._heading(block)}<ul>{''.join(f'<li>{item}</li>' for item in items if item)}</ul>"

    def _graph(self, block: Mapping[str, Any]) -> str:
        """The numbers of a chart: what draws it would have to be loaded."""
        graph = block.get("graph") or {}
        named = (graph.get("data") or {}).get("name")
        values = (graph.get("datasets") or {}).get(named) or (graph.get("data") or {}).get("values") or []
        names = list(values[0]) if values else []
        rows = [[value.get(name) for name in names] for value in values]
        return self._heading(block) + self._table({"table": rows, "header_row": names})


def _is_text(html: str) -> bool:
    """Whether there is anything but tags."""
    return bool(re.sub(r"<[^>]*>", "", html).strip())


def _shown(value: Any) -> Any:
    return "null" if value is None else "EMPTY" if value == "" else value


def _icon(template: Mapping[str, Any]) -> tuple[str, str] | None:
    """The status that a status icon stands for."""
    if template.get("template") != "$icon":
        return None
    classes = ((template.get("styling") or {}).get("params") or {}).get("icon", {}).get("classes", ())
    return next((_STATUS[name] for name in classes if name in _STATUS), None)


def _status_of(cell: Any) -> str:
    found = _icon(cell.get("string_template") or {}) if isinstance(cell, Mapping) else None
    return found[0] if found else "error"


def _is_rule(block: Any) -> bool:
    return isinstance(block, Mapping) and (block.get("string_template") or {}).get("tag") == "hr"
