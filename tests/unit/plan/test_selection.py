"""What a SELECT finds of a dbt project: names with their packages, settings, exposures."""

from __future__ import annotations

import pytest
from tests.unit.build.layout import NOW

from tailrace.plan.resolve import choose, resolve
from tailrace.project.load import load_project

FILES = {
    "dbt_project.yml": "name: shop\nprofile: shop\nmodels: {shop: {marts: {+meta: {own: me}}}}\n",
    "profiles.yml": "shop: {target: d, outputs: {d: {type: duckdb, path: d.duckdb}}}\n",
    "packages.yml": "packages: [{local: ./packages/lib}]\n",
    "packages/lib/dbt_project.yml": "name: lib\n",
    "packages/lib/models/base/pk.sql": "SELECT 1 AS x",
    "models/a.sql": "SELECT x FROM {{ ref('pk') }}",
    "models/marts/m.sql": "{{ config(meta={'tier': 1}) }} SELECT x FROM {{ ref('a') }}",
    "models/marts/n.sql": "SELECT x FROM {{ source('raw', 't') }}",
    "models/all.yml": """
sources: [{name: raw, tables: [{name: t}]}]
models: [{name: n, meta: {deep: {er: [p, q]}}}]
exposures:
  - {name: board, type: dashboard, owner: {name: Ann}, depends_on: ["ref('M')", "source('raw', 't')"]}
""",
}


@pytest.fixture(scope="module")
def resolved(tmp_path_factory):
    root = tmp_path_factory.mktemp("shop")
    for name, text in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return resolve(load_project(root), now=NOW)


@pytest.mark.parametrize(
    ("word", "models"),
    [
        ("fqn:shop.marts.m", "m"),
        ("shop.marts", "m n"),
        ("lib.base.pk", "pk"),
        ("base", "pk"),
        ("+exposure:board", "a m pk"),
        ("exposure:board", ""),
        ("pk+,1+exposure:board", "m"),
        ("source:raw.t+", "n"),
        ("source:shop.raw", ""),
        ("@m", "a m pk"),
        ("@a", "a m pk"),
        ("config.meta.own:me", "m n"),
        ("config.meta.tier:1", "m"),
        ("config.meta.deep.er:q", "n"),
    ],
)
def test_words_of_dbt(resolved, word, models):
    assert sorted(choose(resolved, [word]).models) == models.split()
