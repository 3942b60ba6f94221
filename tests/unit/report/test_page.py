"""The page itself: everything escaped, nothing fetched, never too large, true to what was read."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from itertools import pairwise

import pytest
from tests.unit.report.large import lay_out_suites
from tests.unit.report.made import FILES, START, Past, check, failing, lay_out, report

from tailrace.report.document import as_json
from tailrace.report.page import MARK, MOST, cell, figure, query_command, render, share

MODEL = FILES["models/marts/marts.yml"]
VOID = {"meta", "path", "use", "circle", "br"}


class Page(HTMLParser):
    """Elements with their attributes, and all text but the style's."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.text += data

    def tags(self) -> set[str]:
        return {tag for tag, _ in self.elements}


def page_of(past: Past, **more) -> tuple[str, Page]:
    past.close()
    html = render(report(past.root, **more))
    return html, Page(html)


def judged(tmp_path, *checks, files=None):
    past = Past(lay_out(tmp_path, files))
    past.run("r1")
    past.judge(checks)
    return past


def test_the_order_of_the_page(tmp_path):
    past = judged(tmp_path, check(), failing("warn", 1, severity="info", reason="told"), failing("block", 2, reason="stopped"),
                  failing("quarantine", 3, reason="held"))  # fmt: skip
    html, page = page_of(past)
    parts = (
        "<bdi>stopped",
        "<bdi>held",
        "<bdi>told",
        'id="checks-title"',
        'id="data-title"',
        'id="reading-title"',
    )
    places = [html.index(part, html.index('id="wrong-title"')) for part in parts]
    assert places == sorted(places)
    headings = [int(tag[1]) for tag in (tag for tag, _ in page.elements) if re.fullmatch(r"h[1-6]", tag)]
    assert headings.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(headings))


def test_what_blocks_comes_before_graver_checks_that_only_hold_rows(tmp_path):
    past = judged(tmp_path, failing("quarantine", 900, severity="critical", reason="held"),
                  failing("block", 2, severity="warning", reason="stopped"))  # fmt: skip
    html, _ = page_of(past)
    assert 0 < html.index("<bdi>stopped") < html.index("<bdi>held")


@pytest.mark.parametrize(("earlier", "said"), [(check(), "for the first time"), (failing(), ", again")])
def test_a_check_that_passed_in_between_fails_again(tmp_path, earlier, said):
    past = Past(lay_out(tmp_path))
    for number, one in enumerate([earlier, check(), failing()]):
        past.run(f"r{number}")
        past.judge([one])
    assert said in page_of(past)[1].text


def test_ids_are_unique_and_what_refers_to_them_finds_them(tmp_path):
    past = judged(tmp_path, failing("block", 2, query="SELECT 1"), failing("quarantine", 3))
    past.sample([{"contact_id": 1, "score": 130}])
    past.landed()
    past.step("land", "hubspot.contacts", rows=1)
    past.run("r2")
    past.step("land", "hubspot.contacts", rows=2)
    past.judge([failing("block", 2, query="SELECT 1"), failing("quarantine", 3)])
    past.sample([{"contact_id": 1, "score": 130}])
    _, page = page_of(past)
    ids = [attrs["id"] for _, attrs in page.elements if "id" in attrs]
    assert len(ids) == len(set(ids))
    named = [name for _, attrs in page.elements for name in (attrs.get("aria-labelledby") or "").split()]
    links = [attrs["href"][1:] for _, attrs in page.elements if "href" in attrs]
    assert set(named) | set(links) <= set(ids)
    assert {"details", "figure", "pre", "svg"} <= page.tags()


HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>&amp;\u202e{{ 7*7 }}{% raw %}"


