"""Values of personal columns are shown nowhere, whether they are marked or only look personal."""

from __future__ import annotations

import pytest
from tests.unit.validate.suggest.proposing import about, not_passed, one, proposed, read_back

from tailrace.validate.suggest.yaml_text import yaml_of

MATCH = "expect_column_values_to_match_regex"
SECRET = "zyx"

ROWS = f"""SELECT range AS lead_id, ['{SECRET}a', '{SECRET}b'][1 + range % 2] AS {{0}}, 4711 + range % 3 AS salary, DATE '1971-03-04' AS born FROM range(100)"""


def test_marked_columns_have_structural_checks_only(warehouse):
    found = proposed(warehouse, ROWS.format("grade"), personal=["grade", "salary", "born"])
    text = yaml_of(found)
    assert not [word for word in (SECRET, "4711", "4713", "4,711", "1971", "9426", "1970") if word in text]
    assert {item.type for item in found.proposals if {"grade", "salary", "born"} & set(item.columns)} == {
        "expect_column_values_to_not_be_null"
    }
    assert [text for text in found.remarks if "pii" in text] == []
    shown = yaml_of(proposed(warehouse))
    assert [word for word in (SECRET, "4,711", "1971") if word not in shown] == []


@pytest.mark.parametrize("name", ["email", "first_name", "phone", "customerName", "billing_address"])
def test_columns_that_are_called_personal_are_hidden_and_told(warehouse, name):
    found = proposed(warehouse, ROWS.format(name))
    assert SECRET not in yaml_of(found)
    assert [text for text in found.remarks if text.startswith(f"{name} looks personal")]


def test_columns_that_hold_e_mails_are_hidden_whatever_their_name(warehouse):
    found = proposed(
        warehouse,
        f"SELECT range AS lead_id, ['{SECRET}@x.io', 'b@x.io'][1 + range % 2] AS owner FROM range(100)",
    )
    assert SECRET not in yaml_of(found)
    assert one(found, MATCH, "owner").reason == "100 of 100 values are an e-mail address; 0 NULL of 100"
    assert [text for text in found.remarks if text.startswith("owner looks personal")]


def test_a_personal_id_shows_no_prefix(warehouse):
    rows = f"SELECT '{SECRET}_' || md5(CAST(range AS VARCHAR)) AS member_id FROM range(100)"
    assert about(proposed(warehouse, rows), MATCH)
    hidden = proposed(warehouse, rows, personal=["member_id"])
    assert about(hidden, MATCH) == []
    assert SECRET not in yaml_of(hidden)
    assert not_passed(warehouse, read_back(hidden)) == []
