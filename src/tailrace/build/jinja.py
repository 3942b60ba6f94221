"""Jinja for the templates that need it: sandboxed, strict about undefined names, stopped when it runs away."""

from __future__ import annotations

import inspect
import re
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType, MappingProxyType, SimpleNamespace
from typing import Any

import jinja2
from jinja2 import nodes
from jinja2.exceptions import SecurityError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from tailrace.build.calls import FUNCTIONS, Calls
from tailrace.build.static import place
from tailrace.errors import Diagnostic, Location, near_miss
from tailrace.project.spec import ModelFile, Project

SECONDS = 5.0
"""A template that renders longer than this loops."""
LONGEST = 10_000_000
"""Characters that a template may make of a text; a digit is a character of a number."""
_LATER = (
    "run_query",
    "adapter",
    "statement",
    "load_result",
    "execute",
    "graph",
    "exceptions",
    "modules",
    "dbt",
)


class Runaway(Exception):
    """A template ran for too long or grew too large."""


class NotText(Exception):
    """Something is printed that is no text, number or list."""


class Environment(ImmutableSandboxedEnvironment):
    """The sandbox, with a limit to what `~`, `*` and `**` may make: one of them can eat the machine in a line."""

    intercepted_binops = frozenset(("*", "**"))

    def __init__(self) -> None:
        super().__init__(undefined=jinja2.StrictUndefined, extensions=["jinja2.ext.do"], finalize=_printed)
        self.filters |= {"tailrace_concat": _concat, "random": _random}
        self.globals.pop("lipsum", None)

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        tree = super()._parse(source, name, filename)
        for node in tree.find_all(nodes.Concat):
            parts = nodes.List(list(node.nodes), lineno=node.lineno)
            node.nodes = [nodes.Filter(parts, "tailrace_concat", [], [], None, None, lineno=node.lineno)]
        return tree

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        sizes = [_size(left, right), _size(right, left)] if operator == "*" else [_power(left, right)]
        if max(sizes) > LONGEST:
            raise Runaway("makes a value of more than ten million characters")
        return super().call_binop(context, operator, left, right)


def _size(value: Any, times: Any) -> int:
    return len(value) * times if isinstance(value, str | list | tuple) and isinstance(times, int) else 0


def _power(base: Any, exponent: Any) -> int:
    whole = isinstance(base, int) and isinstance(exponent, int)
    return base.bit_length() * abs(exponent) // 3 if whole else 0


def _printed(value: Any) -> Any:
    """What `{{ }}` may print: an object's address would be other SQL each time."""
    if value is None or isinstance(value, str | int | float | list | tuple | dict | jinja2.Undefined):
        return value
    raise NotText("a function" if callable(value) else f"a {type(value).__name__}")


def _random(*_args: Any) -> Any:
    raise SecurityError("random gives other SQL each time")


def _concat(parts: list[Any]) -> str:
    texts = [str(part) for part in parts]
    if sum(map(len, texts)) > LONGEST:
        raise Runaway("makes a text of more than ten million characters")
    return "".join(texts)


