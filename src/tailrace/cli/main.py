"""The command line: one short function per command; what a command needs is imported when it runs."""

from __future__ import annotations

import gc
import sys
from datetime import datetime
from typing import Any, Literal

import click

from tailrace import __version__
from tailrace.cli.artifacts import with_artifacts
from tailrace.cli.dead import dead
from tailrace.cli.frame import common, frame_of, invoke
from tailrace.cli.options import Commands, Days, ranged, refreshed, selecting, sending, tested


def main() -> None:
    """Entry point of the `tailrace` command."""
    # a thousand models are objects that stay: to look for cycles among them costs a twentieth of the time
    gc.set_threshold(50_000, 20, 20)
    sys.exit(invoke(cli))


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="tailrace")
def cli() -> None:
    """Land marketing data, build scores in SQL, validate them, return them to the CRM."""


@cli.command()
@click.argument("directory", type=click.Path())
@common
def init(directory: str) -> None:
    """Write a project into DIRECTORY that runs at once against the sandbox."""
    from tailrace.cli.start import init_project

    init_project(directory, frame_of())


@cli.command()
@click.option(
    "--contacts",
    default=500,
    show_default=True,
    type=click.IntRange(min=1),
    help="Contacts in the sandbox's CRM.",
)
@click.option("--keep", is_flag=True, help="Keep the temporary folder.")
@common
def demo(contacts: int, keep: bool) -> None:
    """Sandbox, run, what changed in the CRM, run again with nothing to send."""
    from tailrace.cli.start import run_demo

    run_demo(contacts, keep, frame_of())


@cli.command()
@common
def check() -> None:
    """Find everything that can be known without a connection."""
    from tailrace.cli.inspect import show_check

    show_check(frame_of())


@cli.command()
@selecting
@common
def doctor(select: tuple[str, ...], exclude: tuple[str, ...]) -> None:
    """Ask every vendor for what a run will need: credentials, permissions, fields, versions; writes nothing."""
    from tailrace.cli.doctor import show_doctor

    show_doctor(frame_of(), select, exclude)


@cli.command()
@selecting
@click.option("--diff", is_flag=True, help="Compare the rows of the models to build with those published.")
@click.option(
    "--sample", type=click.IntRange(min=0), help="Rows that --diff compares; 0 for all. Default: 100,000."
)
@click.option("--no-build", is_flag=True, help="Decisions and columns only: no rows, no syncs.")
@click.option(
    "--offline", is_flag=True, help="Ask no vendor: edits of people and its fields are not looked at."
)
@common
def plan(select: tuple[str, ...], exclude: tuple[str, ...], **options: Any) -> None:
    """Say what a run would do, writing nothing."""
    from tailrace.cli.plan import show_plan

    show_plan(frame_of(), select, exclude, **options)


@cli.command()
@selecting
@sending
@tested
@refreshed
@with_artifacts
@common
def run(select: tuple[str, ...], exclude: tuple[str, ...], full_refresh: bool, **options: Any) -> None:
    """Land, build, validate, publish, activate, publish the ledger."""
    from tailrace.cli.steps import asked_of, run_steps

    asked = asked_of(select, full_refresh=full_refresh, restate=None)
    run_steps(frame_of(), "run", select, exclude, asked=asked, **options)


@cli.command()
@selecting
@click.option("--publish", is_flag=True, help="Publish the warehouse afterwards.")
@ranged("Land what is of these days (records changed on them, days of reports) instead of what is new.")
@common
def land(select: tuple[str, ...], exclude: tuple[str, ...], publish: bool, days: Days) -> None:
    """Read the vendors into the warehouse."""
    from tailrace.cli.steps import run_steps

    run_steps(frame_of(), "land", select, exclude, publish=publish, days=days)


@cli.command()
@selecting
@click.option("--publish", is_flag=True, help="Publish the warehouse afterwards.")
@tested
@refreshed
@click.option(
    "--restate",
    nargs=2,
    metavar="FROM TO",
    type=click.DateTime(["%Y-%m-%d"]),
    help="Build these days of microbatch models again, and of those that read them.",
)
@click.option("--why", is_flag=True, help="Say for every model why it is built or left.")
@click.option(
    "--watch", is_flag=True, help="Build in memory on every save, and show the rows and what differs."
)
@with_artifacts
@common
def build(
    select: tuple[str, ...],
    exclude: tuple[str, ...],
    full_refresh: bool,
    restate: tuple[datetime, datetime] | None,
    watch: bool,
    **options: Any,
) -> None:
    """Build the models that changed, or whose data changed."""
    if watch:
        from tailrace.cli.watch import watch_saves

        watch_saves(frame_of(), select, exclude, full_refresh=full_refresh, restate=restate, **options)
        return
    from tailrace.cli.steps import asked_of, run_steps

    asked = asked_of(select, full_refresh=full_refresh, restate=restate)
    run_steps(frame_of(), "build", select, exclude, asked=asked, **options)