def test_no_text_becomes_markup(tmp_path):
    """In names, values, descriptions, reasons, owners, queries, errors, keys: what is written is what is read."""
    suite = FILES["expectations/lead_scores.yml"] + "description: '<b>bold</b> {{ x }}'\n"
    past = judged(
        tmp_path,
        failing("quarantine", 1, reason=f"R{HOSTILE}", description=f"D{HOSTILE}", owner=f"O{HOSTILE}", query=f"Q{HOSTILE}",
                column=f"C{HOSTILE}", where=f"W{HOSTILE}", type_=f"T{HOSTILE}", kwargs="{}"),
        failing("warn", None, observed=f"V{HOSTILE}", reason=f"S{HOSTILE}"),
        files={"expectations/lead_scores.yml": suite},
    )  # fmt: skip
    past.sample([{f"N{HOSTILE}": f"X{HOSTILE}", "j": {"a": [HOSTILE]}}])
    past.hold([f"K{HOSTILE}"], reason=f"R{HOSTILE}", expectation=f"T{HOSTILE}")
    past.insert(
        "steps",
        run_id="r1",
        position=9,
        step="land",
        name=f"L{HOSTILE}",
        status="failed",
        error=f"E{HOSTILE}",
    )
    past.warehouse.execute("UPDATE tailrace_meta.runs SET command = ?", [f"M{HOSTILE}"])
    html, page = page_of(past)
    assert not page.tags() & {"script", "img", "iframe", "object", "link"}
    assert all("class" in attrs for tag, attrs in page.elements if tag == "b"), "a bold text of a suite's own"
    assert not [
        name for _, attrs in page.elements for name in attrs if name.startswith("on") or name == "style"
    ]
    for letter in "RDOCWTVSLEM":
        assert f"{letter}{HOSTILE}"[:60] in page.text, letter
    assert "<b>bold</b> {{ x }}" in page.text
    assert f"X{HOSTILE}"[:90] in page.text
    assert f"K{HOSTILE}"[:50] in page.text
    assert "alert(1)" in html


def test_letters_of_every_kind_and_values_of_every_kind(tmp_path):
    past = judged(tmp_path, failing("quarantine", 3, reason="الدرجة خارج النطاق 🎯"))
    values = {
        "text": "עברית ✅",
        "none": None,
        "yes": True,
        "real": 0.1,
        "whole": 12345678901234567890,
        "list": [1, None],
        "day": "2026-02-03",
    }
    past.sample([values])
    html, page = page_of(past)
    for shown in (
        "الدرجة خارج النطاق 🎯",
        "עברית ✅",
        "NULL",
        "true",
        "0.1",
        "12345678901234567890",
        "[1, null]",
        "2026-02-03",
    ):
        assert shown in page.text
    assert '<td dir="auto">עברית' in html
    assert "<bdi>الدرجة" in html


def test_nothing_is_fetched_and_no_script_runs(tmp_path):
    past = judged(tmp_path, failing())
    past.landed()
    html, page = page_of(past)
    assert MARK in html[:2000]
    assert not page.tags() & {"script", "link", "img", "iframe", "form", "input", "object", "embed", "base"}
    assert all(str(attrs["href"]).startswith("#") for _, attrs in page.elements if "href" in attrs)
    assert not [attrs for _, attrs in page.elements if {"src", "srcset", "style", "action"} & attrs.keys()]
    assert "http:" not in html
    assert "https:" not in html
    assert "url(" not in html
    assert "@import" not in html
    policy = next(
        attrs["content"]
        for tag, attrs in page.elements
        if attrs.get("http-equiv") == "Content-Security-Policy"
    )
    style = html[html.index("<style>") + 7 : html.index("</style>")]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def test_secrets_are_hidden_before_they_are_escaped(tmp_path):
    secret = "p<&>ss'word"
    past = judged(tmp_path, failing("block", 1, reason=f"refused: {secret}"))
    past.close()
    html = render(report(past.root), lambda text: text.replace(secret, "***"))
    assert "ss&#39;word" not in html
    assert "refused: ***" in html


@pytest.mark.parametrize(
    ("suites", "checks", "runs", "failing"),
    [(20, 21, 30, 2), (20, 21, 30, 21), (100, 50, 2, 0), (100, 50, 2, 1), (1, 1000, 2, 30)],
)
def test_a_page_is_never_too_large_and_says_what_is_not_on_it(tmp_path, suites, checks, runs, failing):
    found = report(lay_out_suites(tmp_path, suites, checks=checks, runs=runs, failing=failing))
    html = render(found)
    page = Page(html)
    assert len(html.encode()) < MOST
    assert len(found.checks) == suites * checks
    assert len(as_json(found)["suites"]) == suites
    cards = sum(tag == "article" for tag, _ in page.elements)
    assert (cards > 0) == (failing > 0)
    left = suites * failing - cards
    assert (f"{left:,} more check" in page.text) == (left > 0)
    rows = page.text.count("values of column_") - cards
    assert rows >= min(400, suites * checks)
    assert ("more suite" in page.text or "of this suite: tailrace report --json" in page.text) == (
        rows < suites * checks
    )


