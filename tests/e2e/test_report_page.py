"""The report in Chromium: axe finds nothing, nothing is asked of any network, it fits a telephone, a keyboard reaches all of it."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from pathlib import Path

import pytest

from tailrace.cli.frame import invoke
from tailrace.cli.main import cli
from tests.unit.report.made import DAY, START, Past, check, failing, lay_out

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
axe = pytest.importorskip(
    "axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed"
)

CHROMIUM = Path("/usr/bin/chromium")
ARGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
]
pytestmark = pytest.mark.skipif(not CHROMIUM.exists(), reason="there is no Chromium")

OTHER = {
    "expectations/other.yml": "suite: other\nmodel: other\nexpectations:\n  - type: expect_column_to_exist\n    kwargs: {column: id}\n",
    "models/marts/other.sql": "SELECT 1 AS id\n",
}
LAID_OUT = "document.querySelectorAll('.card, .suite, .volume').forEach(one => one.style.contentVisibility = 'visible')"
LONG = "a_column_with_a_name_that_goes_on_and_on_" * 4


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as running:
        found = running.chromium.launch(executable_path=str(CHROMIUM), args=ARGS)
        yield found
        found.close()


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """Every kind of page: (file, its --json document)."""
    return {name: _written(make(tmp_path_factory.mktemp(name))) for name, make in KINDS.items()}


def _written(root: Path) -> tuple[Path, dict]:
    import contextlib
    import io

    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        assert invoke(cli, ["report", "--project", str(root), "--json"]) == 0
    return root / "report.html", json.loads(out.getvalue())


def everything(root: Path) -> Path:
    """Thirty days, every decision, wide rows, long names, a resource that is late."""
    past = Past(lay_out(root, OTHER))
    for day in range(30):
        past.run(f"r{day}", at=START - (29 - day) * DAY)
        past.step("land", "hubspot.contacts", rows=day * 7)
        bad = day > 20
        past.judge(
            [
                check("expect_table_row_count_to_be_between", None, unexpected_count=None, observed="500"),
                failing("block", 2, type_="expect_column_values_to_be_unique", column="contact_id", owner="Ada Lovelace",
                        reason="contact_id repeats: 2 rows", query='SELECT "x" FROM tailrace_stage.t') if day == 29 else check("expect_column_values_to_be_unique", "contact_id"),
                failing("quarantine", day, query="SELECT * FROM tailrace_stage.t WHERE score > 100") if bad else check(),
                failing("warn", None, type_="expect_column_mean_to_be_between", observed="31.5", observed_number=31.5 - day,
                        severity="warning", reason=f"the mean of {LONG} is below 40: it is 31.5", description=LONG),
            ],
            rows=500 + day,
        )  # fmt: skip
        past.judge([check(column="id")], suite="other", model="other", rows=7, valid_until=START)
    row = {"contact_id": 7, "score": 130, "email": "***", "note": "x" * 90, "النص": "مرحبا 🎯", "none": None}
    past.sample([{**row, **{f"column_{number}": "PAID_SEARCH" for number in range(20)}}] * 10, position=2)
    past.sample([row] * 2, position=1)
    past.sample([{"observed": 31.5}], position=3)
    past.hold(["7", "8"])
    past.sent("acked", 480, at=START - timedelta(hours=1))
    past.sent("quarantined", 2)
    past.built(run_id="r28", at=START - DAY)
    past.landed(at=START - DAY)
    past.close()
    return root


def fine(root: Path) -> Path:
    past = Past(lay_out(root))
    past.run("r1")
    past.judge([check(), check(column="grade")])
    past.close()
    return root


def empty(root: Path) -> Path:
    Past(lay_out(root)).close()
    return root


KINDS = {"everything": everything, "fine": fine, "empty": empty}


@pytest.fixture
def opened(browser, pages):
    """Opens a page of a kind; what it asked for and what it complained of end the test."""
    contexts = []
    wrong: list[str] = []

    def open_(kind: str, width: int = 1280, scheme: str = "light", **more):
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, **more)
        contexts.append(context)
        page = context.new_page()
        address = pages[kind][0].as_uri()
        page.on("request", lambda request: request.url != address and wrong.append(request.url))
        page.on("console", lambda message: wrong.append(message.text))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.goto(address)
        page.evaluate(LAID_OUT)  # what is out of view counts, too
        return page

    yield open_
    for context in contexts:
        context.close()
    assert wrong == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("kind", KINDS)
def test_axe_finds_nothing(opened, kind, scheme):
    page = opened(kind, 1280 if scheme == "light" else 390, scheme)
    found = axe.Axe().run(page)
    assert [
        (one["id"], [node["html"][:200] for node in one["nodes"]]) for one in found.response["violations"]
    ] == []


@pytest.mark.parametrize("width", [1280, 390, 320])
@pytest.mark.parametrize("kind", KINDS)
def test_the_page_fits_and_wide_tables_scroll_inside(opened, kind, width):
    page = opened(kind, width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    if kind == "everything":
        inside = page.evaluate(
            "[...document.querySelectorAll('.scroll')].map(e => [e.scrollWidth, e.clientWidth])"
        )
        assert any(whole > seen for whole, seen in inside)


def test_a_keyboard_reaches_everything_in_order(opened):
    """The skip link first, then the parts' links, then what folds and scrolls; each with a visible ring."""
    page = opened("everything")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the verdict"
    assert page.evaluate("document.activeElement.getBoundingClientRect().left") >= 0
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    wanted = page.evaluate("document.querySelectorAll('main summary, main pre, main .scroll').length")
    seen = []
    for _ in range(wanted):
        page.keyboard.press("Tab")
        seen.append(
            page.evaluate(
                "[document.activeElement.tagName, getComputedStyle(document.activeElement).outlineStyle]"
            )
        )
    assert {tag for tag, _ in seen} == {"SUMMARY", "PRE", "DIV"}
    assert {ring for _, ring in seen} == {"solid"}
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement === document.body"), "nothing is left and nothing was a trap"