@cli.command()
@selecting
@click.option("--publish", is_flag=True, help="Publish the warehouse afterwards.")
@common
def validate(select: tuple[str, ...], exclude: tuple[str, ...], publish: bool) -> None:
    """Judge the models by their suites; name the rows to hold back."""
    from tailrace.cli.steps import run_steps

    run_steps(frame_of(), "validate", select, exclude, publish=publish)


@cli.command()
@selecting
@sending
@click.option("--publish", is_flag=True, help="Publish the ledger afterwards.")
@click.option(
    "--only",
    metavar="KEY",
    help="Send this one row, changed or not, and show request and answer: its primary key or match value.",
)
@click.option(
    "--adopt", is_flag=True, help="Send nothing: fill the ledger with what the vendor holds already."
)
@common
def activate(select: tuple[str, ...], exclude: tuple[str, ...], **sending: Any) -> None:
    """Send the changed rows of the syncs, as far as their gates allow."""
    from tailrace.cli.activate import run_activate

    run_activate(frame_of(), select, exclude, **sending)


@cli.command()
@click.option("--rollback", is_flag=True, help="Put the file that was published before back.")
@common
def publish(rollback: bool) -> None:
    """Publish the warehouse as it stands, or take the last publication back."""
    from tailrace.cli.steps import publish_now

    publish_now(frame_of(), rollback)


@cli.command()
@click.option("--from", "source", required=True, metavar="TARGET", help="The target to carry from.")
@click.option("--to", "target_name", required=True, metavar="TARGET", help="The target to carry to.")
@click.option(
    "--only", type=click.Choice(["landing", "ledger"]), help="Only what was landed, or only what was sent."
)
@click.option("--replace", is_flag=True, help="In place of what the other target has.")
@common
def copy(source: str, target_name: str, only: str | None, replace: bool) -> None:
    """Carry what was landed and the ledger from one target to another, so that its first run re-sends nothing."""
    from tailrace.cli.copy import copy_target

    copy_target(frame_of(), source, target_name, only, replace=replace)


@cli.command("ls")
@selecting
@common
def list_nodes(select: tuple[str, ...], exclude: tuple[str, ...]) -> None:
    """List pipelines, models, suites and syncs, and what each depends on."""
    from tailrace.cli.inspect import show_list

    show_list(frame_of(), select, exclude)


@cli.command("compile")
@selecting
@click.option(
    "--dialect", type=click.Choice(["duckdb", "bigquery"]), help="For that engine instead of the target's."
)
@with_artifacts
@common
def compile_models(
    select: tuple[str, ...], exclude: tuple[str, ...], dialect: Literal["duckdb", "bigquery"] | None
) -> None:
    """Print the SQL that the models become."""
    from tailrace.cli.inspect import show_compiled

    show_compiled(frame_of(), select, exclude, dialect)


@cli.command("format")
@click.argument("paths", nargs=-1, type=click.Path())
@click.option("--check", is_flag=True, help="Write nothing; exit code 1 where something would change.")
@click.option("--diff", is_flag=True, help="Write nothing; show what would change.")
@common
def format_sql(paths: tuple[str, ...], check: bool, diff: bool) -> None:
    """Lay out the SQL of models, macros, tests and snapshots; its meaning stays."""
    from tailrace.cli.format import run_format

    run_format(frame_of(), paths, check=check, diff=diff)


@cli.command()
@click.argument("column", metavar="COLUMN")
@click.option("--indirect", is_flag=True, help="Columns that rows are joined, filtered and grouped by, too.")
@click.option("--svg", metavar="FILE", type=click.Path(), help="Draw it into this file.")
@common
def lineage(column: str, indirect: bool, svg: str | None) -> None:
    """Say what a column is computed from and where it goes: MODEL.COLUMN, a landed column, a CRM field, or a whole MODEL."""
    from tailrace.cli.lineage import show_lineage

    show_lineage(frame_of(), column, indirect=indirect, svg=svg)


@cli.command("test")
@selecting
@click.option("--store-failures", is_flag=True, help="Keep each test's failing rows in a table.")
@click.option("--fail-fast", is_flag=True, help="Stop at the first test that fails.")
@click.option(
    "--type", "kind", type=click.Choice(["data", "unit"]), help="Only data tests, or only unit tests."
)
@with_artifacts
@common
def test_models(select: tuple[str, ...], exclude: tuple[str, ...], **options: Any) -> None:
    """Run the unit tests on their fixtures and the data tests on what was built last."""
    from tailrace.cli.test import run_tests

    run_tests(frame_of(), select, exclude, **options)


@cli.command()
@selecting
@click.option("--rules", is_flag=True, help="List the rules, with their reasons.")
@common
def lint(select: tuple[str, ...], exclude: tuple[str, ...], rules: bool) -> None:
    """Find what goes wrong in models that run: rules by name, each with its place and its fix."""
    from tailrace.cli.lint import run_lint, show_rules

    if rules:
        show_rules(frame_of())
    else:
        run_lint(frame_of(), select, exclude)


