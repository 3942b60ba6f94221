"""Jinja in its sandbox: a model's text becomes SQL in which every `ref` is a token, resolved once all are known.

Files that only hold ref, source, var and config with literal arguments never reach Jinja: a regular expression reads them.
"""

from __future__ import annotations

import ast
import os
import re
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from tailrace.errors import Diagnostic, Location, near_miss
from tailrace.project.spec import ModelFile, Project

CALL = re.compile(
    r"\{\{-?\s*(ref|source|var|config)\s*\(((?:[^(){}'\"]|'[^'\n]*'|\"[^\"\n]*\"|\[[^\]]*\])*)\)\s*-?\}\}"
)
MACRO = re.compile(r"\{%-?\s*macro\s+(\w+)")
LEFT = re.compile(r"\{\{|\{%|\{#")
TOKEN = re.compile(r'"__ref:([^"]+)"')
SECONDS = 5
"""A template that renders longer than this is stopped: it loops."""


@dataclass
class Rendered:
    """SQL with `"__ref:name"` tokens, and what its calls said. `static`: its lines are the file's lines."""

    sql: str
    static: bool
    refs: list[str] = field(default_factory=list)
    sources: list[tuple[str, str]] = field(default_factory=list)
    config: dict[str, Any] = field(default_factory=dict)


class TemplateProblem(Exception):
    """A template cannot be rendered; `line` is the file's."""

    def __init__(self, line: int, message: str, fix: str = "") -> None:
        super().__init__(message)
        self.line, self.message, self.fix = line, message, fix


class Renderer:
    """Renders the models of one project, one after the other."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self._now: Rendered = Rendered("", static=True)
        self._env: Any = None
        self._globals: dict[str, Any] = {}

    def render(self, model: ModelFile) -> Rendered:
        """TemplateProblem where the text is no template, or its calls are wrong."""
        self._now = Rendered("", static=True)
        text = CALL.sub(lambda match: self._static(model, match), model.sql)
        if not LEFT.search(text):
            self._now.sql = text
            return self._now
        self._now = Rendered("", static=False)
        self._now.sql = self._dynamic(model)
        return self._now

    def _static(self, model: ModelFile, match: re.Match[str]) -> str:
        try:
            call = ast.parse(f"f({match[2]})", mode="eval").body
            assert isinstance(call, ast.Call)
            args = [ast.literal_eval(arg) for arg in call.args]
            kwargs = {str(word.arg): ast.literal_eval(word.value) for word in call.keywords}
        except (SyntaxError, ValueError):
            return match[0]  # not literal: Jinja reads the file
        line = model.sql.count("\n", 0, match.start()) + 1
        try:
            return str(self._call(match[1], args, kwargs)) + "\n" * match[0].count("\n")
        except TypeError:
            raise TemplateProblem(
                line, f"{match[1]}() was called with other arguments than it takes"
            ) from None
        except LookupError as error:
            raise TemplateProblem(line, str(error.args[0]), str(error.args[1])) from None

    def _call(self, name: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
        calls: dict[str, Callable[..., Any]] = {
            "ref": self.ref, "source": self.source, "var": self.var, "config": self.config,
        }  # fmt: skip
        return calls[name](*args, **kwargs)

    def ref(self, package_or_name: str, name: str | None = None) -> str:
        found = name or package_or_name
        self._now.refs.append(found)
        return f'"__ref:{found}"'

    def source(self, dataset: str, table: str) -> str:
        self._now.sources.append((dataset, table))
        return f'"{dataset}"."{table}"'

    def var(self, name: str, default: Any = None) -> Any:
        if name in self.project.vars:
            return self.project.vars[name]
        if default is None:
            raise LookupError(
                f"there is no var {name}",
                near_miss(name, list(self.project.vars)) or "Add it to [tool.tailrace.vars]",
            )
        return default

    def config(self, **options: Any) -> str:
        self._now.config.update(options)
        return ""

    def env_var(self, name: str, default: str | None = None) -> str:
        value = os.environ.get(name, default)
        if value is None:
            raise LookupError(
                f"the environment variable {name} is not set", f"Set {name}, or give env_var a default"
            )
        return value

    def _dynamic(self, model: ModelFile) -> str:
        import jinja2

        env = self._environment()
        names = {**self._globals, "this": f'"{model.schema}"."{model.name}"'}
        try:
            with _time_limit(SECONDS):
                code = env.compile(model.sql, filename=model.path)
                return str(jinja2.Template.from_code(env, code, {**env.globals, **names}).render())
        except jinja2.TemplateSyntaxError as error:
            raise TemplateProblem(error.lineno, f"the template does not parse: {error.message}") from None
        except LookupError as error:
            message, fix = (*error.args, "")[:2]
            raise TemplateProblem(_line(error, model.path), str(message), str(fix)) from None
        except TimeoutError:
            raise TemplateProblem(1, f"the template ran for {SECONDS} s", "It loops: mend it") from None
        except Exception as error:  # noqa: BLE001 - a template may raise anything; it is the person's mistake
            raise TemplateProblem(_line(error, model.path), f"the template failed: {error}") from None

    def _environment(self) -> Any:
        if self._env is None:
            from jinja2 import StrictUndefined
            from jinja2.sandbox import ImmutableSandboxedEnvironment

            self._env = ImmutableSandboxedEnvironment(undefined=StrictUndefined, extensions=["jinja2.ext.do"])
            target = self.project.target
            self._globals = {
                "ref": self.ref, "source": self.source, "var": self.var, "config": self.config, "env_var": self.env_var,
                "is_incremental": lambda: False, "log": lambda *_args, **_more: "", "return": lambda value: value,
                "target": SimpleNamespace(name=target.name, type=target.type, schema="main"),
            }  # fmt: skip
            self._load_macros()
        return self._env

    def _load_macros(self) -> None:
        """Every macro is callable from every file, whatever the order: names stand for macros that are read later."""
        import jinja2

        found: dict[str, Callable[..., Any]] = {}
        for path, text in self.project.macros.items():
            parts = path.split("/")
            for name in MACRO.findall(text):
                stand_in = _stand_in(found, name)
                self._globals[name] = stand_in
                if len(parts) > 2:
                    vars(self._globals.setdefault(parts[1], SimpleNamespace()))[name] = stand_in
        for path, text in self.project.macros.items():
            try:
                code = self._env.compile(text, filename=path)
            except jinja2.TemplateSyntaxError as error:
                where = Location(path, error.lineno)
                raise MacroProblem(Diagnostic(where, f"the macro does not parse: {error.message}")) from None
            module = jinja2.Template.from_code(
                self._env, code, {**self._env.globals, **self._globals}
            ).make_module()
            found.update({name: value for name, value in vars(module).items() if not name.startswith("_")})


def _stand_in(found: Mapping[str, Callable[..., Any]], name: str) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        return found[name](*args, **kwargs)

    return call


class MacroProblem(Exception):
    """A macro file is wrong; it stops every model that needs Jinja."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(str(diagnostic))
        self.diagnostic = diagnostic


def _line(error: BaseException, path: str) -> int:
    """The template's line that an error came from."""
    found, trace = 1, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == path:
            found = trace.tb_lineno
        trace = trace.tb_next
    return found


@contextmanager
def _time_limit(seconds: int) -> Iterator[None]:
    """TimeoutError after `seconds` in the main thread, the only one that a signal reaches."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(_signal: int, _frame: object) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
