"""What a newcomer types: `init`, `demo`, `sandbox`."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from tailrace.cli.frame import Frame
from tailrace.cli.reference import files
from tailrace.cli.render import table
from tailrace.errors import EXIT_FAILED, BadInput

SANDBOX_VARIABLE = "TAILRACE_SANDBOX"
"""The reference project's connections go to this address, by default http://127.0.0.1:8080."""


def init_project(directory: str, frame: Frame) -> None:
    """Write the reference project into an empty or new folder."""
    target = Path(directory)
    written = write_project(target)
    frame.document({"status": "ok", "directory": str(target), "files": written})
    frame.say(f"wrote {len(written)} files to {directory}")
    frame.say("next, in one terminal:   tailrace sandbox")
    frame.say(f"and in another:          cd {directory} && tailrace run")


def write_project(target: Path) -> list[str]:
    """The names of the files written; BadInput where one of them is there already, before anything is written."""
    found = dict(files())
    taken = [name for name in found if (target / name).exists()]
    if taken:
        raise BadInput(f"{target} already holds {taken[0]}", "choose an empty folder; nothing was written")
    try:
        for name, text in found.items():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            (target / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise BadInput(f"cannot write {target}: {error.strerror}", "choose another folder") from error
    return sorted(found)


def run_sandbox(**options: Any) -> None:
    """Serve the vendors until interrupted."""
    from tailrace.sandbox import SandboxError, serve

    try:
        serve(
            port=options["port"],
            data=Path(options["data"]) if options["data"] else None,
            contacts=options["contacts"],
            seed=options["seed"],
            faults=Path(options["faults"]) if options["faults"] else None,
            limits=not options["no_limits"],
            tls=options["tls"],
        )
    except SandboxError as error:
        raise BadInput(str(error)) from error


def run_demo(contacts: int, keep: bool, frame: Frame) -> None:
    """The whole loop twice in a temporary folder, against a sandbox of its own."""
    from tailrace.sandbox import Sandbox

    folder = Path(tempfile.mkdtemp(prefix="tailrace-demo-"))
    try:
        frame.say("starting the sandbox: HubSpot, Google Ads and GA4 on localhost")
        write_project(folder)
        with (
            Sandbox.start(contacts=contacts, limits=False) as sandbox,
            _environment({SANDBOX_VARIABLE: sandbox.url}),
        ):
            document = _two_runs(folder, sandbox.url, frame)
        frame.document(document)
        frame.say("\nThe same on your own: tailrace init my_project")
        failed = any(run["status"] != "ok" for run in document["runs"]) or document["runs"][-1]["requests"]
    finally:
        if keep:
            frame.say(f"kept: {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    if failed:
        click.get_current_context().exit(EXIT_FAILED)


def _two_runs(folder: Path, url: str, frame: Frame) -> dict[str, Any]:
    before = _contacts(url)
    frame.say("\nfirst run\n")
    first = _run(folder, frame)
    after = _contacts(url)
    changed = [key for key in after if _scores(after[key]) != _scores(before.get(key, {}))]
    frame.say(f"\nin the CRM, {len(changed):,} of {len(after):,} contacts changed; for example\n")
    frame.say(
        table(
            ("contact", "field", "before", "after"), list(_examples(before, after, changed[:3])), indent="  "
        )
    )
    _show_held_back(folder, frame)
    frame.say("\nsecond run\n")
    second = _run(folder, frame)
    if first["status"] == second["status"] == "ok":
        sent = (
            "something was sent again" if second["requests"] else "nothing had changed, so nothing was sent"
        )
        frame.say(f"\n{sent}")
    return {"runs": [first, second], "changed_contacts": len(changed)}


def _run(folder: Path, frame: Frame) -> dict[str, Any]:
    from tailrace.cli.progress import shown
    from tailrace.cli.steps import STEPS, opened, teller
    from tailrace.plan.resolve import choose
    from tailrace.runner.run import execute
    from tailrace.runner.sending import Sending
    from tailrace.runner.session import Session

    resolved = opened(Frame(project=str(folder)))
    session = Session(resolved.project, "run")
    try:
        with shown(frame) as clear:
            session.on_step = teller(frame, clear)
            execute(session, resolved, choose(resolved, ()), STEPS["run"], Sending())
    finally:
        session.close()
    requests = sum(
        int(result.detail.get("requests", 0)) for result in session.results if result.step == "activate"
    )
    return {"run_id": session.run_id, "status": session.status(), "requests": requests,
            "steps": [result.document() for result in session.results]}  # fmt: skip


def _show_held_back(folder: Path, frame: Frame) -> None:
    from tailrace.warehouse.duckdb import DuckDBWarehouse

    warehouse = DuckDBWarehouse(folder / "warehouse.duckdb", read_only=True)
    try:
        rows = warehouse.query('SELECT "key", reason FROM tailrace_meta.quarantine ORDER BY "key" LIMIT 3')
    finally:
        warehouse.close()
    if rows:
        frame.say("\nheld back by the suite, with their reasons\n")
        frame.say(table(("contact", "reason"), rows, indent="  "))


def _contacts(url: str) -> dict[str, dict[str, Any]]:
    import urllib.request

    with urllib.request.urlopen(f"{url}/_sandbox/records/hubspot/contacts", timeout=60) as answer:  # noqa: S310
        return {record["id"]: record["properties"] for record in json.load(answer)}


FIELDS = ("lead_score", "lead_grade", "lead_score_reasons")


def _scores(properties: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(properties.get(field) or None for field in FIELDS)


def _examples(
    before: Mapping[str, Any], after: Mapping[str, Any], keys: list[str]
) -> Iterator[tuple[str, ...]]:
    for key in keys:
        for field in FIELDS:
            yield key, field, before.get(key, {}).get(field) or "-", str(after[key].get(field) or "-")[:60]


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    saved = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in saved.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
