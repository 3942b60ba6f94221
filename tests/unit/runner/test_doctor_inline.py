"""`doctor` and pipelines with a source of their own."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tests.unit.connectors.site import Site

from tailrace.connectors.sdk.base import Finding
from tailrace.connectors.sdk.inline import WrongSetting
from tailrace.errors import FatalError, Location
from tailrace.project.spec import Marks, Pipeline, Resource
from tailrace.runner.doctor.inline import inline_findings

MARKS = Marks("pipelines/shop.yml", {("config", "client"): Location("pipelines/shop.yml", 4, 11)})
SHOP = Pipeline("shop", "", "raw", (), MARKS, "pipelines/shop.yml", source="rest_api")


@dataclass
class Shop:
    """A source that names its resources, or raises."""

    error: Exception | None = None

    def names(self):
        if self.error:
            raise self.error
        return ("orders", "customers")


class Examined(Shop):
    def examine(self):
        yield Finding("warning", "login", "ends tomorrow", "log in anew")


class Opened:
    """As much of a session as the question needs."""

    def __init__(self, connector, pipeline=SHOP):
        self.connector, self.pipeline = connector, pipeline

    def connector_of(self, pipeline):
        assert pipeline is self.pipeline
        return self.connector


def findings(connector):
    return list(inline_findings(Opened(connector), SHOP))


def test_it_is_opened_and_says_what_it_has():
    assert findings(Shop()) == [Finding("ok", "pipeline shop", "rest_api opens, and has orders, customers")]


def test_what_it_can_say_of_its_login_is_said():
    assert findings(Examined())[0] == Finding(
        "warning", "pipeline shop login", "ends tomorrow", "log in anew"
    )


def test_a_source_that_cannot_be_opened_is_an_error():
    assert findings(Shop(FatalError("no such host", "mend the address"))) == [
        Finding("error", "pipeline shop", "no such host", "mend the address")
    ]


def test_a_wrong_setting_is_told_with_its_place():
    (found,) = findings(Shop(WrongSetting(("config", "client"), "client has no base_url", "Add it")))
    assert found.level == "error"
    assert found.text.startswith("pipelines/shop.yml:4:11: client has no base_url")


def test_names_are_compared_with_what_the_source_lists():
    shop = replace(SHOP, resources=(Resource("orders", {}, MARKS), Resource("costumers", {}, MARKS)))
    (found,) = inline_findings(Opened(Shop(), shop), shop)
    assert (found.level, found.subject) == ("error", "pipeline shop costumers")
    assert "the source has no resource costumers. did you mean customers?" in found.text


def test_files_that_are_not_there_are_told(tmp_path):
    site = Site(tmp_path)
    site.write(
        "pipelines/files.yml", "pipeline: files\nsource: filesystem\nresources: {a: {path: 'in/*.csv'}}\n"
    )
    with site.session() as session:
        (found,) = inline_findings(session, session.project.pipelines[0])
    assert found.level == "error" and "no file is in/*.csv" in found.text


def test_a_python_source_is_asked_for_each_resource(tmp_path):
    site = Site(tmp_path)
    site.write("pipelines/mine.py", "import dlt\n\n\n@dlt.resource\ndef orders():\n    yield {'id': 1}\n")
    site.write(
        "pipelines/mine.yml",
        "pipeline: mine\nsource: python\nfunction: mine:orders\nresources: {order: {}}\n",
    )
    with site.session() as session:
        (found,) = inline_findings(session, session.project.pipelines[0])
    assert found.level == "error" and "the source has no resource order. did you mean orders?" in found.text
