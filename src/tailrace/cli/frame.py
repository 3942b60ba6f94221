"""What every command shares: its common options, how errors become words and exit codes."""

from __future__ import annotations

import functools
import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from tailrace import interrupts
from tailrace.errors import (
    EXIT_BAD_INPUT,
    EXIT_DONE,
    EXIT_FAILED,
    EXIT_STOPPED,
    BadInput,
    ProjectError,
    TailraceError,
    refused_by_system,
)

if TYPE_CHECKING:
    from tailrace.project.spec import Project

F = TypeVar("F", bound=Callable[..., Any])
INTERRUPTED = 130
EXITS = {"ok": EXIT_DONE, "skipped": EXIT_DONE, "failed": EXIT_FAILED, "stopped": EXIT_STOPPED}


@dataclass
class Shield:
    """Hides the project's secrets in everything that a command prints, once the project is read."""

    redact: Callable[[str], str] = str


@dataclass(frozen=True)
class Frame:
    """The common options of one call. `verbosity`: -1 quiet, 0, 1 verbose."""

    project: str = "."
    target: str | None = None
    as_json: bool = False
    verbosity: int = 0
    shield: Shield = field(default_factory=Shield)
    variables: str = ""

    def say(self, text: str = "") -> None:
        """For a person; with --json it goes to stderr, so that stdout stays one document."""
        if self.verbosity >= 0:
            click.echo(self.shield.redact(text), err=self.as_json)

    def document(self, document: Any) -> None:
        """The one machine-readable document of a command."""
        if self.as_json:
            click.echo(self.shield.redact(json.dumps(document, default=str, ensure_ascii=False)))

    def end(self, status: str) -> None:
        """Leave with the exit code of a status."""
        click.get_current_context().exit(EXITS.get(status, EXIT_DONE))

    def load(self) -> Project:
        """The project on disk, its files judged one by one; from here on its secrets are hidden."""
        from tailrace.plan.secrets import redactor_of
        from tailrace.project.load import load_project

        project = load_project(Path(self.project), self.target, variables=self.given())
        self.shield.redact = redactor_of(project).redact
        return project

    def given(self) -> dict[str, Any]:
        """--vars: a mapping in YAML or JSON."""
        if not self.variables:
            return {}
        import yaml

        try:
            found = yaml.safe_load(self.variables)
        except yaml.YAMLError:
            found = None
        if not isinstance(found, dict) or not all(isinstance(name, str) for name in found):
            raise BadInput("--vars is no mapping of names to values", "write --vars 'currency: EUR'")
        return found


def common(command: F) -> F:
    """--project, --target, --vars, --json, -q, -v: put into the context, out of the function's arguments."""

    @click.option(
        "--project", default=".", show_default=True, help="The project's folder.", type=click.Path()
    )
    @click.option("--target", help="A target of profiles.yml, instead of its default.")
    @click.option(
        "--vars", "variables", default="", help="Variables over the project's: 'name: value' in YAML."
    )
    @click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout, logs on stderr.")
    @click.option("-q", "--quiet", is_flag=True, help="Only errors.")
    @click.option(
        "-v", "--verbose", is_flag=True, help="Every request and statement, as log lines on stderr."
    )
    @functools.wraps(command)
    def wrapped(
        *args: Any,
        project: str,
        target: str | None,
        variables: str,
        as_json: bool,
        quiet: bool,
        verbose: bool,
        **rest: Any,
    ) -> Any:
        context = click.get_current_context()
        shield = context.find_object(Shield) or Shield()
        context.obj = Frame(project, target, as_json, -1 if quiet else int(verbose), shield, variables)
        return command(*args, **rest)

    return wrapped  # type: ignore[return-value]


def frame_of() -> Frame:
    """The common options of the command that is running."""
    found = click.get_current_context().obj
    return found if isinstance(found, Frame) else Frame()


def invoke(group: click.Group, args: list[str] | None = None) -> int:
    """Run the command line; every error that a person can mend becomes words, never a traceback."""
    args = sys.argv[1:] if args is None else args
    shield = Shield()
    interrupts.install()
    try:
        result = group.main(args, prog_name="tailrace", standalone_mode=False, obj=shield)
        return result if isinstance(result, int) else 0
    except BaseException as error:  # every way out of a command ends here
        code = _told(error, shield, as_json="--json" in args)
        if code is None:
            raise
        return code


def _told(error: BaseException, shield: Shield, *, as_json: bool) -> int | None:
    """Say what a person can mend and give its exit code; None for what is our own mistake."""
    if interrupts.asked() or isinstance(error, click.exceptions.Abort | KeyboardInterrupt):
        click.echo("interrupted; run the same command again to go on", err=True)
        return INTERRUPTED
    if isinstance(error, click.ClickException):
        if as_json:
            click.echo(json.dumps(document_of(BadInput(error.format_message())), ensure_ascii=False))
        error.show()
        return EXIT_BAD_INPUT
    if isinstance(error, BrokenPipeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_FAILED
    if isinstance(error, OSError):
        return report(refused_by_system(error), shield, as_json=as_json)
    return report(error, shield, as_json=as_json) if isinstance(error, TailraceError) else None


def report(error: TailraceError, shield: Shield, *, as_json: bool) -> int:
    """Say an error, as JSON too if asked for, and give its exit code."""
    if as_json:
        click.echo(shield.redact(json.dumps(document_of(error), ensure_ascii=False)))
    for line in shield.redact(str(error)).splitlines():
        click.echo(line if isinstance(error, ProjectError) else f"tailrace: {line}", err=True)
    return error.exit_code


def document_of(error: TailraceError) -> dict[str, Any]:
    """An error as JSON: its diagnostics with places, where it has any."""
    found = error.diagnostics if isinstance(error, ProjectError) else ()
    return {
        "status": "stopped" if error.exit_code == 3 else "failed",
        "error": str(error),
        "diagnostics": [
            {
                "file": d.location.file,
                "line": d.location.line,
                "col": d.location.col,
                "message": d.message,
                "fix": d.fix,
            }
            for d in found
        ],
    }
