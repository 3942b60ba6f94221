"""JSON Schemas against the readers themselves: what the one takes the other takes, and what it refuses too."""

from __future__ import annotations

import copy
import json
import shutil
import tomllib
from pathlib import Path

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.project.layout import CASES, GOLDEN, sections

from tailrace.build.graph import Graph
from tailrace.cli.frame import invoke
from tailrace.cli.main import cli
from tailrace.cli.reference import files as reference_files
from tailrace.cli.start import write_project
from tailrace.connectors.sdk import registry
from tailrace.connectors.sdk.base import Option
from tailrace.connectors.sdk.options import EXAMPLES, Unfit, convert
from tailrace.errors import ProjectError
from tailrace.plan.check import check_project
from tailrace.plan.json_schema import FILES, Known, json_schema
from tailrace.plan.json_schema.options import option_schema
from tailrace.plan.json_schema.values import DURATION_TEXT, SHARE_OR_OFF, SHARE_TEXT, mapping
from tailrace.project.load import load_project
from tailrace.project.reader import Reader, parse_duration, parse_share
from tailrace.project.spec import Marks
from tailrace.project.yaml import read_yaml

CONNECTIONS = ("hubspot", "google_ads", "ga4", "meta_ads", "linkedin_ads", "mailchimp")
ACME = Known("acme", {name: name for name in CONNECTIONS})


def validator(kind, known=None):
    schema = json_schema(kind, known)
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


ALONE = {kind: validator(kind) for kind in FILES}
IN_PROJECT = {kind: validator(kind, ACME) for kind in FILES}


def kind_of(name: str) -> str | None:
    """Which kind of file a project's file is; None for SQL and CSV."""
    if not name.endswith((".yml", ".yaml", ".toml")):
        return None
    return name.partition("/")[0].partition(".")[0]


def parsed(name, text, tmp_path):
    """The data of a file; None where it is no YAML or TOML that the reader takes at all."""
    path = tmp_path / "file"
    path.write_text(text)
    if name.endswith(".toml"):
        try:
            return tomllib.loads(text)
        except tomllib.TOMLDecodeError:
            return None
    document = read_yaml(path, name, [])
    return None if document is None else document.data


def test_every_file_of_the_reference_project_fits(tmp_path):
    seen = set()
    for name, text in reference_files():
        if kind := kind_of(name):
            seen.add(kind)
            data = parsed(name, text, tmp_path)
            assert [error.message for error in ALONE[kind].iter_errors(data)] == [], name
            assert [error.message for error in IN_PROJECT[kind].iter_errors(data)] == [], name
    assert seen == set(FILES)


def test_the_good_golden_project_fits(tmp_path):
    for name, text in sections(GOLDEN / "good.txt").items():
        if kind := kind_of(name):
            assert ALONE[kind].is_valid(parsed(name, text, tmp_path)), name


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.stem)
def test_an_unknown_key_in_a_golden_file_is_refused(case, tmp_path):
    found = sections(case)
    named = {line.partition(":")[0] for line in found["expect"].splitlines() if " has no key " in line}
    for name in named:
        if kind_of(name) is None:
            continue  # JSON of Great Expectations' own
        data = parsed(name, found[name], tmp_path)
        assert data is not None
        assert not ALONE[kind_of(name)].is_valid(data), name


def test_there_are_golden_files_with_unknown_keys():
    assert sum(" has no key " in case.read_text() for case in CASES) >= 5


def mappings(data, path=()):
    """The path of every mapping in a document."""
    if isinstance(data, dict):
        yield path
        for key, value in data.items():
            yield from mappings(value, (*path, key))
    elif isinstance(data, list):
        for index, value in enumerate(data):
            yield from mappings(value, (*path, index))


def refused(root, target: str | None = None) -> bool:
    """Whether the loader, or the connectors' and the catalogue's own checks, say a word."""
    try:
        project = load_project(root, target)
        return bool(check_project(project, Graph({}, (), None)))
    except ProjectError:
        return True


MUTATED = [
    "profiles.yml",
    "pipelines/hubspot.yml",
    "pipelines/google_ads.yml",
    "expectations/lead_scores.yml",
    "reverse/hubspot_lead_scores.yml",
    "models/staging/staging.yml",
    "seeds/exchange_rates.yml",
]


