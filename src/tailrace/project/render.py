"""Jinja in profiles.yml: `env_var()` and `secret()`, in a sandbox. Their plain forms are read without importing Jinja."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tailrace.errors import BadInput, Diagnostic
from tailrace.project.secrets import Secret, is_secret_option, resolve
from tailrace.project.spec import Marks

if TYPE_CHECKING:
    from jinja2.sandbox import ImmutableSandboxedEnvironment

_SINGLE = re.compile(r"\s*\{\{-?(?P<expression>(?:(?!\{\{|\}\}).)*?)-?\}\}\s*\Z", re.DOTALL)
_WORD = r"""(?:'[^'"\\\r\n{}]*'|"[^'"\\\r\n{}]*")"""
_PLAIN = re.compile(
    rf"\{{\{{\s*(?:env_var\(\s*(?P<name>{_WORD})\s*(?:,\s*(?P<default>{_WORD})\s*)?\)|secret\(\s*(?P<reference>{_WORD})\s*\))\s*\}}\}}"
)
"""`{{ env_var('X') }}`, `{{ env_var('X', 'default') }}` and `{{ secret('env:X') }}`, which say the same without Jinja."""
_MORE = re.compile(r"\{[{%#]|\r")
_UNSET = object()


class Renderer:
    """Renders the texts of one target; what cannot be rendered is a diagnostic and stays as it is."""

    def __init__(self, root: Path, marks: Marks, problems: list[Diagnostic]) -> None:
        self.root = root
        self.marks = marks
        self.problems = problems
        self._environment: ImmutableSandboxedEnvironment | None = None
        self._secrets: list[str] = []
        self._read_env = False
        self._asked = ""

    def render(self, value: Any, path: tuple[str | int, ...] = ()) -> Any:
        """The value with every template in it rendered; a text that used secret() becomes one Secret."""
        if isinstance(value, dict):
            return {key: self.render(inner, (*path, key)) for key, inner in value.items()}
        if isinstance(value, list):
            return [self.render(inner, (*path, index)) for index, inner in enumerate(value)]
        if isinstance(value, str) and "{{" in value:
            return self._text(value, path)
        return value

    def _text(self, text: str, path: tuple[str | int, ...]) -> Any:
        self._secrets, self._read_env = [], False
        try:
            result = self._evaluate(text) if _MORE.search(_PLAIN.sub("", text)) else self._plain(text)
        except BadInput as error:
            return self._refused(path, error, error.fix, text, spelt=self._asked in text)
        except (TypeError, ValueError, ArithmeticError, LookupError, AttributeError) as error:
            return self._failure(path, error, text)
        except _template_error() as error:
            return self._broken(path, error, text)
        if self._secrets:
            return Secret(str(result), parts=tuple(self._secrets))
        name = next((part for part in reversed(path) if isinstance(part, str)), "")
        if self._read_env and is_secret_option(name) and isinstance(result, str):
            return Secret(result)
        return result

    def _refused(
        self, path: tuple[str | int, ...], error: Exception, fix: str, text: str, *, spelt: bool
    ) -> str:
        """`env_var(secret(..))` would have its message quote the secret; a name that the template spells is none."""
        if spelt or not (self._secrets or self._read_env):
            return self._problem(path, str(getattr(error, "message", error)), fix, text)
        return self._failure(path, error, text)

    def _broken(self, path: tuple[str | int, ...], error: Exception, text: str) -> str:
        """What Jinja itself objects to."""
        from jinja2 import TemplateSyntaxError, UndefinedError

        if isinstance(error, TemplateSyntaxError):
            said = (error.message or "").rstrip(".")
            return self._problem(path, f"not a template: {said}", "Check the braces and quotes", text)
        if isinstance(error, UndefinedError):
            fix = "profiles.yml knows env_var() and secret()"
            return self._refused(path, error, fix, text, spelt=False)
        return self._failure(path, error, text)

    def _failure(self, path: tuple[str | int, ...], error: Exception, text: str) -> str:
        """The error's own words may quote a secret that the template has read, so they are not shown."""
        return self._problem(
            path, f"the template fails ({type(error).__name__})", "Check its arguments", text
        )

    def _problem(self, path: tuple[str | int, ...], message: str, fix: str, text: str) -> str:
        self.problems.append(Diagnostic(self.marks.at(*path), message, fix))
        return text

    def _plain(self, text: str) -> str:
        """The text with its plain calls made; one call alone loses the blanks around it, as an expression does."""
        return _PLAIN.sub(self._call, text.strip() if _SINGLE.match(text) else text)

    def _call(self, found: re.Match[str]) -> str:
        if found["reference"] is not None:
            return self._secret(found["reference"][1:-1])
        default = found["default"]
        return str(self._env_var(found["name"][1:-1], _UNSET if default is None else default[1:-1]))

    def _evaluate(self, text: str) -> Any:
        from jinja2 import Undefined

        environment = self._sandbox()
        single = _SINGLE.match(text)
        if single is None:
            return environment.from_string(text).render()
        # One expression alone keeps its type: `{{ env_var('PORT') | as_number }}` is a number.
        result = environment.compile_expression(single["expression"].strip(), undefined_to_none=False)()
        if isinstance(result, Undefined):
            str(result)  # a StrictUndefined says its own message when it is used
        if not isinstance(result, str | int | float):
            raise BadInput(
                "the template gives no text", "Write {{ env_var('NAME') }} or {{ secret('env:NAME') }}"
            )
        return result

    def _sandbox(self) -> ImmutableSandboxedEnvironment:
        if self._environment is None:
            from jinja2 import StrictUndefined
            from jinja2.sandbox import ImmutableSandboxedEnvironment

            self._environment = ImmutableSandboxedEnvironment(
                undefined=StrictUndefined, keep_trailing_newline=True
            )
            self._environment.globals.clear()
            self._environment.globals.update(env_var=self._env_var, secret=self._secret)
            self._environment.filters.update(as_number=_as_number, as_bool=_as_bool)
        return self._environment

    def _env_var(self, name: str, default: Any = _UNSET) -> Any:
        self._asked = str(name)
        if name in os.environ:
            self._read_env = True
            return os.environ[name]
        if default is _UNSET:
            fix = f"Set it, or give a default: env_var('{name}', '...')"
            raise BadInput(f"the environment variable {name} is not set", fix)
        return default

    def _secret(self, reference: str) -> str:
        self._asked = str(reference)
        self._secrets.append(resolve(str(reference), self.root).reveal())
        return self._secrets[-1]


def _template_error() -> type[Exception]:
    """Asked for only once something was raised that is nothing else, by when Jinja has been imported."""
    from jinja2 import TemplateError

    return TemplateError


def _as_number(value: Any) -> int | float:
    """As dbt's filter of the same name."""
    try:
        return int(value)
    except ValueError:
        return float(value)


def _as_bool(value: Any) -> bool:
    """As dbt's filter of the same name: true/false, yes/no, on/off, 1/0."""
    words = {
        "true": True,
        "yes": True,
        "on": True,
        "1": True,
        "false": False,
        "no": False,
        "off": False,
        "0": False,
    }
    return words[str(value).strip().lower()]