@cli.command()
@click.argument("sql")
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "csv", "json", "parquet"]),
    default="table",
    show_default=True,
)
@common
def query(sql: str, form: str) -> None:
    """Ask the published warehouse, read-only."""
    from tailrace.cli.history import run_query

    run_query(frame_of(), sql, form)


@cli.command()
@common
def status() -> None:
    """What the last run did, how far each resource is read, what each sync's ledger says."""
    from tailrace.cli.history import show_status

    show_status(frame_of())


@cli.command()
@click.option("--last", default=20, show_default=True, type=click.IntRange(min=1), help="How many.")
@common
def runs(last: int) -> None:
    """The last runs."""
    from tailrace.cli.history import show_runs

    show_runs(frame_of(), last)


@cli.command()
@click.argument("run_id", metavar="[RUN]", required=False)
@click.option("--key", help="A row instead: its primary key, match value or the vendor's record id.")
@click.option("--sync", help="With --key: of this sync only.")
@common
def show(run_id: str | None, key: str | None, sync: str | None) -> None:
    """The steps of one run (`last` for the newest), or all that was ever sent for one row, and why."""
    if (run_id is None) == (key is None) or (sync and key is None):
        raise click.UsageError("show takes a RUN, or --key KEY [--sync NAME]")
    if key is not None:
        from tailrace.cli.row import show_key

        show_key(frame_of(), key, sync)
    elif run_id is not None:
        from tailrace.cli.history import show_run

        show_run(frame_of(), run_id)


@cli.command()
@click.argument("model")
@click.option("--write", is_flag=True, help="Write expectations/MODEL.yml; never over a file that is there.")
@click.option(
    "--rows", default=0, type=click.IntRange(min=0), help="Look at so many rows only. Default: 0, all."
)
@common
def suggest(model: str, write: bool, rows: int) -> None:
    """Propose a suite for MODEL from its published rows, for a person to edit."""
    from tailrace.cli.suggest import show_suggestion

    show_suggestion(frame_of(), model, write=write, rows=rows)


@cli.command()
@click.option("--output", metavar="FILE", type=click.Path(), help="Default: report.html in the project.")
@click.option(
    "--run", "run_id", metavar="RUN_ID", default="", help="As that run left things, not the newest."
)
@click.option(
    "--data-docs", metavar="DIR", type=click.Path(), help="Great Expectations' pages, too, into this folder."
)
@common
def report(output: str | None, run_id: str, data_docs: str | None) -> None:
    """Write one HTML page that says whether the data can be trusted, what is wrong and whose job it is."""
    from tailrace.cli.report import write_report

    write_report(frame_of(), output, run_id, data_docs)


@cli.command()
@click.argument("changeset")
@common
def approve(changeset: str) -> None:
    """Let through a changeset that a guardrail stopped; it binds to those very rows."""
    from tailrace.cli.ledger import approve_changeset

    approve_changeset(frame_of(), changeset)


@cli.command()
@click.argument("resource")
@click.option("--publish", is_flag=True, help="Publish the warehouse afterwards.")
@ranged("Only records of which a row was received on these days (UTC).")
@common
def replay(resource: str, publish: bool, days: Days) -> None:
    """Rebuild a resource's current table and change log from its raw rows, without asking the vendor."""
    from tailrace.cli.resources import replay_one

    replay_one(frame_of(), resource, publish, days)


@cli.command()
@click.argument("resource")
@common
def reconcile(resource: str) -> None:
    """Compare a resource's ids and counts with the vendor, and say what differs."""
    from tailrace.cli.resources import reconcile_one

    reconcile_one(frame_of(), resource)


@cli.command()
@click.argument("kind", metavar="[KIND]", required=False)
@click.option(
    "--out", metavar="DIR", type=click.Path(), help="Write KIND.schema.json files into this folder."
)
@common
def schema(kind: str | None, out: str | None) -> None:
    """Print the JSON Schema of the project's files, for editors: all of them, or one KIND."""
    from tailrace.cli.schema import show_schema

    show_schema(frame_of(), kind, out)


@cli.command()
@click.option("--port", default=8080, show_default=True, type=click.IntRange(0, 65535))
@click.option(
    "--data",
    type=click.Path(exists=True, file_okay=False),
    help="DIR/<vendor>/<object>.jsonl instead of generated records.",
)
@click.option("--contacts", default=500, show_default=True, type=click.IntRange(min=1))
@click.option("--seed", default=7, show_default=True)
@click.option("--faults", type=click.Path(exists=True, dir_okay=False), help="A JSON file with fault rules.")
@click.option("--no-limits", is_flag=True, help="Lift the vendors' rate limits.")
@click.option("--tls", is_flag=True, help="Serve HTTPS with a certificate made on the spot.")
@common
def sandbox(**options: Any) -> None:
    """Serve the vendors on localhost, stateful, until interrupted."""
    from tailrace.cli.start import run_sandbox

    run_sandbox(**options)


cli.add_command(dead)
