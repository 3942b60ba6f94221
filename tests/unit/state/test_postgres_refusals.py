"""A state on Postgres that cannot be used: the message names what and the fix, and never the password."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest
from tests.postgres import PASSWORD

from tailrace.errors import FatalError
from tailrace.project.secrets import Secret
from tailrace.project.spec import SharedState
from tailrace.state.opening import open_existing, open_store
from tailrace.state.sqlite import SQLiteStore

NAMES = count()


@dataclass(frozen=True)
class Target:
    state: SharedState | None


def target(url: str, schema: str | None = None) -> Target:
    return Target(SharedState(Secret(url), schema or f"refusals_{next(NAMES)}", 60.0))


def refused(found: Target, folder: Path) -> FatalError:
    with pytest.raises(FatalError) as caught:
        open_store(found, folder).close()
    assert PASSWORD not in str(caught.value) and "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None, "a cause may show what the message does not"
    return caught.value


def test_no_server(postgres, tmp_path):
    error = refused(target(f"postgresql://worker:{PASSWORD}@127.0.0.1:1/state"), tmp_path)
    assert error.message.startswith("cannot open the state at postgresql://127.0.0.1:1/state: ")
    assert error.fix == "start the server, or check the host and the port in `state: url:`"


@pytest.mark.parametrize(
    ("change", "told", "fix"),
    [
        ({"password": "hunter2"}, "password authentication failed", "check the user and the password in `state: url:`"),
        ({"user": "nobody"}, "password authentication failed", "check the user and the password in `state: url:`"),
        ({"password": ""}, "no password", "check the user and the password in `state: url:`"),
        ({"database": "absent"}, 'database "absent" does not exist',
         "create the database, or name another one in `state: url:`"),
    ],
)  # fmt: skip
def test_a_refused_connection(postgres, tmp_path, change, told, fix):
    error = refused(target(postgres.url(**change)), tmp_path)
    assert told in error.message and error.message.count("\n") == 0
    assert error.fix == fix


def test_a_database_without_rights(postgres, tmp_path):
    if not postgres.admin("SELECT 1 FROM pg_roles WHERE rolname = 'guest'"):
        postgres.admin(f"CREATE USER guest PASSWORD '{PASSWORD}'")
    found = target(postgres.url(user="guest"))
    schema = found.state.schema
    error = refused(found, tmp_path)
    assert "may not be written: permission denied for database state" in error.message
    assert (
        error.fix
        == f'as an owner: CREATE SCHEMA "{schema}" AUTHORIZATION the user, or GRANT CREATE ON DATABASE to it'
    )
    postgres.admin(f'CREATE SCHEMA "{schema}" AUTHORIZATION guest', "state")
    store = open_store(found, tmp_path)  # what the message leads to
    store.remember("a", "1")
    store.close()


def test_a_server_that_takes_no_writes(postgres, tmp_path):
    url = f"{postgres.url()}?options=-c%20default_transaction_read_only%3Don"
    error = refused(target(url), tmp_path)
    assert error.fix == "name the primary server in `state: url:`: this one takes no writes"


def test_a_newer_format(postgres, tmp_path):
    found = target(postgres.url())
    open_store(found, tmp_path).close()
    postgres.admin(f"UPDATE {found.state.schema}.format SET version = 99", "state")
    for opened in (open_store, open_existing):
        with pytest.raises(FatalError) as caught:
            opened(found, tmp_path)
        assert (
            f"schema {found.state.schema}, was written by a newer tailrace (format 99" in caught.value.message
        )
        assert caught.value.fix == "install the newer tailrace"


def test_an_address_that_only_the_driver_finds_wrong(postgres, tmp_path):
    error = refused(target("postgresql://worker:hunter2@h:99999999/x"), tmp_path)
    assert error.exit_code == 1
    error = refused(target(f"{postgres.url()}?nonsense=1"), tmp_path)
    assert error.exit_code == 1


def test_a_package_that_is_missing(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    error = refused(target("postgresql://worker:hunter2@127.0.0.1/state"), tmp_path)
    assert error.message == "a state on Postgres needs a package that is not installed (psycopg)"
    assert error.fix == "Install it: pip install 'tailrace[postgres]'"


def test_looking_makes_nothing(postgres, tmp_path):
    found = target(postgres.url())
    assert open_existing(found, tmp_path) is None
    assert postgres.admin(f"SELECT 1 FROM pg_namespace WHERE nspname = '{found.state.schema}'", "state") == []
    assert open_existing(Target(None), tmp_path / "absent") is None and not (tmp_path / "absent").exists()
    assert isinstance(open_store(None, tmp_path), SQLiteStore)


def test_settings_of_the_address_are_kept(postgres, tmp_path):
    url = f"{postgres.url()}?application_name=mine&options=-c%20work_mem%3D7MB"
    store = open_store(target(url), tmp_path)
    shown = [
        store.read(f"SHOW {name}")[0][0] for name in ("application_name", "work_mem", "synchronous_commit")
    ]
    assert shown == ["mine", "7MB", "on"]
    store.close()


def test_a_read_that_is_wrong_is_one_error_and_the_store_goes_on(postgres, tmp_path):
    store = open_store(target(postgres.url()), tmp_path)
    with pytest.raises(FatalError, match="absent"):
        store.read("SELECT * FROM absent")
    assert store.read("SELECT 1") == [(1,)]
    store.close()
