from __future__ import annotations

import base64
import copy
import json
import pickle
import sys
from types import SimpleNamespace
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tailrace.errors import BadInput
from tailrace.project.secrets import Redactor, Secret, all_secret_values, resolve, secrets_of
from tailrace.project.spec import Connection, Marks, Target

VALUE = "pat-na1-0123456789abcdef"


def test_a_secret_prints_as_stars():
    secret = Secret(VALUE)
    for shown in (
        str(secret),
        repr(secret),
        f"{secret}",
        f"{secret:>30}",
        f"{[secret]}",
        "".join(map(str, [secret])),
        f"{secret!r}",
    ):
        assert VALUE not in shown
        assert "***" in shown
    assert secret.reveal() == VALUE
    with pytest.raises(TypeError):
        "Bearer " + secret
    with pytest.raises(TypeError):
        json.dumps(secret)
    with pytest.raises(TypeError):
        pickle.dumps(secret)
    assert copy.deepcopy({"a": secret})["a"] == secret
    assert secret == Secret(VALUE) and secret != Secret("other") and secret != VALUE
    assert len({secret, Secret(VALUE)}) == 1
    assert not hasattr(secret, "__dict__")


def test_where_secrets_come_from(tmp_path, monkeypatch):
    monkeypatch.setenv("TAILRACE_TEST_TOKEN", VALUE)
    (tmp_path / "token").write_text(VALUE + "\n")
    assert resolve("env:TAILRACE_TEST_TOKEN").reveal() == VALUE
    assert resolve("file:token", tmp_path).reveal() == VALUE
    assert resolve(f"file:{tmp_path}/token").reveal() == VALUE


def test_the_keyring_is_asked_by_service_and_name(monkeypatch):
    """The package is an extra; its interface is stood in for, as a test must not open anyone's keyring."""
    error = type("KeyringError", (Exception,), {})
    held = {("acme/hubspot", "token"): VALUE}
    monkeypatch.setitem(
        sys.modules,
        "keyring",
        SimpleNamespace(get_password=lambda *at: held.get(at), errors=SimpleNamespace(KeyringError=error)),
    )
    assert resolve("keyring:acme/hubspot/token").reveal() == VALUE
    with pytest.raises(BadInput, match="the keyring has no acme/other"):
        resolve("keyring:acme/other")
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(BadInput, match="not installed"):
        resolve("keyring:acme/token")


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("env:TAILRACE_TEST_UNSET", "TAILRACE_TEST_UNSET is not set"),
        ("env:TAILRACE_TEST_EMPTY", "is empty"),
        ("file:/nonexistent/x", "cannot be read"),
        ("file:binary", "not UTF-8"),
        ("keyring:token", "no service and name"),
        ("vault:x", "no reference that it knows"),
        (VALUE, "no reference that it knows"),
        ("env:", "no reference that it knows"),
    ],
)
def test_what_cannot_be_resolved_says_so(reference, message, tmp_path, monkeypatch):
    monkeypatch.delenv("TAILRACE_TEST_UNSET", raising=False)
    monkeypatch.setenv("TAILRACE_TEST_EMPTY", "")
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    with pytest.raises(BadInput, match=message) as caught:
        resolve(reference, tmp_path)
    assert VALUE not in str(caught.value)


def test_redacted_in_every_form():
    value = 'p@ss/w+rd "quo\\te" ü&='
    redact = Redactor([value]).redact
    for text in (
        f"token={value}!",
        "https://x/?token=" + quote(value),
        "https://x/?" + urlencode({"token": value}),
        json.dumps({"token": value}),
        json.dumps({"token": value}, ensure_ascii=False),
        repr({"token": value}),
        "Basic " + base64.b64encode(value.encode()).decode(),
    ):
        shown = redact(text)
        assert "***" in shown
        assert "w+rd" not in shown and "quo" not in shown and "w%2Brd" not in shown
    assert redact("nothing to hide") == "nothing to hide"
    assert Redactor([]).redact(value) == value
    assert Redactor([""]).redact("abc") == "abc"


@settings(max_examples=150, deadline=None)
@given(st.text("abcXYZ019-_.~", min_size=12, max_size=40), st.binary(max_size=7), st.binary(max_size=7))
def test_redacted_inside_base64_at_any_offset(value, before, after):
    redact = Redactor([value]).redact
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        text = encode(before + value.encode() + after).decode()
        shown = redact(text)
        assert "***" in shown
        # what is left of the value is at most the two characters at its ends, mixed with its neighbours
        assert len(shown.replace("***", "")) <= len(encode(before + after)) + 8


def test_a_short_value_is_hidden_where_it_stands_alone():
    redact = Redactor(["abc"]).redact
    assert redact("abc abcd xabc 'abc' a=abc&") == "*** abcd xabc '***' a=***&"


def target_with(options, settings=()):
    connection = Connection("hubspot", "hubspot", options, Marks("profiles.yml"))
    return Target("dev", "duckdb", {"hubspot": connection}, Marks("profiles.yml"), settings=dict(settings))


def test_the_secrets_of_a_target():
    options = {
        "access_token": Secret(VALUE),
        "deep": {"list": [Secret("other-value-1")]},
        "signing": "a-plain-one",
    }
    target = target_with(options, {"key": Secret("engine-value-1")})
    assert {secret.reveal() for secret in secrets_of(target)} == {VALUE, "other-value-1", "engine-value-1"}
    assert all_secret_values(target, {"signing"}) == {VALUE, "other-value-1", "engine-value-1", "a-plain-one"}


def test_a_plain_word_written_in_the_project_is_not_blanked_everywhere():
    assert all_secret_values(target_with({"access_token": Secret("sandbox", written=True)}), set()) == set()
    assert all_secret_values(target_with({"access_token": Secret("sandbox")}), set()) == {"sandbox"}
    assert all_secret_values(target_with({"access_token": Secret(VALUE, written=True)}), set()) == {VALUE}