def test_one_enormous_check_does_not_take_the_page(tmp_path):
    wide = {f"column{number}" * 20: "<" * 5000 for number in range(300)}
    past = judged(
        tmp_path, failing("block", 9, reason="x" * 50_000, query="SELECT " + "y" * 9_000, owner="z" * 9000)
    )
    past.sample([wide] * 10)
    html, page = page_of(past)
    assert len(html.encode()) < 60_000
    assert "Its rows are too wide for this page." in page.text
    assert "SELECT query FROM tailrace_meta.validations" in page.text


def test_empty_pages_say_so(tmp_path):
    past = Past(lay_out(tmp_path))
    _, page = page_of(past)
    for said in ("Nobody knows whether lead_scores can be trusted", "Nothing was judged", "There is none", "No run is published", "None is built"):  # fmt: skip
        assert said in page.text


def test_a_page_without_a_fault(tmp_path):
    past = judged(tmp_path, check())
    _, page = page_of(past)
    assert "No check fails." in page.text
    assert "article" not in page.tags()


def test_no_rows_at_all(tmp_path):
    past = Past(lay_out(tmp_path))
    past.run("r1")
    past.judge([failing("block", None, observed="0", reason="there are no scores")], rows=0)
    _, page = page_of(past)
    assert "there are no scores" in page.text
    assert "0 rows" in page.text


def test_nobody_is_named_with_where_to_name_one(tmp_path):
    _, page = page_of(judged(tmp_path, failing()))
    assert "Nobody's. Name one by owner: in expectations/lead_scores.yml" in page.text
    assert "Whose job: nobody (1 check)." in page.text


@pytest.mark.parametrize(
    ("decision", "said"),
    [
        ("block", "Everything: sync hubspot_lead_scores sends nothing to hubspot contacts until this passes"),
        (
            "quarantine",
            "12 rows, not sent by sync hubspot_lead_scores to hubspot contacts. contact_id: 7, 8 and 10 others",
        ),
        ("warn", "Nothing: a warning stops nothing"),
    ],
)
def test_what_a_check_holds_back(tmp_path, decision, said):
    past = judged(tmp_path, failing(decision, 12))
    past.hold(["7", "8"])
    assert said in page_of(past)[1].text


@pytest.mark.parametrize(
    ("decision", "said"),
    [
        ("block", "Mend models/marts/lead_scores.sql or the data that it reads, then tailrace run; nothing is sent before"),
        ("quarantine", "Mend these rows where they come from, or models/marts/lead_scores.sql. Once they pass they are sent by themselves"),
        ("warn", "or the check in expectations/lead_scores.yml"),
    ],
)  # fmt: skip
def test_what_to_do_next(tmp_path, decision, said):
    assert said in page_of(judged(tmp_path, failing(decision, 12)))[1].text


def test_what_went_to_the_vendor(tmp_path):
    past = judged(tmp_path, check())
    past.sent("acked", 3, at=START)
    past.sent("quarantined", 2)
    _, page = page_of(past)
    assert "last sent 21 Nov 2026, 09:00 UTC. Now, of its rows: 3 accepted, 2 held back." in page.text


def test_what_went_to_the_vendor_before_a_block(tmp_path):
    past = judged(tmp_path, failing("block", 2))
    assert "Sync hubspot_lead_scores to hubspot contacts: nothing was ever sent." in page_of(past)[1].text
    past = Past(past.root)
    past.runs.append("r1")
    past.sent("acked", 3, at=START)
    assert "Until then, of its rows: 3 accepted." in page_of(past)[1].text


