"""Jinja itself: sandboxed, measured, and with offsets in place of line numbers, so that every place is exact.

A template's root function yields its text, and between the texts the numbers that say where in the file the next one comes
from: `n` for text that stands there as it is, `~n` for what an expression or a call at n gave. They are no values of the
template's, which cannot see them.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator
from types import FrameType
from typing import Any

import jinja2
from jinja2 import compiler, lexer, nodes, runtime
from jinja2.exceptions import TemplateSyntaxError
from jinja2.sandbox import SandboxedEnvironment
from jinja2.utils import missing

from tailrace.build.template import filters
from tailrace.build.template.blocks import DbtBlocks, TypedParser
from tailrace.build.template.failures import Returned
from tailrace.build.template.limits import binary_size, call_size, check_size, formatted_size, joined
from tailrace.build.template.printing import printed
from tailrace.build.template.scope import Scope
from tailrace.build.template.unit import Unit


class Offsets(lexer.Lexer):
    """Tokens carry their offset in the text, from 1, where Jinja's carry a line."""

    def tokeniter(
        self, source: str, name: str | None, filename: str | None = None, state: str | None = None
    ) -> Iterator[tuple[int, str, str]]:
        at = 0
        try:
            for _line, kind, value in super().tokeniter(source, name, filename, state):
                at = source.find(value, at)  # what is skipped is white space that `-` took away
                yield at + 1, kind, value
                at += len(value)
        except TemplateSyntaxError as error:
            line = len("".join(source.splitlines(keepends=True)[: error.lineno - 1]))
            error.lineno = max(line, at) + 1
            raise


class Generator(compiler.CodeGenerator):
    """Jinja's compiler, with the numbers between the pieces of the output, and macros that can return."""

    def _make_finalize(self) -> Any:
        """Nothing is worked out while compiling: no clock runs then."""
        return super()._make_finalize()._replace(const=None)

    def visit_Output(self, node: nodes.Output, frame: compiler.Frame) -> None:  # noqa: N802 - Jinja's
        for child in node.nodes:
            child.lineno = _first(child)
        if frame.buffer is not None:
            super().visit_Output(node, frame)
            return
        for child in node.nodes:
            self._place(child, plain=isinstance(child, nodes.TemplateData))
            super().visit_Output(nodes.Output([child], lineno=child.lineno), frame)

    def visit_CallBlock(self, node: nodes.CallBlock, frame: compiler.Frame) -> None:  # noqa: N802 - Jinja's
        if frame.buffer is None:
            self._place(node, plain=False)
        super().visit_CallBlock(node, frame)

    def visit_FilterBlock(self, node: nodes.FilterBlock, frame: compiler.Frame) -> None:  # noqa: N802 - Jinja's
        if frame.buffer is None:
            self._place(node, plain=False)
        super().visit_FilterBlock(node, frame)

    def _place(self, node: nodes.Node, *, plain: bool) -> None:
        offset = node.lineno - 1
        self.writeline(f"yield {offset if plain else ~offset}", node)

    def macro_def(self, macro_ref: compiler.MacroRef, frame: compiler.Frame) -> None:
        if isinstance(macro_ref.node, nodes.Macro):
            self.write("environment.returning(")
            super().macro_def(macro_ref, frame)
            self.write(")")
        else:
            super().macro_def(macro_ref, frame)


def _first(node: nodes.Node) -> int:
    """Where an expression begins: a call's own place is its parenthesis."""
    return min([node.lineno, *(part.lineno for part in node.find_all(nodes.Expr))])


