"""dbt's own tags: generic tests are macros, materializations and docs are read over."""

from __future__ import annotations

from jinja2 import nodes
from jinja2.ext import Extension
from jinja2.parser import Parser


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
