"""Jinja in dbt's YAML: `var()`, `env_var()` and `target`, in a sandbox; Jinja itself is imported for more than one plain call only."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tailrace.errors import BadInput, Diagnostic, near_miss
from tailrace.project.spec import Marks

if TYPE_CHECKING:
    from jinja2.sandbox import ImmutableSandboxedEnvironment

_TEXT = r"'[^'\\{}]*'|\"[^\"\\{}]*\""
_CALL = re.compile(
    rf"\s*\{{\{{-?\s*(?P<function>var|env_var)\(\s*(?P<name>{_TEXT})\s*"
    rf"(?:,\s*(?P<default>{_TEXT}|-?\d+(?:\.\d+)?|[Tt]rue|[Ff]alse|[Nn]one|\[\s*\])\s*)?\)\s*-?\}}\}}\s*\Z"
)
_SINGLE = re.compile(r"\s*\{\{-?(?P<expression>(?:(?!\{\{|\}\}).)*?)-?\}\}\s*\Z", re.DOTALL)
_UNSET = object()
_WORDS = {"true": True, "false": False, "none": None}
_LARGEST = 1_000_000


class YamlTemplates:
    """Renders the texts of one project's or package's YAML; what cannot be rendered is a diagnostic and stays as it is."""

    def __init__(
        self,
        variables: Mapping[str, Any],
        target: Mapping[str, Any],
        problems: list[Diagnostic],
        var_fix: str = "Set it under `vars:`",
    ) -> None:
        self.variables = variables
        self.target = target
        self.problems = problems
        self.var_fix = var_fix
        self._environment: ImmutableSandboxedEnvironment | None = None
        self._open: list[str] = []

    def render(self, value: Any, marks: Marks, skip: frozenset[str] = frozenset()) -> Any:
        """The value with every template in it rendered, but those under the keys `skip`: they are rendered later."""
        return self._rendered(value, marks, (), skip)

    def _rendered(self, value: Any, marks: Marks, path: tuple[str | int, ...], skip: frozenset[str]) -> Any:
        if isinstance(value, str):
            return self._text(value, marks, path) if "{{" in value or "{%" in value else value
        if isinstance(value, Mapping):
            return {
                key: inner if key.lstrip("+ ") in skip else self._rendered(inner, marks, (*path, key), skip)
                for key, inner in value.items()
            }
        if isinstance(value, list):
            return [self._rendered(inner, marks, (*path, at), skip) for at, inner in enumerate(value)]
        return value

    def _text(self, text: str, marks: Marks, path: tuple[str | int, ...]) -> Any:
        try:
            call = _CALL.match(text)
            return self._plain_call(call) if call else self._evaluate(text)
        except BadInput as error:
            self.problems.append(Diagnostic(marks.at(*path), error.message, error.fix))
        return text

    def _plain_call(self, call: re.Match[str]) -> Any:
        function = self.var if call["function"] == "var" else self.env_var
        written = call["default"]
        default = _UNSET if written is None else _WORDS.get(written.lower(), _UNSET)
        if written is not None and default is _UNSET:
            default = _native(written)
        return function(call["name"][1:-1], default)

    def _evaluate(self, text: str) -> Any:
        """One expression alone keeps its type, as in dbt: `"{{ var('on') and target.name == 'ci' }}"` is a boolean."""
        from jinja2 import TemplateError, Undefined

        try:
            single = _SINGLE.match(text)
            if single is None:
                return self._sandbox().from_string(text).render()
            expression = self._sandbox().compile_expression(
                single["expression"].strip(), undefined_to_none=False
            )
            result = expression()
            if isinstance(result, Undefined):
                str(result)  # a StrictUndefined says its own message when it is used
            return result
        except TemplateError as error:
            said = (error.message or type(error).__name__).rstrip(".")
            fix = "YAML knows var(), env_var() and target"
            raise BadInput(f"the template fails: {said}", fix) from error
        except (TypeError, ValueError, ArithmeticError, LookupError, AttributeError) as error:
            raise BadInput(f"the template fails: {error}", "Check its arguments") from error

    def _sandbox(self) -> ImmutableSandboxedEnvironment:
        if self._environment is None:
            self._environment = _sandbox()
            self._environment.globals.update(var=self.var, env_var=self.env_var, target=self.target)
        return self._environment

    def var(self, name: str, default: Any = _UNSET) -> Any:
        """A variable, or the default; a variable's own template is rendered when it is asked for, as in dbt."""
        if name in self.variables:
            value = self.variables[name]
            return self._within(str(name), value) if isinstance(value, str) and "{{" in value else value
        if default is _UNSET:
            near = near_miss(str(name), [str(known) for known in self.variables])
            fix = f"{self.var_fix}, or give a default: var('{name}', ...)"
            fix += f". {near[:1].upper()}{near[1:]}" if near.startswith("did") else ""
            raise BadInput(f"there is no variable {name}", fix)
        return default

    def _within(self, name: str, text: str) -> Any:
        if name in self._open:
            raise BadInput(f"the variable {name} is made of itself", "Write its value out")
        self._open.append(name)
        try:
            return self._evaluate(text)
        finally:
            self._open.pop()

    def env_var(self, name: str, default: Any = _UNSET) -> Any:
        """A text of the environment, or the default."""
        if name in os.environ:
            return os.environ[name]
        if default is _UNSET:
            fix = f"Set it, or give a default: env_var('{name}', '...')"
            raise BadInput(f"the environment variable {name} is not set", fix)
        return default


def _sandbox() -> ImmutableSandboxedEnvironment:
    from jinja2 import StrictUndefined
    from jinja2.exceptions import SecurityError
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    class Sandbox(ImmutableSandboxedEnvironment):
        """No value that eats the machine: YAML needs no arithmetic on large things."""

        intercepted_binops = frozenset(("*", "**"))

        def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
            sizes = [abs(side) if isinstance(side, int | float) else len(side) for side in (left, right)]
            if max(sizes) > (_LARGEST if operator == "*" else 64) or sizes[0] * sizes[1] > _LARGEST:
                raise SecurityError(f"{operator} makes too large a value")
            return super().call_binop(context, operator, left, right)

        def _parse(self, source: str, name: str | None, filename: str | None) -> Any:
            from jinja2 import nodes

            tree = super()._parse(source, name, filename)
            if next(tree.find_all((nodes.For, nodes.Macro, nodes.CallBlock)), None) is not None:
                raise SecurityError("YAML takes no loops and no macros")
            return tree

    found = Sandbox(undefined=StrictUndefined, keep_trailing_newline=True)
    found.globals.clear()
    found.filters.update(as_number=_number, as_bool=_boolean, as_native=_native, as_text=str)
    return found


def _native(value: Any) -> Any:
    import ast

    try:
        return ast.literal_eval(str(value))
    except (ValueError, SyntaxError):
        return value


def _number(value: Any) -> int | float:
    text = str(value)
    return int(text) if text.strip().lstrip("+-").isdigit() else float(text)


def _boolean(value: Any) -> bool:
    word = str(value).strip().lower()
    if word not in ("true", "false", "yes", "no", "on", "off", "1", "0"):
        raise ValueError(f"{word[:40]!r} is neither true nor false")
    return word in ("true", "yes", "on", "1")
