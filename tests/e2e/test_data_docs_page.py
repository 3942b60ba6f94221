"""Data Docs in a browser, from the file system: no request leaves, pass and fail are seen, keyboard and screen reader get along."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tailrace.validate.gx.data_docs import write_site
from tailrace.warehouse.duckdb import DuckDBWarehouse
from tests.unit.validate.test_data_docs import CHECKS, judged

CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on this machine")


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("pages") / "docs"
    warehouse = DuckDBWarehouse(None)
    judged(warehouse, *CHECKS, runs=2)
    write_site(warehouse, folder, project="acme")
    return folder


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


def pages(site: Path) -> list[Path]:
    return [
        site / "index.html",
        next(site.glob("expectations/*.html")),
        next(site.glob("validations/*/*.html")),
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_every_page_stands_alone_and_is_accessible(browser, site, scheme, width):
    from axe_playwright_python.sync_playwright import Axe

    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, offline=True)
    for path in pages(site):
        page = context.new_page()
        said: list[str] = []
        asked: list[str] = []
        page.on("console", lambda message, said=said: said.append(message.text))
        page.on("pageerror", lambda error, said=said: said.append(str(error)))
        page.on("request", lambda request, asked=asked: asked.append(request.url))
        page.goto(path.as_uri())
        assert said == []
        assert [url for url in asked if not url.startswith(("file://", "data:"))] == []
        assert (
            page.evaluate("getComputedStyle(document.querySelector('main')).display") == "grid"
        )  # the style is there
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        found = Axe().run(page).response["violations"]
        assert [(item["id"], [node["html"] for node in item["nodes"]]) for item in found] == []
        page.close()
    context.close()


def test_pass_and_fail_differ_in_word_and_shape(browser, site):
    page = browser.new_page()
    page.goto(pages(site)[2].as_uri())
    shapes = {
        kind: (page.locator(f"td .status.{kind}").first.inner_text().strip(),
               page.locator(f"td .status.{kind} svg").first.inner_html())
        for kind in ("pass", "fail", "error")
    }  # fmt: skip
    assert [word for word, _ in shapes.values()] == ["Passed", "Failed", "Error"]
    assert len({shape for _, shape in shapes.values()}) == 3
    assert page.locator("td .status.pass svg").first.bounding_box()["width"] > 8
    page.close()


def test_rows_can_be_filtered_and_the_query_unfolded_by_keyboard(browser, site):
    page = browser.new_page()
    page.goto(pages(site)[2].as_uri())
    rows = page.locator("table.checks > tbody > tr:visible")
    assert rows.count() == len(CHECKS)
    page.get_by_label("failed only").check()
    assert rows.count() == len(CHECKS) - 2
    page.get_by_label("Find").fill("quantiles")
    assert rows.count() == 1
    assert page.get_by_role("status").inner_text() == f"1 of {len(CHECKS)} shown"
    page.get_by_label("Find").fill("")
    toggle = page.locator("summary", has_text="To see what failed").first
    toggle.focus()
    page.keyboard.press("Enter")
    assert page.locator("details[open] code", has_text="SELECT").first.is_visible()
    page.close()


def test_the_pages_lead_to_each_other(browser, site):
    page = browser.new_page()
    page.goto((site / "index.html").as_uri())
    page.locator("tbody tr").first.get_by_role("link").click()
    page.get_by_role("main").get_by_role("link", name="scores").click()
    assert page.get_by_role("heading", level=1).inner_text() == "scores: expectations"
    page.get_by_role("link", name="All validations").click()
    assert page.get_by_role("heading", level=1).inner_text() == "acme: Data Docs"
    page.close()