def test_a_part_folds_and_unfolds_by_keyboard(opened):
    page = opened("everything")
    details = page.locator("article details").first
    assert details.evaluate("one => one.open")
    details.locator("summary").focus()
    page.keyboard.press("Enter")
    assert not details.evaluate("one => one.open")


def test_a_click_selects_a_whole_command(opened):
    page = opened("everything")
    page.locator("pre").first.click()
    assert (
        page.evaluate("getSelection().toString().trim()")
        == "tailrace query 'SELECT \"x\" FROM tailrace_stage.t'"
    )


def test_what_a_screen_reader_is_told_of_a_chart(opened):
    page = opened("everything")
    assert (
        page.get_by_role(
            "img", name=re.compile("Failing rows per judgement.*21 Nov 2026, 09:02 UTC: failed, 2 rows")
        ).count()
        == 1
    )
    names = page.get_by_role("table").evaluate_all("all => all.map(one => one.caption.textContent)")
    assert len(names) == len([name for name in names if name.strip()])


def test_the_style_is_allowed_and_a_script_is_not(browser, pages):
    page = browser.new_page()
    refused: list[str] = []
    page.on("console", lambda message: refused.append(message.text))
    page.goto(pages["everything"][0].as_uri())
    assert page.evaluate("getComputedStyle(document.querySelector('.card')).borderLeftWidth") == "5px"
    page.evaluate(
        "document.body.append(Object.assign(document.createElement('script'), {textContent: 'window.ran = 1'}))"
    )
    assert page.evaluate("window.ran") is None
    assert len(refused) == 1
    assert "Content Security Policy" in refused[0]
    page.close()


