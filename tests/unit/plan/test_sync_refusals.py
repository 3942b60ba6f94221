"""What `check` refuses of a sync by what the vendor's objects can take."""

from __future__ import annotations

import pytest
from tests.unit.build.layout import lay_out

from tailrace.cli.frame import invoke
from tailrace.cli.main import cli

PROFILES = """acme:
  target: dev
  outputs:
    dev:
      type: duckdb
      path: warehouse.duckdb
      connections:
        slack: {type: slack, webhook_url: "http://127.0.0.1:8080/slack/services/T1/B1/x"}
        hubspot: {type: hubspot, access_token: x, base_url: "http://127.0.0.1:8080/hubspot"}
        mailchimp: {type: mailchimp, api_key: x-us1, base_url: "http://127.0.0.1:8080/mailchimp"}
"""
SYNC = """sync: news
model: people
connection: %s
object: %s
mode: %s
primary_key: id
"""
MATCHED = "match: {email: email}\n"
TEXT = "fields: {text: email}\n"


def refused(root, capsys, connection, obj, mode, more):
    lay_out(
        root,
        {
            "profiles.yml": PROFILES,
            "models/people.sql": "SELECT 1 AS id, 'a' AS email",
            "reverse/news.yml": SYNC % (connection, obj, mode) + more,
        },
    )
    invoke(cli, ["check", "--project", str(root)])
    return capsys.readouterr().err.strip().splitlines()


def test_messages_are_matched_on_nothing(tmp_path, capsys):
    assert refused(tmp_path, capsys, "slack", "messages", "append", MATCHED + TEXT) == [
        "reverse/news.yml:7:1: messages are matched on nothing: each row is a new one. Remove match"
    ]


def test_a_mode_that_is_not_taken_is_told_before_a_missing_match(tmp_path, capsys):
    assert refused(tmp_path, capsys, "slack", "messages", "upsert", TEXT) == [
        "reverse/news.yml:5:7: messages cannot be written with mode upsert. It takes: append"
    ]


def test_objects_with_keys_still_need_one(tmp_path, capsys):
    assert refused(tmp_path, capsys, "hubspot", "contacts", "update", "fields: {city: email}\n") == [
        "reverse/news.yml:1:1: a sync needs the key match. Add `match: {vendor_field: model_column}`"
    ]


@pytest.mark.parametrize(("name", "lines"), [("contacts", 0), ("p_pets", 0), ("2-123", 0), ("contacs", 1)])
def test_an_associated_object_that_is_a_slip_of_the_pen(tmp_path, capsys, name, lines):
    more = MATCHED + f"fields: {{city: email}}\nassociations: {{{name}: {{match: {{email: email}}}}}}\n"
    told = refused(tmp_path, capsys, "hubspot", "deals", "update", more)
    expected = "reverse/news.yml:9:16: hubspot has no object contacs. did you mean contacts?"
    assert told == [expected] * lines


def test_tags_need_the_option_that_names_them(tmp_path, capsys):
    more = "match: {email_address: email}\noptions: {list: abc}\nfields: {tags: email}\n"
    assert refused(tmp_path, capsys, "mailchimp", "members", "update", more) == [
        "reverse/news.yml:9:10: the field tags needs the option tags. Add `options: {tags: [...]}`"
    ]


def test_a_choice_is_told_once_with_its_words(tmp_path, capsys):
    more = "match: {email_address: email}\noptions: {list: abc, status_if_new: yes}\nfields: {FNAME: email}\n"
    (told,) = refused(tmp_path, capsys, "mailchimp", "members", "upsert", more)
    assert told.endswith(". write subscribed or pending or transactional")
