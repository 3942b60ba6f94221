"""Whole pages: a judgement, a suite, the index of all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from html import escape
from typing import Any
from urllib.parse import quote

from tailrace.validate.gx.data_docs.stored import Judgement
from tailrace.validate.gx.data_docs.view import Redact, View, status

MARK = '<meta name="generator" content="tailrace data docs">'
"""In every page; a folder whose index has it may be replaced."""

_POLICY = "default-src 'none'; style-src 'self' file:; script-src 'self' file:; img-src data:; base-uri 'none'; form-action 'none'"


def moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"


def judgement_page(document: Mapping[str, Any], judgement: Judgement, suite_path: str, redact: Redact) -> str:
    """One run of a suite; `document` is the package's validation result page."""
    view = View(f"../../{quote(suite_path)}", redact)
    verdict = (
        status("fail", f"{judgement.failed} of {len(judgement.results)} checks failed")
        if judgement.failed
        else status("pass", f"all {len(judgement.results)} checks passed")
    )
    facts = f"{view.text(judgement.model)}, {judgement.rows:,} rows, {moment(judgement.at)}, run {view.text(judgement.run_id)}"
    head = f'<p class="verdict">{verdict}</p><p class="soft">{facts}</p>'
    title = f"{judgement.suite}, {moment(judgement.at)}"
    return _page(view, title, judgement.suite, head, _sections(view, document), _filter(), up="../../")


def suite_page(document: Mapping[str, Any], judgement: Judgement, redact: Redact) -> str:
    """What a suite expects, as it was judged last."""
    view = View(redact=redact)
    head = f'<p class="soft">What is expected of {view.text(judgement.model)}</p>'
    title = f"{judgement.suite}: expectations"
    return _page(view, title, title, head, _sections(view, document), "", up="../")


def index_page(
    project: str, judgements: Sequence[tuple[Judgement, str]], suites: Mapping[str, str], redact: Redact
) -> str:
    """Every judgement with the address of its page, and every suite."""
    view = View(redact=redact)
    names = ("Status", "Suite", "Model", "Judged", "Run", "Failed", "Rows")
    head = "".join(f'<th scope="col" role="columnheader">{name}</th>' for name in names)
    body = "".join(_index_row(view, names, judgement, path) for judgement, path in judgements)
    table = (
        f'<table class="checks" role="table"><thead role="rowgroup"><tr role="row">{head}</tr></thead>'
        f'<tbody role="rowgroup">{body}</tbody></table>'
    )
    listed = "".join(
        f'<li><a href="{quote(path)}">{view.text(name)}</a></li>' for name, path in suites.items()
    )
    sections = [
        (
            "Validations",
            f"<h2>Validations</h2>{table}"
            if judgements
            else "<h2>Validations</h2><p>No suite was judged yet.</p>",
        ),
        ("Suites", f"<h2>Suites</h2><ul>{listed}</ul>"),
    ]
    head = '<p class="soft">Every judgement of every suite, the newest first</p>'
    title = f"{project}: Data Docs"
    return _page(
        view, title, title, head, sections[: 2 if suites else 1], _filter() if judgements else "", up=""
    )


def _index_row(view: View, names: Sequence[str], judgement: Judgement, path: str) -> str:
    failed = judgement.failed
    link = f'<a href="{quote(path)}">{view.text(judgement.suite)}</a>'
    cells = (
        status("fail", "Failed") if failed else status("pass", "Passed"),
        link,
        view.text(judgement.model),
        moment(judgement.at),
        view.text(judgement.run_id),
        f"{failed} of {len(judgement.results)}",
        f"{judgement.rows:,}",
    )
    written = "".join(
        f'<td role="cell" data-name="{name}"><div>{cell}</div></td>'
        for name, cell in zip(names, cells, strict=True)
    )
    return f'<tr role="row" data-status="{"fail" if failed else "pass"}">{written}</tr>'


def _sections(view: View, document: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Names and HTML of the package's sections."""
    return [
        (str(section.get("section_name")), view.html(section.get("content_blocks")))
        for section in document["sections"]
    ]


def _filter() -> str:
    """Shown by the script that works it."""
    return (
        '<form class="filter" hidden><fieldset><legend>Show</legend>'
        '<label><input type="radio" name="show" value="all" checked> all</label>'
        '<label><input type="radio" name="show" value="failed"> failed only</label></fieldset>'
        '<label>Find <input type="search" name="find" autocomplete="off"></label>'
        '<p class="soft" role="status"></p></form>'
    )


def _page(
    view: View,
    title: str,
    heading: str,
    head: str,
    sections: Sequence[tuple[str, str]],
    tools: str,
    *,
    up: str,
) -> str:
    links = "".join(
        f'<li><a href="#s{at}">{view.text(name)}</a></li>' for at, (name, _) in enumerate(sections)
    )
    body = "".join(f'<section id="s{at}">{html}</section>' for at, (_, html) in enumerate(sections))
    home = (
        f'<nav class="home" aria-label="Site"><a href="{up}index.html">All validations</a></nav>'
        if up
        else ""
    )
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{view.text(title)}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{escape(_POLICY)}">
{MARK}
<link rel="icon" href="data:,">
<link rel="stylesheet" href="{up}static/data-docs.css">
<script defer src="{up}static/data-docs.js"></script>
</head>
<body>
<a class="skip" href="#content">Skip to content</a>
<header>{home}<h1>{view.text(heading)}</h1>{head}</header>
<div class="columns">
<nav class="contents" aria-label="On this page"><ul>{links}</ul></nav>
<main id="content" tabindex="-1">{tools}{body}</main>
</div>
<footer class="soft">Great Expectations' Data Docs, written by tailrace report --data-docs</footer>
</body>
</html>
"""