@pytest.mark.parametrize("name", MUTATED)
def test_a_key_too_many_is_refused_exactly_where_the_reader_refuses_it(name, tmp_path):
    root = tmp_path / "acme"
    write_project(root)
    assert not refused(root)
    good = yaml.safe_load((root / name).read_text())
    number = 0
    for path in mappings(good):
        data = copy.deepcopy(good)
        inner = data
        for part in path:
            inner = inner[part]
        inner["zzz"] = 1
        (root / name).write_text(yaml.safe_dump(data))
        chosen = (
            path[2] if path[1:2] == ("outputs",) and len(path) > 2 else None
        )  # of others only the keys are read
        assert IN_PROJECT[kind_of(name)].is_valid(data) is not refused(root, chosen), path
        number += 1
    assert number >= 3


EXTRA = """
pipeline: extra
connection: hubspot
dataset: extra
resources: {{contacts: {{{option}}}}}
"""


@pytest.mark.parametrize(
    "option",
    [
        "changes: yes", "changes: true", "subject: 5", "keep_raw: 30", "keep_raw: 30 d", "keep_raw: 1.5h", "contract: freeze",
        "contract: {tables: freeze}", "contract: {rows: freeze}", "contract: frozen", "properties: email", "properties: [email]",
        "properties: [email, email]", 'properties: ["{{ x }}"]', "sweep: off", "sweep: 12h", "sweep: 12 hours", "sweep: 60",
        "overlap: -1", "sweap: off",
    ],
)  # fmt: skip
def test_a_resource_is_judged_as_by_the_reader(option, tmp_path):
    root = tmp_path / "acme"
    write_project(root)
    text = EXTRA.format(option=option)
    (root / "pipelines" / "extra.yml").write_text(text)
    data = parsed("x.yml", text, tmp_path)
    assert IN_PROJECT["pipelines"].is_valid(data) is not refused(root)
    assert ALONE["pipelines"].is_valid(data) is not refused(root)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("mode: update", "mode: append"),
        ("object: contacts", "object: 2-1234"),
        ("on_removed: keep", "on_removed: burn"),
        ("lead_grade: grade", "lead_grade: {column: grade, conflict: newest}"),
        ("lead_grade: grade", "lead_grade: {column: grade, conflict: if_empty, if_null: skip}"),
        ("lead_grade: grade", "createdate: grade"),
        ("lead_grade: grade", "lead_grade: '{{ grade }}'"),
        ("match: {email: email}", "match: {}"),
        ("match: {email: email}", "tags: one"),
        ("connection: hubspot", "connection: ga4"),
        ("connection: hubspot", "connection: nobody"),
        ("schedule: {after: build}", "schedule: {after: build, cron: '* * * * *'}"),
        ("schedule: {after: build}", "schedule: {cron: '* * * *'}"),
        ("max_changed: 20%", "max_changed: 200%"),
        ("max_changed: 20%", "max_changed: off"),
        ("max_changed: 20%", "max_changed: 0.2"),
    ],
)
def test_a_sync_is_judged_as_by_the_reader(old, new, tmp_path):
    root = tmp_path / "acme"
    write_project(root)
    path = root / "reverse" / "hubspot_lead_scores.yml"
    text = path.read_text().replace("where: email", "on_removed: keep\nwhere: email", 1)
    assert old in text
    path.write_text(text.replace(old, new))
    data = parsed("x.yml", path.read_text(), tmp_path)
    assert IN_PROJECT["reverse"].is_valid(data) is not refused(root), refused(root)


@pytest.mark.parametrize(
    ("kwargs", "good"),
    [
        ("type: expect_column_values_to_be_between, kwargs: {column: score, min_value: 0}", True),
        ("type: expect_column_values_to_be_between, kwargs: {column: score}", False),
        ("type: expect_column_values_to_be_between, kwargs: {column: score, min_value: null}", False),
        ("type: expect_column_values_to_be_between, kwargs: {column: score, min_valu: 0}", False),
        ("type: expect_column_values_to_be_between", False),
        ("type: expect_column_values_to_not_be_null, kwargs: {column: score, mostly: 95}", False),
        ("type: expect_column_values_to_not_be_null, kwargs: {column: score, mostly: 0.95}", True),
        ("type: expect_column_values_to_be_dateutil_parseable, kwargs: {column: score}", False),
        ("type: expect_table_row_count_to_be_between, kwargs: {min_value: 1}, on_fail: quarantine", False),
        ("type: expect_columns, kwargs: {column: score}", False),
    ],
)
def test_an_expectation_is_judged_as_by_the_catalogue(kwargs, good, tmp_path):
    root = tmp_path / "acme"
    write_project(root)
    text = f"suite: more\nmodel: lead_scores\nkey: contact_id\nexpectations:\n  - {{{kwargs}}}\n"
    (root / "expectations" / "more.yml").write_text(text)
    assert refused(root) is not good
    assert ALONE["expectations"].is_valid(parsed("x.yml", text, tmp_path)) is good


