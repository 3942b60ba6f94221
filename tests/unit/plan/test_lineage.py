"""Lineage of a project: what can be asked, both directions, joins and filters, syncs, vanished columns, the drawing."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from datetime import UTC, datetime

import duckdb
import pytest

from tailrace.errors import BadInput
from tailrace.plan.impact import vanished_columns
from tailrace.plan.lineage.answer import document, lineage
from tailrace.plan.lineage.picture import picture
from tailrace.plan.resolve import resolve
from tailrace.project.load import load_project
from tailrace.warehouse.duckdb import DuckDBWarehouse

FILES = {
    "pyproject.toml": '[tool.tailrace]\nname = "acme"\nprofile = "acme"\n',
    "profiles.yml": (
        "acme:\n  target: dev\n  outputs:\n    dev:\n      type: duckdb\n      path: warehouse.duckdb\n"
        "      connections:\n        crm: {type: hubspot, access_token: sandbox}\n"
    ),
    "pipelines/hubspot.yml": (
        "pipeline: hubspot\nconnection: crm\nresources:\n"
        "  contacts: {properties: [email, score, city, consent]}\n  companies: {properties: [name, city]}\n"
    ),
    "seeds/weights.csv": "grade,weight\nA,1\n",
    "models/staging/stg_contacts.sql": (
        "SELECT id, lower(email) AS email, score, consent, city FROM {{ source('hubspot', 'contacts') }} WHERE score > 0"
    ),
    "models/staging/stg_companies.sql": "SELECT name, city FROM {{ source('hubspot', 'companies') }}",
    "models/marts/scores.sql": (
        "SELECT c.id, c.email, c.consent, c.score * w.weight AS value, count(*) OVER (PARTITION BY c.city) AS peers\n"
        "FROM {{ ref('stg_contacts') }} AS c JOIN {{ ref('weights') }} AS w ON w.grade = c.city"
    ),
    "models/marts/changes.sql": "SELECT id, score FROM {{ source('hubspot', 'contacts__changes') }}",
    "models/marts/places.sql": "SELECT city, count(*) AS n FROM {{ ref('stg_companies') }} GROUP BY city",
    "models/marts/filed.sql": "SELECT * FROM read_csv('contacts.csv')",
    "models/marts/everything.sql": "SELECT * FROM {{ source('hubspot', 'companies') }}",
    "reverse/scores.yml": (
        "sync: to_crm\nmodel: scores\nconnection: crm\nobject: contacts\nmode: upsert\nprimary_key: id\n"
        "match: {email: email}\nfields: {lead_score: value, peers_nearby: peers}\nsuppress: not consent\n"
    ),
}
CONTACTS = ("id", "email", "score", "city", "consent")


@pytest.fixture
def root(tmp_path):
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def opened(root):
    return lineage(resolve(load_project(root), now=datetime(2026, 11, 21, tzinfo=UTC)))


def asked(root, text, *, indirect=False):
    found = opened(root)
    what = found.find(text)
    flow = found.flow(what)
    answers = found.answers(what, flow, indirect=indirect)
    texts = found.expressions(flow, answers)
    return [document(answer, flow, texts, indirect=indirect) for answer in answers]


def only(root, text, *, indirect=False):
    (found,) = asked(root, text, indirect=indirect)
    return found


def test_a_models_column_both_ways(root):
    found = only(root, "scores.value")
    assert found["column"] == "scores.value"
    assert found["inputs"] == ["hubspot.contacts.score", "main.weights.weight"]
    assert found["outputs"] == ["crm.contacts.lead_score"]
    assert "indirect" not in found and found["notes"] == []
    assert found["path"] == [
        {"from": "main.weights.weight", "to": "marts.scores.value", "how": "direct"},
        {"from": "staging.stg_contacts.score", "to": "marts.scores.value", "how": "direct"},
        {"from": "hubspot.contacts.score", "to": "staging.stg_contacts.score", "how": "direct"},
        {"from": "marts.scores.value", "to": "crm.contacts.lead_score", "how": "direct"},
    ]
    assert found["expressions"] == {"marts.scores.value": "c.score * w.weight"}


def test_joins_filters_and_the_syncs_conditions_are_indirect(root):
    found = only(root, "scores.value", indirect=True)
    assert found["inputs"] == ["hubspot.contacts.city", "hubspot.contacts.score", "main.weights.grade", "main.weights.weight"]  # fmt: skip
    assert found["outputs"] == ["crm.contacts.lead_score"]
    assert found["indirect"] == ["hubspot.contacts.city", "main.weights.grade"]
    field = only(root, "crm.contacts.lead_score", indirect=True)
    assert field["indirect"] == [
        "hubspot.contacts.city",
        "hubspot.contacts.consent",
        "hubspot.contacts.email",
        "hubspot.contacts.id",
        "main.weights.grade",
    ]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("marts.scores.value", "scores.value"),
        ("MARTS.Scores.VALUE", "scores.value"),
        ("Hubspot.Contacts.Score", "hubspot.contacts.score"),
        ("CRM.contacts.lead_score", "crm.contacts.lead_score"),
        ("main.weights.weight", "weights.weight"),
    ],
)
def test_names_in_every_form(root, text, name):
    assert only(root, text)["column"] == name


def test_a_landed_column_counts_in_the_change_log_too(root):
    found = only(root, "hubspot.contacts.score")
    assert found["inputs"] == [] and found["outputs"] == ["crm.contacts.lead_score"]
    assert {"from": "hubspot.contacts__changes.score", "to": "marts.changes.score", "how": "direct"} in found["path"]  # fmt: skip


def test_a_crm_field_and_the_property_that_records_are_made_by(root):
    assert only(root, "crm.contacts.lead_score")["inputs"] == [
        "hubspot.contacts.score",
        "main.weights.weight",
    ]
    assert only(root, "scores.email")["outputs"] == ["crm.contacts.email"]
    update = (root / "reverse/scores.yml").read_text().replace("upsert", "update")
    (root / "reverse/scores.yml").write_text(update)
    assert only(root, "scores.email")["outputs"] == []  # an update writes no e-mail: it only finds by it


def test_a_name_that_is_a_landed_column_and_a_crm_field(root):
    text = (root / "pipelines/hubspot.yml").read_text().replace("pipeline: hubspot\n", "pipeline: hubspot\ndataset: crm\n")  # fmt: skip
    (root / "pipelines/hubspot.yml").write_text(text.replace("consent]", "consent, lead_score]"))
    for path in (root / "models").rglob("*.sql"):
        path.write_text(path.read_text().replace("'hubspot'", "'crm'"))
    (root / "models/marts/echo.sql").write_text("SELECT lead_score FROM {{ source('crm', 'contacts') }}")
    found = only(root, "crm.contacts.lead_score")
    assert found["inputs"] == ["crm.contacts.score", "main.weights.weight"]
    assert {"from": "crm.contacts.lead_score", "to": "marts.echo.lead_score", "how": "direct"} in found[
        "path"
    ]


def test_all_columns_of_a_model_in_its_order(root):
    found = asked(root, "scores")
    assert [one["column"] for one in found] == ["scores.id", "scores.email", "scores.consent", "scores.value", "scores.peers"]  # fmt: skip
    assert found[4]["inputs"] == ["hubspot.contacts.city"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("score", "there is no model, column or CRM field score. did you mean scores?"),
        ("scores.valu", "scores has no column valu. did you mean value?"),
        ("hubspot.contacts.emial", "hubspot.contacts has no column emial. did you mean email?"),
        ("crm.contacts.lead_scor", "there is no model, column or CRM field crm.contacts.lead_scor. did you mean crm.contacts.lead_score?"),
        ("a.b.c.d", "there is no model, column or CRM field a.b.c.d"),
        ("", "there is no model, column or CRM field"),
        (".", "there is no model, column or CRM field ."),
    ],
)  # fmt: skip
def test_what_is_not_there_is_bad_input(root, text, said):
    with pytest.raises(BadInput) as error:
        opened(root).find(text)
    assert str(error.value).startswith(said)


def test_a_model_whose_sql_hides_its_columns(root):
    found = only(root, "filed.email")
    assert found["inputs"] == ["read_csv().email"]
    assert found["notes"] == [
        "nobody can tell whether filed has a column email: its SQL does not list its columns, and it is not published"
    ]
    assert asked(root, "filed") == []
    publish(root, "CREATE SCHEMA marts; CREATE TABLE marts.filed AS SELECT 1 AS email, 2 AS name")
    assert only(root, "filed.email")["notes"] == []
    assert [one["column"] for one in asked(root, "filed")] == ["filed.email", "filed.name"]
    with pytest.raises(BadInput, match="filed has no column emial. did you mean email"):
        opened(root).find("filed.emial")


def publish(root, sql):
    with duckdb.connect(str(root / "warehouse.duckdb")) as con:
        con.execute(sql)


def test_a_star_over_a_landed_table_has_its_published_columns(root):
    assert [one["column"] for one in asked(root, "everything")] == ["everything.name", "everything.city"]
    publish(root, "CREATE SCHEMA hubspot; CREATE TABLE hubspot.companies (id INTEGER, name VARCHAR)")
    columns = [one["column"] for one in asked(root, "everything")]
    assert columns == [
        "everything.id",
        "everything.name",
        "everything.city",
    ]  # city is declared, and comes with the next landing


def test_a_published_file_that_cannot_be_read_only_tells_less(root):
    (root / "warehouse.duckdb").write_text("no database")
    assert only(root, "scores.value")["inputs"] == ["hubspot.contacts.score", "main.weights.weight"]


def test_what_could_not_be_decided_is_told_with_its_model(root):
    sql = "SELECT phone FROM {{ source('hubspot', 'contacts') }}, {{ source('hubspot', 'companies') }}"
    (root / "models/marts/loose.sql").write_text(sql)
    found = only(root, "loose.phone")
    assert found["inputs"] == ["hubspot.companies.phone", "hubspot.contacts.phone"]
    assert found["notes"] == [
        "loose: phone may be of hubspot.contacts or hubspot.companies, whose columns are not known: it counts for each"
    ]


SHAPES = """
CREATE SCHEMA hubspot; CREATE SCHEMA tailrace_meta;
CREATE TABLE hubspot.contacts (id INTEGER, email VARCHAR, score INTEGER, city VARCHAR, consent BOOLEAN, spare VARCHAR);
CREATE TABLE hubspot.contacts__changes AS FROM hubspot.contacts;
CREATE TABLE hubspot.companies (name VARCHAR, city VARCHAR);
CREATE TABLE tailrace_meta.shapes (resource VARCHAR, shape BIGINT, primary_key VARCHAR, columns VARCHAR, run_id VARCHAR);
INSERT INTO tailrace_meta.shapes VALUES ('hubspot.contacts', 1, '["id"]', '["id", "email", "consent"]', 'r'), ('hubspot.companies', 1, '["name"]', '["name"]', 'r');
"""


def test_the_impact_of_vanished_columns_is_of_those_very_columns(root):
    publish(root, SHAPES)
    resolved = resolve(load_project(root), now=datetime(2026, 11, 21, tzinfo=UTC))
    warehouse = DuckDBWarehouse(root / "warehouse.duckdb", read_only=True)
    found = {(one.resource, one.column): one for one in vanished_columns(warehouse, resolved)}
    warehouse.close()
    assert sorted(found) == [("hubspot.companies", "city"), ("hubspot.contacts", "city"), ("hubspot.contacts", "score"), ("hubspot.contacts", "spare")]  # fmt: skip
    city = found["hubspot.contacts", "city"]
    assert city.models == ("stg_contacts",) and city.syncs == ("to_crm",)
    assert city.fields == ("crm.contacts.email", "crm.contacts.lead_score", "crm.contacts.peers_nearby")
    other = found["hubspot.companies", "city"]  # the same name in another table
    assert (sorted(other.models), other.syncs, other.fields) == (["everything", "stg_companies"], (), ())
    assert sorted(found["hubspot.contacts", "score"].models) == ["changes", "stg_contacts"]
    spare = found["hubspot.contacts", "spare"]
    assert (spare.models, spare.syncs, spare.fields) == ((), (), ())


def test_nothing_vanished_costs_no_lineage(root, monkeypatch):
    publish(root, SHAPES + "UPDATE tailrace_meta.shapes SET columns = '[\"id\",\"email\",\"score\",\"city\",\"consent\",\"spare\",\"name\"]'")  # fmt: skip
    resolved = resolve(load_project(root), now=datetime(2026, 11, 21, tzinfo=UTC))
    warehouse = DuckDBWarehouse(root / "warehouse.duckdb", read_only=True)
    assert vanished_columns(warehouse, resolved) == []
    warehouse.close()
    assert not (root / ".tailrace/dev/cache/lineage.json").exists()


def drawn(root, text, *, indirect=False):
    found = opened(root)
    what = found.find(text)
    flow = found.flow(what)
    return picture(found.answers(what, flow, indirect=indirect), flow)


def test_a_drawing_holds_every_column_and_no_script(root):
    found = drawn(root, "scores.value", indirect=True)
    tree = ET.fromstring(found.svg)
    name = "{http://www.w3.org/2000/svg}"
    texts = [one.text for one in tree.iter(f"{name}text")]
    assert {"marts.scores", "crm.contacts (CRM)", "hubspot.contacts", "lead_score", "weight"} <= set(texts)
    assert len(texts) == found.tables + found.columns
    assert [one for one in tree.iter() if one.tag in (f"{name}script", f"{name}image")] == []
    assert {one.get("class") for one in tree.iter(f"{name}path")} == {None, "indirect"}
    assert len([one for one in tree.iter(f"{name}rect") if one.get("class") == "asked"]) == 1
    assert "prefers-color-scheme: dark" in found.svg and "http://www.w3.org/2000/svg" in found.svg


def test_boxes_never_overlap_and_curves_lead_to_the_right(root):
    tree = ET.fromstring(drawn(root, "scores", indirect=True).svg)
    boxes = [
        tuple(float(one.get(key)) for key in ("x", "y", "width", "height"))
        for one in tree.iter("{http://www.w3.org/2000/svg}rect")
        if one.get("class") == "box"
    ]
    assert len(boxes) >= 5
    for at, (x, y, width, height) in enumerate(boxes):
        assert x >= 0 and y >= 0 and x + width <= float(tree.get("width")) and y + height <= float(tree.get("height"))  # fmt: skip
        for left, top, wide, high in boxes[at + 1 :]:
            assert x + width <= left or left + wide <= x or y + height <= top or top + high <= y


def test_a_column_that_leads_nowhere_is_drawn_alone(root):
    (root / "models/marts/one.sql").write_text('SELECT 1 AS "<one>"')
    found = drawn(root, "one.<one>")
    assert (found.tables, found.columns) == (1, 1) and "&lt;one&gt;" in found.svg