class Templates:
    """Renders models one after the other; macros are read when the first of them needs Jinja."""

    def __init__(self, project: Project, problems: list[Diagnostic], seconds: float = SECONDS) -> None:
        self._texts = {model.path: model.sql for model in project.models} | dict(project.macros)
        self._problems = problems
        self._seconds = seconds
        self._calls: Calls | None = None
        self._env = Environment()
        self._fixed: dict[str, Any] = {name: self._function(name) for name in FUNCTIONS}
        self._fixed["target"] = MappingProxyType(
            {"name": project.target.name, "type": project.target.type, "schema": "main"}
        )
        self._macros_wrong = False
        self._load(project)

    def render(self, model: ModelFile, calls: Calls) -> str | None:
        """The model's SQL; None where it failed, which is a diagnostic then."""
        if self._macros_wrong:
            return None  # each model would only repeat what is wrong with the macros
        self._calls = calls
        with self._caught(model.path):
            template = self._template(model.path, model.sql, {**self._fixed, "this": calls.this})
            return template.render()
        return None

    def where(self, model: ModelFile, word: str) -> Location:
        """The template line that is being rendered, and the word in it."""
        frame: FrameType | None = inspect.currentframe()
        while frame is not None:
            template = frame.f_globals.get("__jinja_template__")
            if isinstance(template, jinja2.Template) and template.filename in self._texts:
                line = template.get_corresponding_lineno(frame.f_lineno)
                return _on_line(template.filename, self._texts[template.filename], line, word)
            frame = frame.f_back
        return Location(model.path)

    def _function(self, name: str) -> Callable[..., Any]:
        """A name that stands for the function of whichever model is being rendered: macros bind their names once."""

        def function(*args: Any, **kwargs: Any) -> Any:
            if self._calls is None:
                raise SecurityError(f"{name}() outside a macro: no model is there to call it")
            return self._calls.call(name, args, kwargs)

        return function

    def _template(self, path: str, text: str, names: Mapping[str, Any]) -> jinja2.Template:
        code = self._env.compile(text, name=path, filename=path)
        template = jinja2.Template.from_code(self._env, code, {**self._env.globals, **names})
        template.filename = path
        return template

    def _load(self, project: Project) -> None:
        """Makes every macro callable from everywhere: bare where its name is the only one, and as package.name."""
        macros: dict[tuple[str, str], Any] = {}
        own: dict[str, str] = {}
        packages: dict[str, dict[str, Any]] = {}
        for path, text in project.macros.items():
            parts = path.split("/")
            package = parts[1] if len(parts) > 2 else project.name
            for name in self._names(path, text):
                if name in packages.setdefault(package, {}):
                    self._wrong(
                        path, text, name, f"macro {name} is defined twice in {package}", "Rename one of them"
                    )
                elif name in self._fixed or name == "this":
                    self._wrong(
                        path, text, name, f"a macro cannot be called {name}", "Rename it: that is a function"
                    )
                packages[package][name] = _stand_in(macros, (package, name))
                if package == project.name or name not in own:
                    own[name] = package
        for name, package in own.items():
            self._fixed[name] = packages[package][name]
        for package, inside in packages.items():
            self._fixed.setdefault(package, SimpleNamespace(**inside))
        for path, text in project.macros.items():
            parts = path.split("/")
            self._run_file(parts[1] if len(parts) > 2 else project.name, path, text, macros)

    def _run_file(self, package: str, path: str, text: str, macros: dict[tuple[str, str], Any]) -> None:
        if self._macros_wrong:
            return
        with self._caught(path):
            module = self._template(path, text, self._fixed).make_module()
            macros.update({(package, name): macro for name, macro in vars(module).items() if name[:1] != "_"})
            return
        self._macros_wrong = True

    def _names(self, path: str, text: str) -> list[str]:
        with self._caught(path):
            return [macro.name for macro in self._env.parse(text, path, path).find_all(nodes.Macro)]
        self._macros_wrong = True
        return []

    def _wrong(self, path: str, text: str, word: str, message: str, fix: str) -> None:
        line = next((n for n, row in enumerate(text.splitlines(), 1) if re.search(rf"\b{word}\b", row)), 1)
        self._problems.append(Diagnostic(_on_line(path, text, line, word), message, fix))
        self._macros_wrong = True

    @contextmanager
    def _caught(self, path: str) -> Iterator[None]:
        """Whatever a template raises becomes a diagnostic at its line."""
        try:
            with time_limit(self._seconds):
                yield
        except jinja2.TemplateSyntaxError as error:
            said = (error.message or "").rstrip(".")
            place = _on_line(error.filename or path, self._texts.get(path, ""), error.lineno, "")
            self._problems.append(
                Diagnostic(place, f"the template does not parse: {said}", _syntax_fix(said))
            )
        except jinja2.UndefinedError as error:
            self._failed(error, path, str(error.message).rstrip("."), self._undefined_fix(str(error.message)))
        except Runaway as error:
            self._failed(error, path, f"the template {error}", "Look for a loop that does not end")
        except NotText as error:
            fix = "Call it: write its parentheses" if "function" in str(error) else "Print a text or a number"
            self._failed(error, path, f"the template prints {error}", fix)
        except SecurityError as error:
            self._failed(error, path, f"the template may not do this: {error}", "Templates only make SQL")
        except RecursionError as error:
            self._failed(error, path, "the template calls itself without end", "Mend the macro")
        except TypeError as error:
            loads = "no loader" in str(error)
            said = "templates cannot include or import files" if loads else f"the template fails: {error}"
            self._failed(error, path, said, "Write a macro in macros/" if loads else "Mend the call")
        except Exception as error:  # noqa: BLE001 - a template can raise anything, and it is the file's mistake
            self._failed(error, path, f"the template fails: {type(error).__name__}: {error}", "Mend the call")

    def _failed(self, error: BaseException, path: str, message: str, fix: str) -> None:
        found, line, trace = path, 1, error.__traceback__
        while trace is not None:
            name = trace.tb_frame.f_code.co_filename
            if name in self._texts:
                found, line = name, trace.tb_lineno
            trace = trace.tb_next
        quoted = re.search(r"'(\w+)' is undefined", message)
        location = _on_line(found, self._texts.get(found, ""), line, quoted[1] if quoted else "")
        self._problems.append(Diagnostic(location, message.splitlines()[0][:300].rstrip("."), fix))

    def _undefined_fix(self, message: str) -> str:
        undefined = re.search(r"'(\w+)' is undefined", message)
        if undefined is None:
            return "Mend the name"
        word = undefined[1]
        if word in _LATER:
            return f"{word} is dbt's, and not in this release"
        fix = near_miss(word, [*self._fixed, "this"])
        return fix[:1].upper() + fix[1:]


def _stand_in(macros: Mapping[tuple[str, str], Any], key: tuple[str, str]) -> Callable[..., Any]:
    """A macro by name: files call each other's macros whatever their order."""

    def macro(*args: Any, **kwargs: Any) -> Any:
        return macros[key](*args, **kwargs)

    return macro


def _syntax_fix(said: str) -> str:
    return (
        "Only macros, SQL and ref() are read here" if "unknown tag" in said else "Check the braces and quotes"
    )


def _on_line(path: str, text: str, line: int, word: str) -> Location:
    """The line's place, at the word where it stands there."""
    rows = text.splitlines()
    row = rows[line - 1] if 0 < line <= len(rows) else ""
    found = re.search(rf"\b{re.escape(word)}\b", row) if word else None
    start = found.start() if found else len(row) - len(row.lstrip())
    return place(path, "\n" * (line - 1) + row, line - 1 + start)


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Runaway after `seconds`: by an alarm in the main thread, by a look at the clock at every line elsewhere."""
    if threading.current_thread() is threading.main_thread():
        with _alarm(seconds):
            yield
    else:
        with _traced(time.monotonic() + seconds, seconds):
            yield


def _raise(seconds: float) -> None:
    raise Runaway(f"ran for more than {seconds:g} seconds")


@contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    before = signal.signal(signal.SIGALRM, lambda _signal, _frame: _raise(seconds))
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextmanager
def _traced(until: float, seconds: float) -> Iterator[None]:
    def trace(_frame: FrameType, _event: str, _arg: Any) -> Any:
        if time.monotonic() > until:
            _raise(seconds)
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        yield
    finally:
        sys.settrace(before)
