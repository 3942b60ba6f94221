"""A model whose template asks the warehouse reads what it names plainly, too; what comes up only later is said."""

from __future__ import annotations

import pytest
from tests.unit.build.layout import compiled, lay_out
from tests.unit.build.test_late_incremental import Shop

from tailrace.build.plain import plain_tables


@pytest.mark.parametrize(
    "text",
    [
        "{% if execute %}{% endif %}SELECT count(*) AS n FROM zz",
        "{% if execute %}{% endif %}SELECT count(*) AS n FROM marts.zz JOIN hubspot.contacts ON true",
        "SELECT {% if execute %}1 AS n{% endif %} FROM zz",
        "{% if flags.FULL_REFRESH %}{% endif %}WITH a AS (SELECT 1) SELECT count(*) AS n FROM a, zz",
    ],
)
def test_plain_names_are_dependencies_of_templates_that_ask(tmp_path, text):
    lay_out(tmp_path, {"models/marts/aa.sql": text, "models/marts/zz.sql": "SELECT 1 AS x"})
    graph = compiled(tmp_path)
    assert graph.nodes["aa"].late
    assert graph.nodes["aa"].depends_on == ("zz",)
    assert graph.order.index("zz") < graph.order.index("aa")
    assert bool(graph.nodes["aa"].reads) is ("hubspot" in text)


def test_ctes_are_no_tables():
    assert [name for *_, name, _ in plain_tables("with a as (select from x) select from a join b.c on")] == [
        "x",
        "c",
    ]


def test_what_it_reads_only_once_answered_is_refused(tmp_path):
    shop = Shop(tmp_path)
    shop.write("models/later.sql", "select 1 as id")
    shop.write("models/pivot.sql", "select {% if execute %}* from main.later{% else %}1 as id{% endif %}")
    with pytest.raises(
        AssertionError, match=r"models/pivot.sql: it reads later only once its template is answered"
    ):
        shop.build()
    shop.warehouse.close()
