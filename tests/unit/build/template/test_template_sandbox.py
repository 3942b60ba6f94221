"""What a template may not reach, and what it may not use up. Each of these would go on, or grow, for good if nobody stopped it."""

from __future__ import annotations

import gc
import re
import resource
import threading
import time

import pytest
from tests.unit.build.template.cases import Bench

from tailrace.warehouse.duckdb import DuckDBWarehouse

ESCAPES = [
    "''.__class__.__mro__", "''['__class__']", "'' | attr('__class__')", "[''] | map(attribute='__class__') | list",
    "ref.__globals__", "ref['__globals__']", "config._scope", "config['_scope']", "adapter._scope.project", "adapter.dispatch.__func__",
    "'{0.__class__}'.format(ref)", "'{x.__class__}'.format_map({'x': ref})", "'%s'.__mod__(1)", "target.__class__", "this.__class__",
    "this.__dataclass_fields__", "modules.datetime.datetime.__init__", "modules.datetime.timedelta.__mro__", "modules.datetime.timedelta.mro()",
    "modules.re.compile('x')._compiled", "modules.re.compile.__globals__", "modules.pytz.timezone.__globals__", "modules.itertools.count.__wrapped__",
    "modules.os", "modules.re.sys", "modules.datetime.sys", "api.Relation._scope", "api.Column.__class__", "exceptions.warn.__globals__",
    "graph._scope", "context._find", "builtins.__class__", "m.__call__.__func__", "m._load", "dbt._macros", "dbt.__dict__", "var.__class__",
    "execute._scope", "flags.__class__", "namespace.__init__", "cycler.__init__.__globals__", "dict.__subclasses__()", "dict.mro()",
    "(1).__class__", "m.__getattribute__('x')", "self._TemplateReference__context", "self.__class__", "caller.__class__", "run_started_at.__class__",
    "lipsum.__globals__", "joiner.__init__.__globals__", "zip_strict.__globals__", "set([1])._items", "return.__globals__", "open('x')", "eval('1')",
    "range.__class__", "loop.__class__", "model.__class__", "fromyaml('!!python/object/apply:os.getcwd []')", "getattr(ref, 'x')",
]  # fmt: skip


@pytest.fixture(scope="module")
def bench():
    return Bench({"macros/m.sql": "{% macro m() %}{% endmacro %}"}, vars={"items": [1, {"a": [2]}]})


@pytest.mark.parametrize("text", ESCAPES)
def test_nothing_of_python_is_reached(text, bench):
    found = bench.render(f"[{{{{ {text} }}}}] {{{{ ({text}) | list }}}}")
    wrong = [str(problem) for problem in bench.problems]
    bench.problems.clear()
    assert found is None or not re.search("<|__|object at|built-in|module", found.sql), found.sql
    assert found is not None or len(wrong) == 1


def test_a_template_cannot_change_what_the_next_one_gets(bench):
    spoils = (
        "{% do var('items').append(9) %}{% do var('items')[1]['a'].append(9) %}{% do config.get('tags', []).append('x') %}"
        "{% do model.tags.append('x') %}{% do model.config.update(a=1) %}"
    )
    kept = "{{ var('items') }} {{ config.get('tags', []) }} {{ model.tags }} {{ model.config.a is defined }}"
    bench.text(spoils)
    assert bench.text(kept) == "[1, {'a': [2]}] [] [] False"