class Environment(SandboxedEnvironment):
    """The sandbox of all templates of one project."""

    intercepted_binops = frozenset(("+", "*", "**", "%"))
    code_generator_class = Generator
    concat = staticmethod(joined)

    def __init__(self, scope: Scope) -> None:
        super().__init__(
            undefined=Absent,
            extensions=["jinja2.ext.do", "jinja2.ext.loopcontrols", DbtBlocks],
            finalize=printed,
            optimized=False,
        )
        self.scope = scope
        self.filters |= filters.FILTERS
        self.globals = {
            name: self.globals[name] for name in ("range", "dict", "namespace", "cycler", "joiner")
        }

    @property
    def lexer(self) -> Offsets:
        found = self.__dict__.get("_offsets")
        if found is None:
            found = self.__dict__["_offsets"] = Offsets(self)
        return found

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        tree = TypedParser(self, source, name, filename).parse()
        for node in tree.find_all(
            (nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends, nodes.Block)
        ):
            raise TemplateSyntaxError(
                f"{NO_FILES} ({type(node).__name__.lower()})", node.lineno, name, filename
            )
        for concat in tree.find_all(nodes.Concat):
            parts = nodes.List(list(concat.nodes), lineno=concat.lineno)
            concat.nodes = [nodes.Filter(parts, "tailrace_concat", [], [], None, None, lineno=concat.lineno)]
        return tree

    def template(self, unit: Unit, tree: nodes.Template | str) -> Source:
        """A parsed text that can be rendered."""
        if isinstance(tree, str):
            tree = self.parse(tree, unit.path, unit.path)
        assigned = {name.name for name in tree.find_all(nodes.Name) if name.ctx != "load"}
        code = self.compile(tree, name=unit.path, filename=unit.path)
        found = Source.from_code(self, code, {})
        assert isinstance(found, Source)
        found.unit = unit
        found.assigned = frozenset(assigned)
        return found

    def context(self, template: jinja2.Template) -> Context:
        """A context for one run of a template: its own variables, and what the scope finds."""
        return Context(self, {}, template.name, template.blocks)

    def call_binop(self, context: runtime.Context, operator: str, left: Any, right: Any) -> Any:
        check_size(binary_size(operator, left, right))
        return super().call_binop(context, operator, left, right)

    def call(__self, __context: runtime.Context, __obj: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N805, PYI063 - Jinja's
        check_size(call_size(__obj, args, kwargs))
        return super().call(__context, __obj, *args, **kwargs)

    def wrap_str_format(self, value: Any) -> Any:
        wrapped = super().wrap_str_format(value)
        if wrapped is None:
            return None
        text = value.__self__

        def checked(*args: Any, **kwargs: Any) -> Any:
            given = args[0].values() if value.__name__ == "format_map" else (*args, *kwargs.values())
            check_size(formatted_size(text, given, "{"))
            return wrapped(*args, **kwargs)

        return checked

    def getattr(self, obj: Any, attribute: str) -> Any:
        if obj is None and self.scope.is_guessing:
            return Unasked(name=attribute)
        return self._found(obj, super().getattr(obj, attribute))

    def getitem(self, obj: Any, argument: Any) -> Any:
        if obj is None and self.scope.is_guessing:
            return Unasked(name=str(argument))
        return self._found(obj, super().getitem(obj, argument))

    def _found(self, obj: Any, value: Any) -> Any:
        """What an empty answer does not have may be there once somebody can ask."""
        empty = isinstance(value, Absent) and isinstance(obj, list | tuple | dict) and not obj
        return Unasked() if empty and self.scope.is_guessing else value

    @staticmethod
    def returning(macro: runtime.Macro) -> Returning:
        """The macro, with return() as its way out."""
        return Returning(macro)


PREFIX = "tailrace__"
"""Before the names of a file's macros: they find each other as macros of other files do, not as Jinja would."""
NO_FILES = "templates cannot include or import files"


class Context(runtime.Context):
    """Names are looked up when they are read, by whoever is being rendered: macros are compiled once for all."""

    def resolve_or_missing(self, key: str) -> Any:
        if key in self.vars:
            return self.vars[key]
        if key in self.parent:
            return self.parent[key]
        environment = self.environment
        assert isinstance(environment, Environment)
        found = environment.scope.find(key)
        if found is not Scope.ABSENT:
            return found
        return environment.globals.get(key, missing)


class Source(jinja2.Template):
    """A compiled template that knows the text it came from, and what that assigns to."""

    unit: Unit
    assigned: frozenset[str]


class Returning:
    """A macro that is called; return() gives its value, else its text is."""

    def __init__(self, macro: runtime.Macro) -> None:
        self._macro = macro
        self.name = macro.name

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return self._macro(*args, **kwargs)
        except Returned as returned:
            return returned.value


class Absent(jinja2.Undefined):
    """A name or attribute that is not there: false, empty, and a mistake where it is printed or used.

    A macro's argument that was not given prints as nothing, as in dbt; so does what the template would have assigned if the
    warehouse had been there to ask.
    """

    __slots__ = ()

    def __str__(self) -> str:
        if (self._undefined_hint or "").startswith("parameter ") or self._is_awaited():
            return ""
        self._fail_with_undefined_error()
        return ""  # pragma: no cover - the line above raises

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("__") and self._is_awaited():
            return Unasked(name=name)
        return super().__getattr__(name)

    def __getitem__(self, key: Any) -> Any:
        return Unasked(name=str(key)) if self._is_awaited() else super().__getitem__(key)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return Unasked() if self._is_awaited() else super().__call__(*args, **kwargs)

    def _is_awaited(self) -> bool:
        """Whether the template that is being rendered assigns the name somewhere, and only guesses for now."""
        frame: FrameType | None = inspect.currentframe() if self._undefined_obj is missing else None
        while frame is not None:
            template = frame.f_globals.get("__jinja_template__")
            if isinstance(template, Source):
                environment = template.environment
                assert isinstance(environment, Environment)
                return self._undefined_name in template.assigned and environment.scope.is_guessing
            frame = frame.f_back
        return False


class Unasked(jinja2.ChainableUndefined):
    """Part of an answer that no warehouse gave yet: nothing, whatever is asked of it."""

    __slots__ = ()

    def __call__(self, *_args: Any, **_kwargs: Any) -> Unasked:  # type: ignore[override]
        return self


def pieces_of(events: Iterable[Any]) -> tuple[str, list[tuple[int, int]]]:
    """The text that a root function yields, and the pieces it came from: (offset in it, number)."""
    texts: list[str] = []
    pieces: list[tuple[int, int]] = []
    length = 0
    for event in events:
        if isinstance(event, int):
            if pieces and pieces[-1][0] == length:
                pieces.pop()  # what stood there was empty
            pieces.append((length, event))
        else:
            texts.append(event)
            length += len(event)
            check_size(length)
    return "".join(texts), pieces
