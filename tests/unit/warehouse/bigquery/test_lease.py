"""The lease of a target: one wins, expiry is Google's, tokens only grow, and who lost it writes nothing."""

from __future__ import annotations

import secrets
import threading
import time

import pyarrow as pa
import pytest

from tailrace.errors import LockHeld, LockLost
from tailrace.warehouse.base import META, TableRef
from tailrace.warehouse.bigquery import lease as leases
from tailrace.warehouse.bigquery.fence import Fence, greatest
from tailrace.warehouse.bigquery.jobs import Jobs
from tailrace.warehouse.bigquery.lease import TargetLeases
from tailrace.warehouse.bigquery.lease_entry import lock_of, table_of
from tailrace.warehouse.bigquery.warehouse import BigQueryWarehouse
from tailrace.warehouse.duckdb import DuckDBWarehouse


@pytest.fixture
def project():
    return f"p-{secrets.token_hex(4)}"


@pytest.fixture
def opened(bigquery, project):
    """Makes what one worker has open; all are of one target."""
    from google.api_core.client_options import ClientOptions
    from google.cloud.bigquery import Client

    made = []

    def worker(**options):
        client = Client(
            project=project,
            credentials=bigquery._credentials,
            client_options=ClientOptions(api_endpoint=bigquery._connection.API_BASE_URL),
        )
        found = TargetLeases(Jobs(client, {"project": project, "location": "US"}), **options)
        made.append(found)
        return found

    yield worker
    for each in made:
        each.close()


def tables(worker):
    return sorted(name for name in worker.jobs.tables(META) if lock_of(name))


def killed(worker, lock="run"):
    """Takes a lease and never gives it back."""
    lease = worker._wait(lock, 0.0)
    worker._ended.set()
    return lease


def expire(monkeypatch, worker, seconds):
    """So much later at Google, by what its next answers say."""
    hear = worker.clock._hear

    def later(answer, *args, **more):
        hear(answer)
        if worker.clock._told:
            date, heard, took = worker.clock._told
            worker.clock._told = (date + seconds, heard, took)

    worker.jobs.client._http.hooks["response"] = [later]


def test_a_second_worker_is_told_who_holds_it(opened):
    first, second = opened(run_id="r1"), opened(run_id="r2")
    with first.held() as lease:
        assert (lease.token, lease.former) == (1, None)
        with pytest.raises(LockHeld, match=r"holds the run lock of the target \(process \d+ on .+, run r1\)") as told, second.held():  # fmt: skip
            pass
        assert told.value.exit_code == 75
    with second.held() as lease:
        assert lease.token == 2
        assert lease.former.released
    assert tables(second) == [table_of("run", 2)]


def test_of_many_at_once_one_wins(opened):
    workers = [opened(run_id=f"r{number}") for number in range(6)]
    won, lost, start, done = [], [], threading.Barrier(6), threading.Barrier(6)

    def work(worker):
        start.wait()
        try:
            with worker.held() as lease:
                won.append(lease.token)
                done.wait()
        except LockHeld as error:
            lost.append(error)
            done.wait()

    running = [threading.Thread(target=work, args=[worker]) for worker in workers]
    for each in running:
        each.start()
    for each in running:
        each.join()
    assert len(won) == 1
    assert len(lost) == 5


def test_a_killed_holder_is_waited_for_until_google_says_it_is_over(opened, monkeypatch):
    first, second = opened(run_id="r1"), opened()
    killed(first)
    second._numbers()
    with pytest.raises(LockHeld, match="killed, it holds the lock for 6[0-9] more seconds"), second.held():
        pass
    expire(monkeypatch, second, 60 + 2)
    with pytest.raises(LockHeld), second.held():
        pass
    expire(monkeypatch, second, 60 + 10)
    with second.held() as lease:
        assert lease.token == 2
        assert not lease.former.released


@pytest.mark.parametrize("minutes", [-5, 5])
def test_clocks_five_minutes_apart_count_for_nothing_while_google_tells_the_time(opened, minutes):
    first = opened(wall=lambda: time.time() + 60 * minutes)
    second = opened()
    killed(first)
    with pytest.raises(LockHeld), second.held():
        pass
    entry = second.last("run")
    assert entry.by_google
    assert abs(entry.expires - time.time() - 60) < 30


@pytest.mark.parametrize("minutes", [-5, 5])
def test_without_a_date_the_clocks_may_be_ten_minutes_apart(opened, minutes):
    first = opened(wall=lambda: time.time() + 60 * minutes)
    first.jobs.client._http.hooks["response"].clear()
    entry = killed(first).entry
    assert not entry.by_google
    for later, over in ((60 + 60 * minutes + 590, False), (60 + 60 * minutes + 620, True)):
        second = opened(wall=lambda later=later: time.time() + later)
        assert second.is_over(second.last("run")) is over