BIG = "{% set x = 'x' * 9999999 %}"
GROWS = {
    "plus": "{% set ns = namespace(x='xxxxxxxxxx') %}{% for i in range(90) %}{% set ns.x = ns.x + ns.x %}{% endfor %}",
    "lists": "{% set ns = namespace(x=[1, 2, 3, 4]) %}{% for i in range(90) %}{% set ns.x = ns.x + ns.x %}{% endfor %}",
    "extend": "{% set x = [1, 2] %}{% for i in range(90) %}{% do x.extend(x) %}{% endfor %}",
    "nested": "{% set ns = namespace(x=[1]) %}{% for i in range(90) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x }}",
    "nested as text": "{% set ns = namespace(x=[1]) %}{% for i in range(90) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{% set y = ns.x | string %}",
    "nested as json": "{% set ns = namespace(x=[1]) %}{% for i in range(90) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{% set y = tojson(ns.x) %}",
    "nested joined": "{% set ns = namespace(x=[1]) %}{% for i in range(90) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{% set y = 'a' ~ ns.x %}",
    "output": BIG + "{% for i in range(99999) %}{{ x }}{% endfor %}",
    "macro": BIG + "{% macro m() %}{% for i in range(99999) %}{{ x }}{% endfor %}{% endmacro %}{{ m() }}",
    "set block": BIG + "{% set y %}{% for i in range(99999) %}{{ x }}{% endfor %}{% endset %}",
    "center": "{{ 'x'.center(9999999999) }}", "center filter": "{{ 'x' | center(9999999999) }}", "ljust": "{{ 'x'.ljust(width=9999999999) }}",
    "zfill": "{{ 'x'.zfill(9999999999) }}", "tabs": "{{ '\\t'.expandtabs(9999999999) }}", "indent": "{{ 'a\n' | indent(9999999999, true) }}",
    "replace": BIG + "{{ x.replace('x', x) }}", "replace filter": BIG + "{{ x | replace('x', x) }}", "replace nothing": BIG + "{{ x.replace('', x) }}",
    "join": BIG + "{{ x.join([1, 2] | map('string') | list) }}", "join filter": BIG + "{{ [x, x] | join }}", "join attribute": BIG + "{{ [{'a': x}, {'a': x}] | join(attribute='a') }}",
    "format": "{{ '{:>9999999999}'.format(1) }}", "format argument": "{{ '{:{w}}'.format(1, w=9999999999) }}", "format many": BIG + "{{ ('{0}' * 99).format(x) }}",
    "percent": "{{ '%9999999999d' % 1 }}", "percent star": "{{ '%*d' % (9999999999, 1) }}", "percent filter": "{{ '%9999999999d' | format(1) }}",
    "bytes": "{{ ('x'.encode() * 99999999999) }}", "to_bytes": "{{ (1).to_bytes(9999999999, 'big') }}", "translate": BIG + "{{ x.translate({120: 'xx'}) }}",
    "wordwrap": "{{ ('x ' * 999999) | wordwrap(1, wrapstring='x' * 999999) }}", "sum": "{{ [[1] * 9999999, [1] * 9999999] | sum(start=[]) }}",
    "round": "{{ 1.5 | round(9999999, 'ceil') }}", "json indent": "{{ [1, 2] | tojson(indent=9999999999) }}",
    "re.sub": BIG + "{{ modules.re.sub('x', x, 'xxx') }}", "re groups": BIG + "{{ modules.re.sub('(x+)', '\\\\1\\\\1', x) }}",
    "match.expand": BIG + "{{ modules.re.match('(x+)', x).expand('\\\\1\\\\1') }}", "match.re": BIG + "{{ modules.re.match('x', x).re.sub('x', x, x) }}",
    "power": "{{ 2 ** 999999999 }}", "slices": "{{ [1] | slice(9999999999) | list }}", "batches": "{{ [1] | batch(9999999999, 'x') | list }}",
}  # fmt: skip
SERIES = {
    "count": "{{ modules.itertools.count() | list }}", "cycle": "{{ modules.itertools.cycle([1]) | list }}",
    "repeat": "{{ modules.itertools.repeat(1) | list | length }}", "product": "{{ modules.itertools.product(range(9999), range(9999)) | list | length }}",
    "product repeated": "{{ modules.itertools.product([1, 2], repeat=40) | list | length }}",
    "permutations": "{{ modules.itertools.permutations(range(20)) | list | length }}", "range": "{{ range(10 ** 9) | list }}",
}  # fmt: skip


@pytest.mark.parametrize("name", [*GROWS, *SERIES])
def test_what_would_eat_the_machine_is_measured_first(name, bench):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    [found] = bench.wrong((GROWS | SERIES)[name])
    assert "ten million" in found or "more than 100,000 items" in found or "Range too big" in found, found
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 400_000, f"{grown} KB"