def test_quarantine_needs_the_key():
    suite = {"suite": "s", "model": "m", "expectations": [
        {"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "a"}, "on_fail": "quarantine"}]}  # fmt: skip
    assert not ALONE["expectations"].is_valid(suite)
    assert ALONE["expectations"].is_valid({**suite, "key": "id"})


@pytest.mark.parametrize("vendor", registry.known())
def test_every_option_of_every_connector_is_there(vendor):
    found = registry.declaration(vendor)
    pipelines, profiles = json_schema("pipelines"), json_schema("profiles")
    if found.inline:
        shape = next(
            one["then"]
            for one in pipelines["then"]["allOf"]
            if one["if"]["properties"]["source"]["const"] == vendor
        )
    else:
        shape = profiles["$defs"][f"{vendor}.connection"]
    for option in found.options:
        told = shape["properties"][option.name]
        assert told.get("description", "") == option.description
        assert bool(told.get("writeOnly")) is option.secret
        assert (option.name in shape["required"]) is option.required
        if option.default is not None:
            assert told["default"] == (
                list(option.default) if isinstance(option.default, tuple) else option.default
            )
    resources = pipelines["$defs"][f"{vendor}.resources"]
    anywhere = json.dumps(resources)
    for resource in found.resources:
        if not resource.any_name:
            shape = resources["properties"][resource.name]
            assert {option.name for option in resource.options} < set(shape["properties"])
        for option in resource.options:
            assert f'"{option.name}"' in anywhere


def test_a_project_narrows_resources_to_its_connections():
    stats = {
        "pipeline": "p",
        "connection": "hubspot",
        "resources": {"campaign_stats": {"metrics": ["clicks"]}},
    }
    assert ALONE["pipelines"].is_valid(stats)
    assert not IN_PROJECT["pipelines"].is_valid(stats)
    assert IN_PROJECT["pipelines"].is_valid({**stats, "connection": "google_ads"})
    assert not IN_PROJECT["pipelines"].is_valid({**stats, "connection": "nobody"})


def connection(**options):
    return {
        "acme": {
            "outputs": {
                "dev": {
                    "type": "duckdb",
                    "path": "x",
                    "connections": {"a": {"type": "google_ads", **options}},
                }
            }
        }
    }


@pytest.mark.parametrize(
    ("options", "good"),
    [
        ({"developer_token": "{{ secret('env:X') }}", "restate": "{{ env_var('DAYS') | as_number }}"}, True),
        (
            {"developer_token": "x", "restate": 7, "in_flight": "8", "max_wait": "5m", "rate_limit": "off"},
            True,
        ),
        ({"developer_token": "x", "restate": "seven"}, False),
        ({"developer_token": "x", "customer_ids": "1234567890"}, False),
        ({"developer_token": "x", "customer_ids": ["1234567890", 5]}, True),
        ({"developer_token": "x", "rate_limit": "on"}, False),
        ({"developer_token": "x", "max_wait": "5 hours"}, False),
        ({"developer_token": "x", "login_customer_id": None}, True),
        ({"developer_token": None}, False),
        ({}, False),
        ({"developer_token": "x", "developer_tokne": "x"}, False),
    ],
)
def test_a_connection_takes_templates_for_single_values(options, good):
    assert ALONE["profiles"].is_valid(connection(**options)) is good


SIGNS = st.text("0123456789.% smhdwoffA-+e\n", max_size=7).filter(lambda text: not text.endswith("\n"))


@given(st.one_of(SIGNS, st.from_regex(r"[0-9]{1,4}(\.[0-9]{1,3})? ?[smhdw%]", fullmatch=True)))
def test_durations_and_shares_are_what_the_reader_takes(text):
    assert jsonschema.Draft202012Validator(DURATION_TEXT).is_valid(text) is (parse_duration(text) is not None)
    assert jsonschema.Draft202012Validator(SHARE_TEXT).is_valid(text) is (parse_share(text) is not None)
    problems = []
    Reader({"max": text}, Marks("x"), problems, "x").share("max", 0.5, off=True)
    assert jsonschema.Draft202012Validator(SHARE_OR_OFF).is_valid(text) is (not problems)


VALUES = [
    "", "x", "5", " 5 ", "5.0", "5.5", "-3", "1e3", ".5", "true", "off", "90s", "15 m", "24h", "30d", "2w", "1.5h", "-1h", "h",
    5, 0, -5, 5.0, 5.5, True, False, [], ["a"], ["a", 5], ["a", "a"], ["a", None], [True], {}, {"requests": 5},
]  # fmt: skip


WITH_CHOICES = ("text", "mapping", "duration")
KINDS = [*((kind, ()) for kind in EXAMPLES), *((kind, ("off", "x")) for kind in WITH_CHOICES)]


@pytest.mark.parametrize(("kind", "choices"), KINDS)
@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_an_option_takes_what_its_connector_takes(kind, choices, value):
    option = Option("x", kind, choices=choices)
    try:
        convert(option, value)
        takes = True
    except Unfit:
        takes = False
    if kind == "integer" and value == "1e3":
        takes = False  # what a person may write in more ways than an editor is told of
    schema = option_schema(option, templates=False)
    assert jsonschema.Draft202012Validator(schema).is_valid(value) is takes


def test_a_key_that_a_reader_knows_and_no_schema_describes_is_an_error():
    with pytest.raises(KeyError, match="new_key"):
        mapping(("old", "new_key"), {"old": {}})


def test_the_command_prints_all_or_one(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert invoke(cli, ["schema"]) == 0
    assert set(json.loads(capsys.readouterr().out)) == set(FILES)
    assert invoke(cli, ["schema", "reverse", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["title"] == "tailrace: reverse/*.yml"


def test_in_a_project_the_command_knows_its_connections(tmp_path, capsys):
    write_project(tmp_path / "acme")
    (tmp_path / "acme" / "pipelines" / "hubspot.yml").write_text("pipeline: [")  # broken files hide nothing
    assert invoke(cli, ["schema", "pipelines", "--project", str(tmp_path / "acme")]) == 0
    schema = json.loads(capsys.readouterr().out)
    assert schema["else"]["properties"]["connection"]["enum"] == list(CONNECTIONS)


def test_files_are_written_and_registered(tmp_path, capsys):
    write_project(tmp_path / "acme")
    root = str(tmp_path / "acme")
    assert invoke(cli, ["schema", "--project", root, "--out", f"{root}/.schemas"]) == 0
    said = capsys.readouterr().out
    assert sorted(path.name for path in Path(root, ".schemas").iterdir()) == sorted(
        f"{kind}.schema.json" for kind in FILES
    )
    assert "# yaml-language-server: $schema=../.schemas/pipelines.schema.json" in said
    settings = json.loads(said.partition("settings.json:\n")[2])
    assert settings["yaml.schemas"]["./.schemas/models.schema.json"] == "models/**/*.yml"


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["piplines"], "there is no kind of file piplines. did you mean pipelines?"),
        (["--out", "{root}/pyproject.toml/x"], "cannot write {root}/pyproject.toml/x: Not a directory"),
        (["--target", "prood"], "there is no target prood"),
        (["--project", "{root}/nowhere"], "holds no project"),
    ],
)
def test_bad_input_of_the_command(args, words, tmp_path, capsys):
    root = tmp_path / "acme"
    write_project(root)
    where = [] if "--project" in args else ["--project", str(root)]
    assert invoke(cli, ["schema", *where, *(arg.format(root=root) for arg in args)]) == 2
    found = capsys.readouterr()
    assert words.format(root=root) in found.err
    assert not found.out


def test_a_broken_profile_still_gives_schemas(tmp_path, capsys):
    root = tmp_path / "acme"
    write_project(root)
    (root / "profiles.yml").write_text("acme: [")
    assert invoke(cli, ["schema", "profiles", "--project", str(root)]) == 0
    assert "any project" in capsys.readouterr().err
    shutil.rmtree(root)