def test_a_create_whose_answer_is_lost_is_ours_by_its_nonce(opened, monkeypatch):
    worker = opened()
    create = worker.jobs.client.create_table

    def answer_lost(*args, **more):
        create(*args, **more)
        raise ConnectionError("reset by peer")

    monkeypatch.setattr(worker.jobs.client, "create_table", answer_lost)
    with worker.held() as lease:
        assert lease.token == 1
    assert tables(worker) == [table_of("run", 1)]


def test_a_create_that_never_arrived_is_an_error_and_leaves_nothing(opened, monkeypatch):
    from tailrace.errors import FatalError

    worker = opened()

    def broken(*_args, **_more):
        raise ConnectionError("reset by peer")

    monkeypatch.setattr(worker.jobs.client, "create_table", broken)
    with pytest.raises(FatalError, match="reached|reset by peer"), worker.held():
        pass
    assert tables(worker) == []


def test_a_worker_that_stood_still_while_creating_gives_its_lease_back(opened, monkeypatch):
    slow, quick = opened(run_id="slow"), opened(run_id="quick")
    with quick.held():
        pass
    create = slow._create

    def after_others(lock, number, former):
        monkeypatch.setattr(slow, "_create", create)
        for _ in range(3):  # come, and go, and delete what was before
            with quick.held():
                pass
        return create(lock, number, former)

    monkeypatch.setattr(slow, "_create", after_others)
    with slow.held() as lease:
        assert lease.token == 5
    assert tables(slow) == [table_of("run", 5)]


def test_it_is_renewed_while_it_is_held(opened):
    worker, other = opened(seconds=2.0), opened(seconds=2.0)
    with worker.held() as lease:
        before = lease.entry.expires
        deadline = time.monotonic() + 20
        while lease.entry.expires <= before + 1 and time.monotonic() < deadline:
            time.sleep(0.1)
        lease.check()
        assert other.last("run").expires >= before + 1


def test_a_lease_that_was_not_renewed_goes_on_as_the_next_where_nobody_came(opened):
    worker, other = opened(), opened()
    with worker.held() as lease:
        lease.ends = 0.0
        lease.check()
        assert lease.token == 2
        lease.check()
        with pytest.raises(LockHeld), other.held():
            pass
    assert worker.last("run").released
    assert tables(worker) == [table_of("run", 2)]


@pytest.mark.parametrize("times", [1, 3])
def test_a_lease_that_somebody_took_meanwhile_is_lost_for_good(opened, monkeypatch, times):
    slow, other = opened(), opened()
    lease = killed(slow)
    expire(monkeypatch, other, 80)
    for _ in range(times):  # of the first ones no table is left
        with other.held():
            pass
    lease.ends = 0.0
    with pytest.raises(LockLost, match="was not renewed for 60 seconds, and another run has taken it"):
        lease.check()
    slow._renew(lease)
    with pytest.raises(LockLost):
        lease.check()
    assert tables(other) == [table_of("run", 1 + times)]


def test_without_an_answer_nobody_goes_on(opened, monkeypatch):
    worker = opened()
    with worker.held() as lease:

        def broken(*_args, **_more):
            raise ConnectionError("reset by peer")

        with monkeypatch.context() as patched:
            patched.setattr(worker.jobs.client, "create_table", broken)
            lease.ends = 0.0
            with pytest.raises(LockLost, match="Google cannot be asked"):
                lease.check()
        lease.check()
        assert lease.token == 2


def test_tokens_grow_though_the_leases_are_gone(opened):
    worker = opened()
    with worker.held() as lease:
        Fence(lambda: 7, lease.check).seal(worker.jobs)
    worker._delete("run", 1)
    with worker.held() as lease:
        assert lease.token == 8


def test_a_broken_description_holds_until_it_would_have_expired(opened, monkeypatch):
    from google.cloud.bigquery import Table

    worker, other = opened(), opened()
    with worker.held():
        pass
    table = Table(worker.jobs.name(TableRef(META, table_of("run", 1))))
    table.description = "do not touch"
    worker.jobs.client.update_table(table, ["description"])
    with pytest.raises(LockHeld), other.held():
        pass
    expire(monkeypatch, other, 70)
    with other.held() as lease:
        assert lease.token == 2


