"""`copy`: from a file to BigQuery and back, and the first run over there sends nothing."""

from __future__ import annotations

import duckdb
import pytest

from tailrace.sandbox.server import Sandbox
from tailrace.warehouse.bigquery.jobs import Jobs
from tailrace.warehouse.bigquery.lease import TargetLeases
from tests.faults.machines import client_of, machine, new_project, rows, wait_until_over

CONTACTS = 130


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox.start(contacts=0, limits=False) as found:
        yield found


@pytest.fixture
def acme(tmp_path, sandbox, request):
    """A project whose dev target has had two rounds; prod is an emulator where the test takes one."""
    address, project = "http://127.0.0.1:9", new_project()
    if "client" in request.fixturenames:
        address = request.getfixturevalue("bigquery")._connection.API_BASE_URL
    found = machine(tmp_path / "acme", sandbox.url, address, project)
    found.admin("POST", "reset")
    people = [{"id": str(1000 + n), "properties": {"email": f"p{n}@x.io"}} for n in range(CONTACTS)]
    found.admin("PUT", "records/hubspot/contacts", people)
    found.run()
    edit(found, "1000")
    found.run()
    return found


@pytest.fixture
def client(acme, bigquery):
    text = (acme.root / "profiles.yml").read_text()
    project = text[text.index("project: ") + 9 :].split()[0]
    return client_of(bigquery._connection.API_BASE_URL, project)


def edit(acme, key):
    """Somebody changes a mail address in the CRM."""
    changed = [{"id": key, "properties": {"email": f"{key}@moved.io"}}]
    acme.admin("POST", "records/hubspot/contacts", changed)


def copy(acme, *args, code=0, source="dev", target="prod", **more):
    ran = acme.tailrace("copy", "--from", source, "--to", target, "--json", *args, **more)
    assert ran.code == code, (ran.code, ran.out, ran.err)
    return ran


def carried(ran):
    return {row["table"]: row["rows"] for row in ran.document["tables"]}


def requests(acme):
    return len(acme.admin("GET", "requests?vendor=hubspot"))


def test_the_first_run_over_there_lands_nothing_and_sends_nothing(acme, client):
    asked, written = requests(acme), len(acme.write_requests())
    tables = carried(copy(acme))
    assert requests(acme) - asked <= 2, "the account is asked for once a target"
    assert (
        tables["hubspot.contacts"]
        == tables["hubspot.contacts__keys"]
        == tables["tailrace_meta.ledger"]
        == CONTACTS
    )
    assert list(tables)[0] == "tailrace_meta.ledger"
    assert list(tables)[-1] == "tailrace_meta.cursors"
    for name, number in tables.items():
        assert rows(client, f"SELECT COUNT(*) FROM `{name}`") == [(number,)], name
    log = duckdb.connect(str(acme.root / ".tailrace/dev/work.duckdb"), read_only=True)
    mine = log.execute(
        "SELECT _seq, _op, id, _seen_at FROM hubspot.contacts__changes ORDER BY _seq"
    ).fetchall()
    log.close()
    theirs = rows(client, "SELECT _seq, _op, id, _seen_at FROM hubspot.contacts__changes ORDER BY _seq")
    assert [(a, b, c, d.replace(tzinfo=None)) for a, b, c, d in theirs] == mine
    first = acme.run("--target", "prod")
    assert first.steps("land")["hubspot.contacts"]["rows_out"] == 0
    sync = first.sync("scores")
    assert (sync["created"], sync["updated"], sync["unchanged"], sync["requests"]) == (0, 0, CONTACTS, 0)
    assert len(acme.write_requests()) == written
    edit(acme, "1005")
    sync = acme.run("--target", "prod").sync("scores")
    assert (sync["created"], sync["updated"], sync["requests"]) == (0, 1, 1)


def test_back_from_bigquery_to_a_file(acme, client):
    there = carried(copy(acme))
    acme.run("--target", "prod")
    back = carried(copy(acme, source="prod", target="file"))
    assert back.pop("hubspot.contacts__raw") == there.pop("hubspot.contacts__raw") + 1, (
        "our last write came back"
    )
    assert {name: there.get(name) for name in back if name != "tailrace_meta.merges_read"} == {
        name: number for name, number in back.items() if name != "tailrace_meta.merges_read"
    }
    sync = acme.run("--target", "file").sync("scores")
    assert (sync["created"], sync["updated"], sync["requests"]) == (0, 0, 0)


def test_from_one_file_to_another(acme):
    tables = carried(copy(acme, target="file"))
    con = duckdb.connect(str(acme.root / ".tailrace/file/work.duckdb"), read_only=True)
    assert {name: con.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in tables} == tables
    con.close()
    sync = acme.run("--target", "file").sync("scores")
    assert (sync["created"], sync["updated"], sync["requests"]) == (0, 0, 0)


def test_only_one_of_the_two(acme):
    assert {name.partition(".")[0] for name in carried(copy(acme, "--only", "ledger", target="file"))} == {
        "tailrace_meta"
    }
    tables = carried(copy(acme, "--only", "landing", target="file"))
    assert "tailrace_meta.ledger" not in tables
    assert "hubspot.contacts__raw" in tables
    assert acme.run("--target", "file").sync("scores")["requests"] == 0


def test_a_target_with_data_is_not_overwritten_unless_told_so(acme):
    copy(acme, target="file")
    refused = copy(acme, target="file", code=2)
    assert "file has tailrace_meta.ledger already" in refused.err
    assert "--replace" in refused.err
    edit(acme, "1007")
    acme.run()
    assert carried(copy(acme, "--replace", target="file"))["hubspot.contacts"] == CONTACTS
    sync = acme.run("--target", "file").sync("scores")
    assert (sync["updated"], sync["requests"]) == (0, 0)


