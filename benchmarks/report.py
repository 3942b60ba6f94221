"""`tailrace report`: size of the page, first paint in Chromium, CPU of the command, what it imports.

    python -m benchmarks.report

The bars are 300 kB and 300 ms. The reference project runs against the sandbox with a fault in it; the others are 20 suites of 21 checks over
30 runs (40 checks fail) and 100 suites of 50 checks. Chromium paints from the disk, the median of nine loads, each in a context of its own.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.unit.report.large import lay_out_suites

from tailrace.cli.start import SANDBOX_VARIABLE, write_project
from tailrace.sandbox import Sandbox

MOST_BYTES, MOST_MS = 300_000, 300
LOADS = 9
CHROMIUM = Path("/usr/bin/chromium")
ARGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
]
HEAVY = ("dlt", "pandas", "great_expectations", "sqlglot", "pyarrow", "numpy")
TRACED = """
import sys
from tailrace.cli.frame import invoke
from tailrace.cli.main import cli
code = invoke(cli, ["report", "-q"])
print(len(sys.modules), *sorted(name for name in %r if name in sys.modules))
sys.exit(code)
"""


def reference(root: Path) -> Path:
    """The reference project after a run in which a check blocks."""
    write_project(root)
    model = root / "models" / "marts" / "lead_scores.sql"
    text = model.read_text()
    assert "fit + engagement + recency AS INTEGER" in text
    model.write_text(text.replace("fit + engagement", "900 + fit + engagement"))
    with Sandbox.start(contacts=500, limits=False) as sandbox:
        done = subprocess.run([sys.executable, "-m", "tailrace", "run", "-q"], cwd=root, env={**os.environ, SANDBOX_VARIABLE: sandbox.url}, check=False, capture_output=True)  # fmt: skip
    assert done.returncode == 3, done.returncode
    return root


def measured(root: Path) -> tuple[float, int, list[str]]:
    """CPU seconds of the command, its modules, the heavy ones among them."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, "-c", TRACED % (HEAVY,)], cwd=root, check=True, capture_output=True, text=True
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    count, *heavy = done.stdout.split()
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return cpu, int(count), heavy


def painted(page: Path) -> float | None:
    """Milliseconds to the first paint; None where there is no Chromium."""
    if not CHROMIUM.exists():
        return None
    from playwright.sync_api import sync_playwright

    times = []
    with sync_playwright() as running:
        browser = running.chromium.launch(executable_path=str(CHROMIUM), args=ARGS)
        for _ in range(LOADS):
            context = browser.new_context(viewport={"width": 1280, "height": 900})
            tab = context.new_page()
            tab.goto(page.as_uri())
            found: list[float] = []
            while not found:  # the page's policy allows no script, so none can wait inside of it
                tab.wait_for_timeout(20)
                found = tab.evaluate("performance.getEntriesByName('first-paint').map(one => one.startTime)")
            times += found
            context.close()
        browser.close()
    return statistics.median(times)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        cases = {
            "the reference project, blocked": reference(root / "acme"),
            "20 suites x 21 checks x 30 runs": lay_out_suites(
                root / "many", 20, checks=21, runs=30, failing=2
            ),
            "100 suites x 50 checks x 30 runs": lay_out_suites(
                root / "most", 100, checks=50, runs=30, failing=1
            ),
        }
        print(f"{'':<36}{'kB':>8}{'paint ms':>10}{'CPU s':>8}{'modules':>9}  heavy")
        for name, project in cases.items():
            cpu, modules, heavy = measured(project)
            page = project / "report.html"
            size, paint = page.stat().st_size, painted(page)
            shown = "-" if paint is None else f"{paint:.0f}"
            print(
                f"{name:<36}{size / 1000:>8.0f}{shown:>10}{cpu:>8.2f}{modules:>9}  {', '.join(heavy) or 'none'}",
                flush=True,
            )
            assert size < MOST_BYTES, size
            assert paint is None or paint < MOST_MS, paint
            assert not heavy, heavy


if __name__ == "__main__":
    main()