def test_other_locks_are_their_own(opened):
    worker, other = opened(run_id="r1"), opened()
    with worker.held(), worker.held("sync-crm_scores") as lease:
        assert lease.token == 1
        with pytest.raises(LockHeld, match="sync-crm_scores"), other.held("sync-crm_scores"):
            pass
    assert tables(other) == [table_of("run", 1), table_of("sync-crm_scores", 1)]


def test_a_description_never_outgrows_what_google_takes(opened):
    worker = opened(budgets=lambda: {str(number): [1.0] * 20 for number in range(2000)})
    with worker.held() as lease:
        worker._renew(lease)
        assert len(lease.entry.text()) < 16_000
    assert worker.last("run").budgets == {}


# what a lost lease may still do


def warehouse(worker, path):
    return BigQueryWarehouse(DuckDBWarehouse(path), worker.jobs)


@pytest.fixture
def two(opened, tmp_path):
    """Two workers with warehouses of their own; the first one has made the table d.t."""
    first, second = opened(run_id="a"), opened(run_id="b")
    mine, theirs = warehouse(first, tmp_path / "a.duckdb"), warehouse(second, tmp_path / "b.duckdb")
    yield first, second, mine, theirs
    mine.local.close()
    theirs.local.close()


def taken_over(monkeypatch, first, second, mine):
    """The first worker has written, stands still, and the second one has taken the target over."""
    lease = killed(first)
    mine.admit(lease)
    mine.ensure_schema("d")
    mine.execute("CREATE TABLE d.t (a BIGINT)")
    mine.execute("INSERT INTO d.t SELECT 1 AS a")
    expire(monkeypatch, second, 80)
    return lease, second.held()


@pytest.mark.parametrize(
    "write",
    [
        "INSERT INTO d.t SELECT 2 AS a",
        "DELETE FROM d.t WHERE a = 1",
        "UPDATE d.t SET a = 5 WHERE a = 1",
        "CREATE OR REPLACE TABLE d.t AS SELECT 9 AS a",
        "DROP TABLE d.t",
    ],
)
@pytest.mark.parametrize("transaction", [False, True])
def test_who_lost_it_writes_nothing_though_it_does_not_know(two, monkeypatch, write, transaction):
    first, second, mine, theirs = two
    lease, taking = taken_over(monkeypatch, first, second, mine)
    with taking as later:
        later.fence().seal(second.jobs)
        theirs.admit(later)
        lease.check()  # by its own count all is well
        with pytest.raises(LockLost, match="another machine has taken the target over"):
            if transaction:
                with mine.transaction():
                    mine.execute(write)
            else:
                mine.execute(write)
        assert theirs.query("SELECT a FROM d.t") == [(1,)]
        theirs.execute("INSERT INTO d.t SELECT 3 AS a")
        assert sorted(theirs.query("SELECT a FROM d.t")) == [(1,), (3,)]
    assert greatest(second.jobs) == 2


def test_a_lease_known_to_be_over_sends_nothing(two, monkeypatch):
    first, second, mine, _ = two
    lease, taking = taken_over(monkeypatch, first, second, mine)
    with taking:
        asked = first.jobs.tally.statements.copy()
        lease.ends = 0.0
        with pytest.raises(LockLost, match="was not renewed"):
            mine.execute("INSERT INTO d.t SELECT 2 AS a")
        assert first.jobs.tally.statements == asked


def test_a_lease_known_to_be_over_loads_and_makes_nothing(two, monkeypatch):
    first, second, mine, _ = two
    mine.execute("SELECT 1")
    lease, taking = taken_over(monkeypatch, first, second, mine)
    with taking:
        lease.ends = 0.0
        rows = pa.table({"a": range(10_000)})
        for write in (
            lambda: mine._uploads.relation(rows),
            lambda: mine.jobs.load(rows, TableRef("d", "loaded"), replace=True),
            lambda: mine.create(TableRef("d", "made"), {"a": "BIGINT"}),
        ):
            with pytest.raises(LockLost, match="was not renewed"):
                write()
        assert not {"loaded", "made"} & set(mine.jobs.tables("d"))


def test_both_sides_roll_back_where_the_fence_says_no(two, monkeypatch):
    first, second, mine, _ = two
    _, taking = taken_over(monkeypatch, first, second, mine)
    mine.execute("CREATE TABLE tailrace_meta.notes (a BIGINT)")
    with taking as later:
        later.fence().seal(second.jobs)
        with pytest.raises(LockLost), mine.transaction():
            mine.execute("INSERT INTO tailrace_meta.notes VALUES (1)")
        assert mine.query("SELECT count(*) FROM tailrace_meta.notes") == [(0,)]
        assert mine.jobs.rows("SELECT count(*) FROM tailrace_meta.notes") == [(0,)]