@pytest.mark.parametrize("nth", [2, 5, 99])
def test_killed_on_the_way_the_same_command_goes_on(acme, nth):
    """99: there are fewer tables, so nothing is killed."""
    copy(acme, target="file", code=0 if nth == 99 else 137, env={"TAILRACE_FAILPOINT": f"copy:table@{nth}"})
    con = duckdb.connect(str(acme.root / ".tailrace/file/work.duckdb"), read_only=True)
    there = con.execute(
        "SELECT count(*) FROM information_schema.tables WHERE table_name = 'cursors'"
    ).fetchone()[0]
    con.close()
    assert there == (nth == 99), "cursors come last"
    if nth != 99:
        assert carried(copy(acme, target="file"))["tailrace_meta.ledger"] == CONTACTS
    assert acme.run("--target", "file").sync("scores")["requests"] == 0


def test_no_run_works_on_what_is_half_there(acme):
    copy(acme, target="file", code=137, env={"TAILRACE_FAILPOINT": "copy:table@6"})
    refused = acme.run("--target", "file", code=2)
    assert "a copy from dev to file has not ended" in refused.err
    copy(acme, target="file")
    assert acme.run("--target", "file").sync("scores")["requests"] == 0


def test_killed_on_the_way_to_bigquery(acme, client):
    copy(acme, code=137, env={"TAILRACE_FAILPOINT": "copy:table@4"})
    assert "cursors" not in [table.table_id for table in client.list_tables("tailrace_meta")]
    held = copy(acme, code=75)
    assert "holds the run lock of the target" in held.err
    leases = TargetLeases(Jobs(client, {"project": client.project, "location": "US"}))
    wait_until_over(leases)
    leases.close()
    other = machine(acme.root.parent / "other", acme.url, acme.env["BIGQUERY_EMULATOR_HOST"], client.project)
    assert "a copy from dev to prod has not ended" in other.run("--target", "prod", code=2).err
    assert carried(copy(acme))["tailrace_meta.ledger"] == CONTACTS


def test_rows_of_another_account_stay_where_they_are(acme, monkeypatch):
    """The ledger says dev wrote to another portal: production must not take that for its own."""
    con = duckdb.connect(str(acme.root / ".tailrace/dev/work.duckdb"))
    con.execute("UPDATE tailrace_meta.ledger SET account = 'somebody' WHERE primary_key <= '1009'")
    con.execute("UPDATE tailrace_meta.sync_log SET account = 'somebody' WHERE key <= '1009'")
    con.close()
    ran = copy(acme, target="file")
    assert carried(ran)["tailrace_meta.ledger"] == CONTACTS - 10
    assert any("scores: sent to account somebody" in line for line in ran.document["left"])


def test_in_place_of_a_target_s_rows_only_where_the_account_is_the_same(acme):
    """The target has sent to another portal, too, and landed another resource: both stay known."""
    copy(acme, target="file")
    con = duckdb.connect(str(acme.root / ".tailrace/file/work.duckdb"))
    con.execute(
        "INSERT INTO tailrace_meta.ledger BY NAME"
        " SELECT * REPLACE ('somebody' AS account) FROM tailrace_meta.ledger WHERE primary_key <= '1009'"
    )
    con.execute("INSERT INTO tailrace_meta.cursors (resource, raw_done) VALUES ('hubspot.deals', 500)")
    con.execute("INSERT INTO tailrace_meta.merges_read VALUES ('a', 'b', 'c', 9)")
    con.close()
    copy(acme, "--replace", target="file")
    con = duckdb.connect(str(acme.root / ".tailrace/file/work.duckdb"), read_only=True)
    ledger = con.execute("SELECT count(*), count(*) FILTER (account = 'somebody') FROM tailrace_meta.ledger")
    assert ledger.fetchone() == (CONTACTS + 10, 10)
    kept = con.execute("SELECT raw_done FROM tailrace_meta.cursors WHERE resource = 'hubspot.deals'")
    assert kept.fetchall() == [(500,)]
    assert con.execute("SELECT count(*) FROM tailrace_meta.merges_read WHERE sync = 'c'").fetchone() == (0,)
    con.close()


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("--from", "dev", "--to", "dev"), "dev cannot be copied to itself"),
        (("--from", "dve", "--to", "file"), "there is no target dve"),
        (("--from", "dev", "--to", "flie"), "Did you mean file?"),
        (("--from", "file", "--to", "dev"), "nothing has run on file"),
        (("--from", "dev", "--to", "file", "--target", "dev"), "copy takes two targets"),
        (("--from", "dev"), "Missing option '--to'"),
        (("--from", "dev", "--to", "file", "--only", "models"), "is not one of"),
    ],
)
def test_wrong_words_touch_nothing(acme, args, words):
    ran = acme.tailrace("copy", *args)
    assert ran.code == 2
    assert words in ran.err
    assert not (acme.root / ".tailrace/file/work.duckdb").exists()


def test_a_newer_format_is_refused(acme):
    con = duckdb.connect(str(acme.root / ".tailrace/dev/work.duckdb"))
    con.execute("UPDATE tailrace_meta.format SET version = 99")
    con.close()
    assert "was written by a newer tailrace" in copy(acme, target="file", code=1).err


def test_while_a_run_is_at_work_nothing_is_copied(acme):
    import fcntl

    for name in ("dev", "file"):
        folder = acme.root / ".tailrace" / name
        folder.mkdir(exist_ok=True)
        with (folder / "run.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            assert "holds the run lock" in copy(acme, target="file", code=75).err