def test_what_is_out_of_view_is_found_all_the_same(browser, pages):
    """It is laid out late, for the first paint's sake; a search and a link into it must not miss it."""
    page = browser.new_page(viewport={"width": 390, "height": 400})
    page.goto(pages["everything"][0].as_uri())
    assert page.evaluate("window.find('id is as it should be')")
    page.get_by_role("link", name="How to read this page").click()
    page.wait_for_timeout(100)
    assert 0 <= page.locator("#reading-title").evaluate("one => one.getBoundingClientRect().top") < 400
    page.close()


def test_colour_is_never_alone(opened):
    """Every decision has its word and a shape of its own."""
    page = opened("everything", forced_colors="active")
    shapes = page.eval_on_selector_all(
        ".badge", "all => all.map(one => [one.textContent, one.querySelector('use').getAttribute('href')])"
    )
    words = dict(shapes)
    assert len(set(words.values())) >= 5
    assert {"Blocks", "Holds rows back", "Warns", "Passes", "Out of date"} <= set(words)


def test_printed_it_is_whole(opened):
    page = opened("everything")
    page.emulate_media(media="print")
    assert not page.locator(".top nav").is_visible()
    page.evaluate("document.querySelector('article details').open = false")
    row = "document.querySelector('article details tbody tr').checkVisibility({contentVisibilityAuto: true})"
    assert page.evaluate(row)
    page.emulate_media(media="screen")
    assert not page.evaluate(row)


def test_printed_from_a_dark_screen_it_is_dark_on_light(browser, pages):
    page = browser.new_page(color_scheme="dark")
    page.goto(pages["everything"][0].as_uri())
    page.emulate_media(media="print")
    badge = "getComputedStyle(document.querySelector('.badge.block')).color"
    assert page.evaluate(badge) == "rgb(160, 29, 24)"
    shown = "[...document.querySelectorAll('.card td, .suite td')].every(one => !one.closest('details[open]') || one.checkVisibility({contentVisibilityAuto: true}))"
    assert page.evaluate(shown)
    page.emulate_media(media="screen")
    assert page.evaluate(badge) == "rgb(255, 157, 148)"
    assert not page.evaluate(shown)
    page.close()


def test_nothing_moves(opened):
    """So there is nothing to switch off for whoever asks for reduced motion."""
    page = opened("everything")
    moving = "[...document.querySelectorAll('*')].filter(one => { const s = getComputedStyle(one); return s.animationName !== 'none' || s.transitionDuration !== '0s' || s.scrollBehavior !== 'auto' }).length"
    assert page.evaluate(moving) == 0
    assert page.evaluate("document.getAnimations().length") == 0


def test_the_document_and_the_page_say_the_same(opened, pages):
    page, document = opened("everything"), pages["everything"][1]
    assert page.locator("h1").inner_text() == document["sentence"]
    assert page.locator("article").count() == sum(
        one["decision"] != "pass" for suite in document["suites"] for one in suite["checks"]
    )
    listed = page.locator("#checks tbody tr").all_inner_texts()
    wanted = [one for suite in document["suites"] for one in suite["checks"]]
    assert len(listed) == len(wanted) == document["checks"]
    words = {"block": "Blocks", "quarantine": "Holds rows back", "warn": "Warns", "pass": "Passes"}
    for one in wanted:
        told = [
            row
            for row in listed
            if row.startswith((one["expected"] or one["type"])[:100]) and words[one["decision"]] in row
        ]
        assert told, one["expected"]
    (resource,) = document["resources"]
    assert resource["name"] in page.locator("#data").inner_text()
    assert "Late" in page.locator("#data").inner_text()
    bad = next(
        one for suite in document["suites"] for one in suite["checks"] if one["decision"] == "quarantine"
    )
    card = page.locator("article.quarantine")
    assert f"{bad['unexpected']} failing rows" in card.inner_text()
    assert card.locator("tbody tr").count() == len(bad["samples"]["rows"])
    assert document["bytes"] == pages["everything"][0].stat().st_size
