"""A sync's fields against the vendor's: what is missing, closed or cannot be matched on, and what is made before the first write."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest
from tests.conformance.vendors import Desk

from tailrace.cli.frame import invoke
from tailrace.cli.main import cli
from tailrace.cli.start import write_project
from tailrace.connectors.sdk.writing import NewField, RemoteField
from tailrace.errors import VendorRefused
from tailrace.project.spec import FieldMap, Marks, Sync
from tailrace.runner.remote_fields import make_missing, missing, prepare_fields, problems
from tailrace.sandbox.server import Sandbox

SYNC = Sync(
    name="scores", model="lead_scores", connection="crm", object="contacts", mode="update", primary_key="id",
    match_field="email", match_column="email", fields=(FieldMap("score", "points"),), marks=Marks("x.yml"), path="x.yml",
)  # fmt: skip
EMAIL, SCORE = RemoteField("email", "string", unique=True), RemoteField("score", "number")


def known(*fields: RemoteField) -> dict[str, RemoteField]:
    return {each.name: each for each in (EMAIL, *fields)}


@dataclass
class Vendor:
    """Makes what it is told to, but for `deaf` names."""

    there: dict[str, RemoteField]
    deaf: frozenset[str] = frozenset()
    made: list[NewField] = field(default_factory=list)
    asked: list[dict] = field(default_factory=list)

    def fields(self, obj, options):
        self.asked.append(dict(options))
        return dict(self.there)

    def create_field(self, obj, new, options):
        self.made.append(new)
        if new.name not in self.deaf:
            self.there[new.name] = RemoteField(new.name, new.type or "string")

    def write(self, batch):
        raise AssertionError("nothing is written here")

    read_fields = write


class Closed:
    """A vendor that can make no fields."""

    def fields(self, obj, options):
        return known()


def test_nothing_is_wrong_with_what_is_there():
    assert list(problems(known(SCORE), SYNC)) == []


def test_a_vendor_that_tells_of_no_fields_is_believed():
    assert list(problems({}, SYNC)) == []
    assert missing({}, SYNC) == []


@pytest.mark.parametrize(
    ("there", "wrong", "fix"),
    [
        (
            known(RemoteField("scores", "number")),
            "contacts of crm has no field score",
            "did you mean scores?",
        ),
        (
            known(replace(SCORE, writable=False)),
            "score of contacts is read-only in crm",
            "leave it out",
        ),
        (
            {"score": SCORE, "mail": replace(EMAIL, name="mail")},
            "contacts of crm has no field email to match on",
            "did you mean mail?",
        ),
        (
            {"score": SCORE, "email": replace(EMAIL, unique=False), "id": RemoteField("id", "", unique=True)},
            "email of contacts is not unique in crm, so nothing can be matched on it",
            "match on one of: id",
        ),
        (
            {"score": SCORE, "email": replace(EMAIL, unique=False)},
            "email of contacts is not unique in crm, so nothing can be matched on it",
            "make a unique field there",
        ),
    ],
)
def test_each_thing_that_is_wrong_is_said_with_its_fix(there, wrong, fix):
    assert list(problems(there, SYNC)) == [(wrong, fix)]


def test_all_of_it_is_said_at_once():
    sync = replace(SYNC, fields=(FieldMap("a", "a"), FieldMap("b", "b"), FieldMap("score", "s")))
    found = [what for what, _ in problems(known(replace(SCORE, writable=False)), sync)]
    assert found == ["contacts of crm has no field a, b", "score of contacts is read-only in crm"]


def test_append_matches_on_nothing():
    assert (
        list(problems({"score": SCORE}, replace(SYNC, mode="append", match_field="", match_column=""))) == []
    )


def test_what_will_be_made_is_no_problem():
    sync = replace(SYNC, create_fields=True)
    assert list(problems(known(), sync)) == []
    assert [each.field for each in missing(known(), sync)] == ["score"]


def test_missing_fields_are_made_once_and_looked_for():
    fields = (
        FieldMap("score", "points"),
        FieldMap("lead_grade", "grade", map={"a": "hot", "b": "warm", "c": "warm"}, type="enumeration"),
        FieldMap("tier", "tier", label="The tier"),
    )
    vendor = Vendor(known(SCORE))
    sync = replace(SYNC, create_fields=True, fields=fields)
    prepare_fields(vendor, sync, {"grade": "VARCHAR", "tier": "BIGINT"}, {"group": "x"})
    assert vendor.made == [
        NewField("lead_grade", "enumeration", "Lead grade", "VARCHAR", ("hot", "warm")),
        NewField("tier", "", "The tier", "BIGINT"),
    ]
    assert vendor.asked == [{"group": "x"}] * 2
    prepare_fields(vendor, sync, {}, {})
    assert len(vendor.made) == 2


def test_nothing_is_made_unless_the_sync_says_so():
    vendor = Vendor(known())
    with pytest.raises(VendorRefused, match="contacts of crm has no field score"):
        prepare_fields(vendor, SYNC, {}, {})
    assert vendor.made == []


def test_nothing_is_made_where_something_else_is_wrong():
    vendor = Vendor(known(RemoteField("closed", "string", writable=False)))
    sync = replace(SYNC, create_fields=True, fields=(FieldMap("new", "a"), FieldMap("closed", "b")))
    with pytest.raises(VendorRefused, match="closed of contacts is read-only"):
        prepare_fields(vendor, sync, {}, {})
    assert vendor.made == []


def test_a_field_that_was_made_and_is_not_there_is_told():
    vendor = Vendor(known(), deaf=frozenset({"score"}))
    with pytest.raises(VendorRefused, match="contacts of crm does not show the new field score") as caught:
        prepare_fields(vendor, replace(SYNC, create_fields=True), {}, {})
    assert "archived" in caught.value.fix


def test_a_vendor_that_makes_no_fields_says_so():
    with pytest.raises(VendorRefused, match="crm can make no fields \\(score\\)"):
        make_missing(Closed(), known(), replace(SYNC, create_fields=True), {}, {})


@pytest.fixture(scope="module")
def world():
    with Sandbox.start(contacts=30, limits=False) as sandbox:
        yield sandbox


@pytest.fixture
def project(tmp_path, world, monkeypatch):
    monkeypatch.setenv("TAILRACE_SANDBOX", world.url)
    write_project(tmp_path / "acme")
    return tmp_path / "acme"


def edit(project, old, new):
    path = project / "reverse/hubspot_lead_scores.yml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_doctor_says_what_will_be_made_and_makes_nothing(project, world, capsys):
    edit(project, "lead_grade: grade", "lead_grade_2: grade")
    edit(project, "mode: update ", "create_fields: true\nmode: update ")
    assert invoke(cli, ["doctor", "--project", str(project), "hubspot_lead_scores"]) == 0
    said = capsys.readouterr().out
    assert "and takes them; lead_grade_2 will be made before the first write" in said
    names = {one["name"] for one in Desk(world).records("hubspot", "contacts.properties")}
    assert "lead_grade_2" not in names


@pytest.mark.parametrize("word", ["type: string", "label: Grade"])
def test_a_name_that_hubspot_would_refuse_is_said_at_check(project, capsys, word):
    edit(project, "lead_grade: grade", "Lead Grade: {column: grade, " + word + "}")
    edit(project, "mode: update ", "create_fields: true\nmode: update ")
    assert invoke(cli, ["check", "--project", str(project)]) == 2
    said = capsys.readouterr().err
    assert "'Lead Grade' is no name for a new field of contacts" in said
    assert "Write lower-case letters, digits and underscores, a letter first" in said


def test_a_run_makes_the_field_and_fills_it(project, world, capsys):
    edit(project, "lead_grade: grade", "lead_grade_3: {column: grade, label: Grade of the lead}")
    edit(project, "mode: update ", "create_fields: true\nmode: update ")
    assert invoke(cli, ["run", "-q", "--project", str(project)]) == 0, capsys.readouterr().err
    desk = Desk(world)
    made = {one["name"]: one for one in desk.records("hubspot", "contacts.properties")}["lead_grade_3"]
    assert (made["type"], made["label"], made["groupName"]) == (
        "string",
        "Grade of the lead",
        "contactinformation",
    )
    held = {one["properties"].get("lead_grade_3") for one in desk.records("hubspot", "contacts")} - {None}
    assert held
    assert held <= {"A", "B", "C", "D"}


def test_a_unique_field_that_no_upsert_can_match_on():
    there = known(
        SCORE,
        RemoteField(SYNC.match_field, "email", unique=True, upserts=False),
        RemoteField("Ext", "text", unique=True),
    )
    ((what, fix),) = problems(there, replace(SYNC, mode="upsert"))
    assert "is no external id in" in what
    assert fix.startswith("match on one of: ")
    assert fix.endswith("Ext; or write mode: update")
    assert list(problems(there, replace(SYNC, mode="update"))) == []


def test_a_missing_field_without_a_near_name_may_be_made():
    class Makes:
        def create_field(self, *_):
            raise AssertionError

    lacking = replace(SYNC, fields=(FieldMap("zzzqqq", "score"),))
    ((_, fix),) = problems(known(SCORE), lacking, Makes())
    assert fix.startswith("`create_fields: true` in the sync makes what is missing")
    ((_, fix),) = problems(known(SCORE), lacking)
    assert "create_fields" not in fix