def test_an_idle_worker_writes_nothing_and_is_billed_nothing(two):
    first, _, mine, _ = two
    with first.held() as lease:
        mine.admit(lease)
        mine.query("SELECT 1")
    assert first.jobs.tally.statements == {}
    assert "fence" not in first.jobs.tables(META)


def test_copies_are_fetched_where_another_file_wrote_and_only_there(two, monkeypatch):
    first, second, mine, theirs = two
    fetched = []
    for each in (mine, theirs):
        monkeypatch.setattr(
            each, "refresh", lambda each=each, was=each.refresh: (fetched.append(each), was())
        )
    with first.held() as lease:
        mine.admit(lease)
        mine.ensure_schema(META)
        mine.execute("CREATE TABLE tailrace_meta.notes (a BIGINT)")
        mine.execute("INSERT INTO tailrace_meta.notes VALUES (1)")
    assert fetched == [mine]  # nobody was here before
    with first.held() as lease:
        mine.admit(lease)
    assert fetched == [mine]
    with second.held() as lease:
        theirs.admit(lease)
        assert theirs.local.query("SELECT a FROM tailrace_meta.notes") == [(1,)]
        theirs.execute("INSERT INTO tailrace_meta.notes VALUES (2)")
    with second.held():
        pass  # an idle one, which opens nothing
    with second.held() as lease:
        theirs.admit(lease)
    assert fetched == [mine, theirs]
    with first.held() as lease:
        mine.admit(lease)
        assert mine.local.query("SELECT a FROM tailrace_meta.notes ORDER BY a") == [(1,), (2,)]
    assert fetched == [mine, theirs, mine]


def test_a_copied_work_file_is_not_the_one_that_was_copied(two, opened, tmp_path):
    first, _, mine, _ = two
    with first.held() as lease:
        mine.admit(lease)
        mine.checkpoint()
        (tmp_path / "copy.duckdb").write_bytes((tmp_path / "a.duckdb").read_bytes())
    copied = warehouse(opened(), tmp_path / "copy.duckdb")
    with first.held() as lease:
        before = lease.entry.file
        copied.admit(lease)
        assert lease.entry.file != before
    copied.local.close()


def test_native_sql_is_fenced_where_it_begins(opened):
    fence = Fence(lambda: 3, lambda: None)
    said = fence.statement()
    assert fence.around("INSERT INTO a.b SELECT 1;") == (
        f"BEGIN TRANSACTION; {said}; INSERT INTO a.b SELECT 1;\nCOMMIT TRANSACTION;"
    )
    assert fence.around("BEGIN TRANSACTION;\nDELETE FROM a.b WHERE TRUE;\nCOMMIT TRANSACTION;") == (
        f"BEGIN TRANSACTION; {said};\nDELETE FROM a.b WHERE TRUE;\nCOMMIT TRANSACTION;"
    )
    assert (
        fence.around("CREATE OR REPLACE TABLE a.b AS SELECT 1")
        == f"{said}; CREATE OR REPLACE TABLE a.b AS SELECT 1;"
    )
    assert fence.around("DECLARE x INT64;\nSELECT x;") == f"{said}; BEGIN DECLARE x INT64;\nSELECT x;\nEND;"
    assert fence.around("ALTER TABLE a.b ADD COLUMN c STRING") == "ALTER TABLE a.b ADD COLUMN c STRING"


@pytest.mark.parametrize(
    "begun",
    [
        "CREATE OR REPLACE TABLE `a`.`b` AS",
        "CREATE OR REPLACE VIEW `a`.`b` AS",
        "INSERT INTO `a`.`b`",
        "DECLARE n INT64;",
        "BEGIN TRANSACTION;",
    ],
)
def test_a_models_lines_keep_their_numbers_behind_the_fence(begun):
    sql = f"{begun}\nSELECT\n  nosuch\nFROM x"
    said = Fence(lambda: 3, lambda: None).around(sql).split("\n")
    assert said.index("  nosuch") == sql.split("\n").index("  nosuch")


def test_the_fence_is_made_once_though_two_come_at_once(opened):
    first, second = opened(), opened()
    with first.held():
        pass
    running = [
        threading.Thread(target=Fence(lambda: 1, lambda: None).seal, args=[each.jobs])
        for each in (first, second)
    ]
    for each in running:
        each.start()
    for each in running:
        each.join()
    assert first.jobs.rows("SELECT token FROM tailrace_meta.fence") == [(1,)]
    assert leases.MARGIN < leases.SECONDS < leases.APART
