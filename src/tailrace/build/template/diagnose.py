"""The place in a file that is being rendered, and what to say where rendering failed."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from types import FrameType, TracebackType

from jinja2 import TemplateSyntaxError, UndefinedError
from jinja2.exceptions import SecurityError

from tailrace.build.static import place
from tailrace.build.template.failures import Mistake, NotText, Returned
from tailrace.build.template.index import INTERNAL
from tailrace.build.template.limits import Runaway
from tailrace.build.template.sandbox import NO_FILES, PREFIX, Source
from tailrace.build.template.scope import Scope
from tailrace.build.template.unit import Unit
from tailrace.errors import Diagnostic, Location, TailraceError, near_miss

REFUSED = {
    "submit_python_job": "Write SQL: Python models are not built",
    "load_agate_table": "Read the seed with ref()",
    "write": "Nothing is written but models",
    "debug": "Print with log('...', info=true)",
    "set_sql_header": "Put it into a hook",
    "doc": "Write doc() in descriptions, in YAML",
}
"""What dbt has and we have not, with what to do instead."""
_OFTEN = ("ref", "source", "var", "env_var", "config", "this", "target", "is_incremental", "log")
_Found = tuple[Unit, int]
_OURS = re.compile(r"\btailrace\.[a-z_.]+\.(?=[A-Z])")
"""Where our classes are is nothing for a template."""
_END = re.compile(r"\}\}|%\}")


class Diagnoser:
    """Places are offsets of the template's statements; the internal macros' own count as their caller's."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def here(self, unit: Unit, word: str) -> Location:
        """What is being rendered now, at the word where it stands there."""
        frame: FrameType | None = inspect.currentframe()
        while frame is not None:
            found = _in_frame(frame, frame.f_lineno)
            if found and found[0].package != INTERNAL and found[0].path:
                return _at(*found, word)
            frame = frame.f_back
        return Location(unit.path, unit.line + 1)

    def failed(self, error: Exception, unit: Unit) -> Diagnostic:
        """What went wrong, where, and who called it."""
        message, fix = self._said(error)
        found = [one for one in _frames(error.__traceback__) if one[0].package != INTERNAL and one[0].path]
        if isinstance(error, TemplateSyntaxError):
            found.append((self._unit_of(error.filename or unit.path, unit), error.lineno - 1))
        if not found:
            return Diagnostic(Location(unit.path, unit.line + 1), message, fix)
        at, offset = found[-1]
        callers = [_at(*one, "") for one in reversed(found) if one[0].path != at.path]
        chain = ", ".join(str(one) for one in list(dict.fromkeys(callers))[:3])
        quoted = re.search(r"'(\w+)' is undefined", message)
        where = _at(at, offset, quoted[1] if quoted else "")
        return Diagnostic(where, f"{message} (called from {chain})" if chain else message, fix)

    def _unit_of(self, path: str, unit: Unit) -> Unit:
        return unit if path == unit.path else Unit(path, self._scope.index.texts.get(path, ""))

    def _said(self, error: Exception) -> tuple[str, str]:
        """A message and a fix."""
        text = str(getattr(error, "message", None) or error).replace(PREFIX, "")
        text = _OURS.sub("", (text.strip().splitlines() or [""])[0])[:300].rstrip(".")
        match error:
            case Mistake():
                return error.message.rstrip("."), error.fix
            case TemplateSyntaxError():
                return _syntax(text)
            case UndefinedError():
                return text, self._undefined_fix(text, _assigned(error.__traceback__))
            case Runaway():
                return f"the template {text}", "Look for a loop that does not end"
            case NotText():
                called = (
                    "Call it: write its parentheses" if "function" in text else "Print a text or a number"
                )
                return f"the template prints {text}", called
            case SecurityError():
                return f"the template may not do this: {text}", "Templates only make SQL"
            case RecursionError():
                return "the template calls itself without end", "Mend the macro"
            case Returned():
                return "return() outside a macro", "Print the value instead"
            case TailraceError():
                return f"the query of the template fails: {text}", error.fix
            case TypeError():
                return f"the template fails: {text}", "Mend the call"
        return f"the template fails: {type(error).__name__}: {text}", "Mend the call"

    def _undefined_fix(self, message: str, assigned: list[str]) -> str:
        undefined = re.search(r"'(\w+)' is undefined", message)
        if undefined is None:
            return "Mend the name"
        word = undefined[1]
        if word in REFUSED:
            return REFUSED[word]
        if word in assigned:
            return "Set it before the if or for that sets it now"
        fix = near_miss(word, [*assigned, *self._scope.known()])
        if not fix.startswith("did you mean"):
            fix = near_miss(word, [*_OFTEN, *self._scope.visible(self._scope.unit.package)])
        return fix[:1].upper() + fix[1:]


def _syntax(text: str) -> tuple[str, str]:
    if text.startswith(NO_FILES):
        return NO_FILES, "Write a macro in macros/"
    fix = (
        "Only macros, SQL and ref() are read here" if "unknown tag" in text else "Check the braces and quotes"
    )
    return f"the template does not parse: {text}", fix


def _in_frame(frame: FrameType, line: int) -> _Found | None:
    """The template that a frame of Python belongs to, and the offset in it."""
    template = frame.f_globals.get("__jinja_template__")
    return (
        (template.unit, template.get_corresponding_lineno(line) - 1) if isinstance(template, Source) else None
    )


def _frames(trace: TracebackType | None) -> Iterator[_Found]:
    """The templates of a traceback, outermost first."""
    while trace is not None:
        if found := _in_frame(trace.tb_frame, trace.tb_lineno):
            yield found
        trace = trace.tb_next


def _assigned(trace: TracebackType | None) -> list[str]:
    """The names that the templates of a traceback assign to."""
    found: set[str] = set()
    while trace is not None:
        template = trace.tb_frame.f_globals.get("__jinja_template__")
        found |= template.assigned if isinstance(template, Source) else set()
        trace = trace.tb_next
    return sorted(found)


def _at(unit: Unit, offset: int, word: str) -> Location:
    """The statement's place, or the word's in it."""
    end = _END.search(unit.text, offset)
    found = (
        re.search(rf"\b{re.escape(word)}\b", unit.text[offset : end.start() if end else None])
        if word
        else None
    )
    return place(unit.path, unit.text, offset + (found.start() if found else 0), unit.line)
