"""What names say."""

from __future__ import annotations

import pytest

from tailrace.validate.suggest.words import is_id, is_measure, looks_personal, tokens


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("lastModifiedDate", ("last", "modified", "date")),
        ("contact_id", ("contact", "id")),
        ("HTTPStatus", ("http", "status")),
        ("we ird-näme2", ("we", "ird", "näme", "2")),
        ("", ()),
    ],
)
def test_tokens(name, words):
    assert tokens(name) == words


def test_ids_are_no_measures():
    ids = ["id", "contact_id", "companyId", "associatedcompanyid", "order_key", "uuid"]
    others = ["paid", "score", "valid", "liquid", "amount", "key_events"]
    assert [is_id(name) for name in ids + others] == [True] * 6 + [False] * 6
    assert [is_measure(name) for name in ("zip", "year", "contact_id", "index", "score", "num_visits", "order_number")] == [
        False, False, False, False, True, True, False,
    ]  # fmt: skip


def test_people_are_told_from_campaigns():
    personal = [
        "email",
        "E-Mail",
        "firstname",
        "last_name",
        "customer_name",
        "phone",
        "billing_street",
        "date_of_birth",
        "name",
    ]
    others = [
        "campaign_name",
        "company_name",
        "email_status",
        "emails_clicked_count",
        "file_name",
        "account_name",
        "email_domain",
    ]
    assert [name for name in personal if not looks_personal(name, "contacts")] == []
    assert [name for name in others if looks_personal(name, "contacts")] == []
    assert not looks_personal("name", "campaigns")