LOOPS = {
    "loop": "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
    "macro": "{% macro m() %}{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}{% endmacro %}{{ m() }}",
    "recursion": "{% macro m(n) %}{{ m(n) if n else '' }}{{ m(n) }}{% endmacro %}{{ m(1) }}",
    "regex": "{{ modules.re.match('(a+)+b', 'a' * 60) }}",
}


@pytest.mark.parametrize("name", LOOPS)
def test_what_does_not_end_is_ended(name):
    bench = Bench({}, seconds=0.3)
    [found] = bench.wrong(LOOPS[name])
    assert "ran for more than 0.3 seconds" in found or "calls itself without end" in found


def test_another_thread_is_stopped_as_well():
    bench, found = Bench({}, seconds=0.3), []
    thread = threading.Thread(target=lambda: found.extend(bench.wrong(LOOPS["loop"])), daemon=True)
    thread.start()
    thread.join(20)
    assert len(found) == 1
    assert "ran for more than 0.3 seconds" in found[0]


@pytest.mark.parametrize("aside", [False, True])
def test_an_alarm_is_not_lost_where_garbage_is_collected(aside):
    """Hypothesis has such a callback: what is raised in it is dropped."""

    waited, found, bench = [], [], Bench({}, seconds=0.1)

    def collected(_phase, _info):
        until = time.monotonic() + (0 if waited else 0.2)
        waited.append(until)
        while time.monotonic() < until:
            pass

    def run():
        found.extend(bench.wrong(text))

    text = "{% for a in range(999) %}{% set b = [] %}{% for c in range(999) %}{% do b.append([[a], c]) %}{% endfor %}{% endfor %}"
    thread = threading.Thread(target=run)
    gc.callbacks.append(collected)
    try:
        thread.start() if aside else run()
        if aside:
            thread.join()
    finally:
        gc.callbacks.remove(collected)
    assert waited
    assert "ran for more than 0.1 seconds" in found[0]


@pytest.mark.parametrize("aside", [False, True])
def test_a_query_may_take_longer_and_the_template_after_it_may_not(aside):
    import tailrace.build.sql  # noqa: F401 - its import is not the template's time

    warehouse = DuckDBWarehouse(None, settings={"threads": 1})
    bench, found = Bench({}, seconds=0.4, warehouse=warehouse), []
    slow = "{{ run_query('select count(*) from range(7000) a, range(7000) b where hash(a.range + b.range) % 7 = 1')[0][0] > 0 }}"

    def run():
        found.append(bench.render(slow))
        found.append(bench.wrong(slow + LOOPS["loop"]))

    thread = threading.Thread(target=run)
    thread.start() if aside else run()
    if aside:
        thread.join()
    warehouse.close()
    assert found[0] is not None and found[0].sql == "True"
    assert "ran for more than 0.4 seconds" in found[1][0]


def test_sizes_that_are_common_pass(bench):
    text = "{{ 'x'.center(3) }}{{ '%5.2f' | format(1.5) }} {{ ('a,' * 1000).split(',') | join('-') | length }} {{ [1, 2] | sum }} {{ 1.25 | round(1) }}"
    assert bench.text(text) == " x  1.50 2000 3 1.2"


def test_a_template_s_query_is_stopped_by_the_sandbox_too():
    warehouse = DuckDBWarehouse(None)
    bench = Bench({}, warehouse=warehouse)
    for query in (
        "drop schema main cascade",
        "create table x as select 1",
        "attach 'x.db'",
        "copy (select 1) to '/tmp/x.csv'",
        "insert into x values (1)",
        "pragma version",
        "install httpfs",
        "set threads=9",
        "select 1; select 2",
    ):
        [found] = bench.wrong(f'{{% do run_query("{query}") %}}')
        assert "only hooks may" in found or "second statement" in found, found
    assert warehouse.tables("main") == {}
    warehouse.close()
