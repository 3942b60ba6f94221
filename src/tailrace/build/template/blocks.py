"""dbt's own tags: generic tests are macros, materializations and docs are read over."""

from __future__ import annotations

from typing import Any

from jinja2 import nodes
from jinja2.ext import Extension
from jinja2.parser import Parser


class TypedParser(Parser):
    """Jinja's parser; a macro's arguments may name their types, which mean nothing: `{% macro m(a: list[string]) %}`."""

    def parse_assign_target(self, *args: Any, **kwargs: Any) -> Any:
        target = super().parse_assign_target(*args, **kwargs)
        if kwargs.get("name_only") and self.stream.current.type == "colon":
            next(self.stream)
            self._skip_type()
        return target

    def _skip_type(self) -> None:
        self.stream.expect("name")
        if self.stream.skip_if("lbracket"):
            while not self.stream.skip_if("rbracket"):
                self.stream.skip_if("comma")
                self._skip_type()


class DbtBlocks(Extension):
    """`{% test x(model) %}` defines the macro test_x, as `{% data_test %}` does."""

    tags = {"test", "data_test", "materialization", "docs"}  # noqa: RUF012 - Jinja's own word

    def parse(self, parser: Parser) -> nodes.Node | list[nodes.Node]:
        tag = next(parser.stream)
        if tag.value in ("test", "data_test"):
            return self._test(parser, tag.lineno)
        while parser.stream.current.type != "block_end":
            next(parser.stream)
        parser.parse_statements((f"name:end{tag.value}",), drop_needle=True)
        return []

    def _test(self, parser: Parser, offset: int) -> nodes.Macro:
        node = nodes.Macro(lineno=offset)
        target = parser.parse_assign_target(name_only=True)
        node.name = f"test_{target.name}"
        parser.parse_signature(node)
        node.body = parser.parse_statements(("name:endtest", "name:enddata_test"), drop_needle=True)
        return node
