"""Starting, stopping and misusing the server."""

from __future__ import annotations

import http.client
import os
import re
import signal
import socket
import ssl
import subprocess
import sys

import orjson
import pytest

from sandbox.talk import BEARER, ask
from tailrace.sandbox import Sandbox, SandboxError
from tailrace.sandbox import app as app_module

SERVE = "from tailrace.sandbox import serve; serve(port=0, contacts=3)"


def test_two_sandboxes_are_two_worlds():
    with Sandbox.start(contacts=3, seed=1) as one, Sandbox.start(contacts=3, seed=2) as two:
        first = ask(one.url, "GET", "/_sandbox/records/hubspot/contacts").json()
        second = ask(two.url, "GET", "/_sandbox/records/hubspot/contacts").json()
    assert len(first) == len(second) == 3
    assert first != second


def test_a_closed_sandbox_leaves_its_port():
    with Sandbox.start(contacts=3) as sandbox:
        port = sandbox.port
        assert sandbox.is_serving
    assert not sandbox.is_serving
    with Sandbox.start(port, contacts=3) as again:
        assert again.port == port


def test_a_port_in_use_is_named_with_the_fix():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SandboxError, match=rf"port {port} .*--port"):
            Sandbox.start(port, contacts=3)


def test_a_world_of_less_than_nobody_is_refused():
    with pytest.raises(SandboxError, match="--contacts takes 0 or more"):
        Sandbox.start(contacts=-1)
    with Sandbox.start(contacts=0) as empty:
        assert ask(empty.url, "GET", "/_sandbox/records/hubspot/contacts").json() == []
        assert ask(empty.url, "POST", "/_sandbox/advance", {"rounds": 3}).status == 200


def test_data_files_take_the_place_of_the_generated_records(tmp_path):
    (tmp_path / "hubspot").mkdir()
    lines = [{"id": str(n), "properties": {"email": f"p{n}@example.com"}} for n in (2, 1)]
    (tmp_path / "hubspot" / "contacts.jsonl").write_bytes(b"\n".join(map(orjson.dumps, lines)) + b"\n")
    with Sandbox.start(data=tmp_path, contacts=5, limits=False) as sandbox:
        for _ in range(2):
            emptied = ask(sandbox.url, "GET", "/_sandbox/records/hubspot/companies").json()
            found = ask(sandbox.url, "GET", "/_sandbox/records/hubspot/contacts").json()
            assert (emptied, [record["id"] for record in found]) == ([], ["1", "2"])
            assert ask(sandbox.url, "GET", "/_sandbox/records/google_ads/campaigns").json()
            ask(sandbox.url, "POST", "/_sandbox/advance")
            ask(sandbox.url, "POST", "/_sandbox/reset")


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        ("hubspot/contacts.jsonl", '{"id": "1", "properties": {}}\n{oops\n', r"contacts.jsonl:2: not JSON"),
        ("hubspot/contacts.jsonl", "[]\n", r"contacts.jsonl:1: not a JSON object"),
        ("hubspot/contacts.jsonl", '{"id": "a"}\n', r"record 0: id must be"),
        ("hubspott/contacts.jsonl", "", r"unknown vendor; known: .*hubspot"),
    ],
)
def test_bad_data_says_where(tmp_path, name, text, complaint):
    path = tmp_path / name
    path.parent.mkdir()
    path.write_text(text)
    with pytest.raises(SandboxError, match=complaint):
        Sandbox.start(data=tmp_path, contacts=3)
    with pytest.raises(SandboxError, match="no such folder"):
        Sandbox.start(data=tmp_path / "nowhere", contacts=3)


def test_a_fault_file_is_read_at_the_start(tmp_path):
    path = tmp_path / "faults.json"
    path.write_text('[{"vendor": "hubspot", "status": 500, "nth": 1}]')
    with Sandbox.start(faults=path, contacts=3) as sandbox:
        assert ask(sandbox.url, "GET", "/hubspot/crm/v3/owners").status == 500
        assert ask(sandbox.url, "GET", "/hubspot/crm/v3/owners").status == 200
    path.write_text('[{"vendor": "hubspot", "stauts": 500}]')
    with pytest.raises(
        SandboxError, match=r"faults.json: rule 0: unknown key 'stauts'; did you mean 'status'"
    ):
        Sandbox.start(faults=path, contacts=3)


def test_tls_serves_under_a_certificate_of_its_own_authority():
    with Sandbox.start(contacts=3, tls=True) as sandbox:
        assert sandbox.url.startswith("https://127.0.0.1:")
        trusting = ssl.create_default_context(cafile=str(sandbox.ca_file))
        connection = http.client.HTTPSConnection("127.0.0.1", sandbox.port, context=trusting, timeout=10)
        connection.request("GET", "/hubspot/crm/v3/owners", headers=BEARER)
        assert connection.getresponse().status == 200
        connection.close()
        kept = sandbox.ca_file
    assert not kept.exists()


def test_a_body_above_the_limit_is_refused(monkeypatch):
    monkeypatch.setattr(app_module, "MOST_BODY_BYTES", 1000)
    with Sandbox.start(contacts=3) as sandbox:
        assert ask(sandbox.url, "PUT", "/_sandbox/records/hubspot/contacts", b" " * 998 + b"[]").status == 200
        answer = ask(sandbox.url, "PUT", "/_sandbox/records/hubspot/contacts", b" " * 999 + b"[]")
        assert (answer.status, "larger than 1000 bytes" in answer.json()["error"]) == (413, True)


def test_a_mistake_in_a_fake_is_a_500_that_says_so(monkeypatch):
    with Sandbox.start(contacts=3) as sandbox:
        monkeypatch.setattr(sandbox.house.fakes["hubspot"], "handle", lambda request: 1 / 0)
        answer = ask(sandbox.url, "GET", "/hubspot/crm/v3/owners")
        assert answer.status == 500
        assert "the sandbox failed: ZeroDivisionError" in answer.json()["error"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_serve_says_where_and_ends_on_a_signal(number):
    environment = {**os.environ, "PYTHONPATH": "src"}
    process = subprocess.Popen(
        [sys.executable, "-c", SERVE],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )
    line = process.stdout.readline()
    url = re.search(r"sandbox at (\S+)", line)[1]
    assert f"hubspot={url}/hubspot" in line
    assert ask(url, "GET", "/_sandbox").status == 200
    process.send_signal(number)
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out, err) == (0, "", "")