def test_what_was_observed_is_said_once_in_a_card(tmp_path):
    html, _ = page_of(
        judged(
            tmp_path, failing("warn", None, observed="6 days missing", reason="day has gaps: 6 days missing")
        )
    )
    assert "<bdi>day has gaps</bdi></h3>" in html
    assert "<dt>Found</dt><dd><bdi>6 days missing</bdi></dd>" in html


def test_no_row_repeats_is_a_number_of_rows(tmp_path):
    unique = check("expect_column_values_to_be_unique", "contact_id", unexpected_count=None, observed="1.0")
    html, _ = page_of(judged(tmp_path, unique))
    assert "<td>0 rows</td>" in html


def test_a_chart_is_told_in_words(tmp_path):
    past = judged(tmp_path, failing("quarantine", 3))
    past.run("r2")
    past.judge([failing("quarantine", 40)])
    html, page = page_of(past)
    assert "21 Nov 2026, 09:02 UTC: failed, 3 rows; 21 Nov 2026, 10:02 UTC: failed, 40 rows" in page.text
    assert "Failed in 2 of the last 2 judgements." in page.text
    assert html.count('role="img"') == 2


def test_the_page_names_no_path_of_the_machine(tmp_path):
    past = judged(tmp_path, failing())
    past.landed()
    html, _ = page_of(past)
    assert str(tmp_path) not in html
    assert "/tmp" not in html


def test_the_same_report_is_the_same_page(tmp_path):
    past = judged(tmp_path, failing(), failing("warn", 2))
    past.close()
    assert render(report(past.root)) == render(report(past.root))


@pytest.mark.parametrize(
    ("sql", "command"),
    [
        ("SELECT 1", 'tailrace query "SELECT 1"'),
        ("SELECT 'a'", "tailrace query \"SELECT 'a'\""),
        ('SELECT "a"', "tailrace query 'SELECT \"a\"'"),
        ("SELECT \"a\" IN ('b', 'c')", "tailrace query \"SELECT \\\"a\\\" IN ('b', 'c')\""),
        ("SELECT '$x'", "tailrace query 'SELECT '\"'\"'$x'\"'\"''"),
    ],
)
def test_a_query_is_quoted_for_the_shell(sql, command):
    import shlex

    assert query_command(sql) == command
    assert shlex.split(command) == ["tailrace", "query", sql]


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.0, "0%"), (0.00004, "under 0.01%"), (0.0008224, "0.0822%"), (0.5, "50%"), (0.99995, "over 99.99%"), (1.0, "100%")],
)  # fmt: skip
def test_a_share_is_never_rounded_to_nothing_or_all(value, shown):
    assert share(value) == shown


def test_a_long_value_ends_visibly():
    assert cell("x" * 200) == "x" * 99 + "…"
    assert START.isoformat() == "2026-11-21T09:00:00"


@pytest.mark.parametrize(
    ("observed", "shown"),
    [("19.50657894736842", "19.5066"), ("304", "304"), ("1.0", "1.0"), ("36.5% unexpected", "36.5% unexpected"), ("123456789012345", "1.23457e+14"), ("nan", "nan")],
)  # fmt: skip
def test_what_was_observed_is_cut_to_what_can_be_read(observed, shown):
    assert figure(observed) == shown


def test_owners_are_named_gravest_first(tmp_path):
    _, page = page_of(
        judged(tmp_path, failing("warn", 1), failing("warn", 1), failing("block", 1, owner="Ada"))
    )
    assert "Whose job: Ada (1 check), nobody (2 checks)." in page.text


def test_a_check_that_failed_as_far_back_as_is_shown(tmp_path):
    past = Past(lay_out(tmp_path))
    for number in range(31):
        past.run(f"r{number}")
        past.judge([failing()])
    _, page = page_of(past)
    assert "At least 21 Nov 2026, 10:02 UTC, 30 judgements in a row" in page.text


def test_a_condition_is_said_once(tmp_path):
    _, page = page_of(
        judged(
            tmp_path,
            check(where="is_new", description="score is filled in (where is_new)"),
            check(where="is_old"),
        )
    )
    assert page.text.count("is_new") == 1
    assert "where is_old" in page.text
