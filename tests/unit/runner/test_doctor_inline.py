"""`doctor` and pipelines with a source of their own."""

from __future__ import annotations

from dataclasses import dataclass

from tailrace.connectors.sdk.base import Finding
from tailrace.connectors.sdk.inline import WrongSetting
from tailrace.errors import FatalError, Location
from tailrace.project.spec import Marks, Pipeline
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

    def __init__(self, connector):
        self.connector = connector

    def connector_of(self, pipeline):
        assert pipeline is SHOP
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
