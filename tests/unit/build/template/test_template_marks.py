"""Every piece of the SQL knows where in the file it came from, and nothing of that is seen in the SQL or by the template."""

from __future__ import annotations

import jinja2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.build.template.cases import Bench

BENCH = Bench({"macros/m.sql": "{% macro m(x=1) %}<{{ x }}\n{{ caller() if caller else '' }}>{% endmacro %}"})
PLAIN = jinja2.Environment(extensions=["jinja2.ext.do", "jinja2.ext.loopcontrols"])
MACRO = "{% macro m(x=1) %}<{{ x }}\n{{ caller() if caller else '' }}>{% endmacro %}"
DATA = st.text("ab \n\t'\"", max_size=8)
EXPRESSION = st.sampled_from(
    [
        "1",
        "'x\ny'",
        "x",
        "m()",
        "m(2) ~ 'z'",
        "[1, 2] | join(',')",
        "(m)(3) | upper",
        "'a' if x else 'b'",
        "x + 1",
        "''",
        "-x",
    ]
)


def tags(inner):
    """Blocks around templates, with and without the signs that take white space away."""
    dash = st.sampled_from(["", "-"])
    block = st.sampled_from(
        [
            ("if x", "endif"), ("if not x", "endif"), ("for i in [1, 2]", "endfor"), ("set y", "endset"), ("filter upper", "endfilter"),
            ("call m(2)", "endcall"), ("if x", "else %}other{% endif"), ("for i in []", "else %}none{% endfor"), ("raw", "endraw"),
        ]
    )  # fmt: skip
    blocks = st.builds(  # one raw block inside another ends at the inner one's end
        lambda kind, body, a, b, c, d: f"{{%{a} {kind[0]} {b}%}}{body}{{%{c} {kind[1]} {d}%}}",
        block, inner, dash, dash, dash, dash,
    ).filter(lambda text: text.count(" raw ") < 2)  # fmt: skip
    output = st.builds(lambda text, a, b: f"{{{{{a} {text} {b}}}}}", EXPRESSION, dash, dash)
    comment = st.builds(lambda text, a: f"{{#{a} {text} {a}#}}", DATA, dash)
    return st.lists(st.one_of(DATA, output, blocks, comment), max_size=5).map("".join)


TEMPLATES = st.recursive(DATA, tags, max_leaves=12)


@settings(max_examples=150, deadline=None)
@given(TEMPLATES)
def test_the_text_is_jinja_s_own_and_every_plain_piece_stands_in_the_file(text):
    wanted = PLAIN.from_string("{% set x = 3 %}" + MACRO + text).render()
    found = BENCH.render(text, names={"x": 3})
    assert not BENCH.problems
    assert found.sql == wanted
    ends = [*(start for start, _ in found.pieces[1:]), len(found.sql)][: len(found.pieces)]
    for (start, source), end in zip(found.pieces, ends, strict=True):
        if source >= 0:
            assert found.text[source : source + end - start] == found.sql[start:end]
        else:
            before = found.text[:~source].rstrip(" (\n\t")
            assert before.endswith(("{{", "{{-", "{%", "{%-")), (text, before)


def test_places_behind_macros_loops_and_conditions():
    text = "{% set l = [1, 2] %}\nselect\n  {{ m(\n    3) }} as a,\n{% for i in l %}  {{ i }} as b{{ i }},\n{% endfor %}  wrong\nfrom x"
    found = BENCH.render(text)

    def at(words):
        location = found.locate(found.sql.index(words))
        return location.line, location.col

    assert at("<3") == at(">") == (3, 6), "a macro's text stands where it is called"
    assert at("1 as b") == at("2 as b") == (5, 22)
    assert at(" as b2") == (5, 26)
    assert at("wrong") == (6, 15)
    assert at("from x") == (7, 1)


def test_a_snapshot_s_lines_count_from_the_file_s_first():
    from tailrace.build.template.unit import Unit

    unit = Unit("snapshots/s.sql", "select {{ nothing }}", line=4)
    assert BENCH.templates.render(unit, BENCH.calls(unit, "s")) is None
    assert str(BENCH.problems.pop()).startswith("snapshots/s.sql:5:11: 'nothing' is undefined")


@pytest.mark.parametrize("newline", ["\r\n", "\r"])
def test_other_line_ends_are_read_as_jinja_does(newline):
    found = BENCH.render(f"select{newline}  {{{{ 1 }}}} as a,{newline}  wrong")
    assert found.locate(found.sql.index("wrong")).line == 3
