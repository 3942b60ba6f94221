"""What every source must do, at the wire: a vendor gets these tests by a subclass (beside the fixture `sandbox`) that says how its records change."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import pytest

from tailrace.connectors.sdk.base import Connector
from tailrace.errors import AuthError, Unavailable
from tailrace.sandbox.server import Sandbox
from tests.conformance.vendors import Desk, FreeLimiter, Landed, connect, spec

CUT_SHORT = {"status": 200, "headers": {"content-type": "application/json"}, "body": '{"results": [{"id'}


class SourceSuite:
    """Subclasses name the vendor, its login, a resource with the object behind it, and three changes to its records."""

    vendor: ClassVar[str]
    login: ClassVar[dict[str, Any]]
    wrong_login: ClassVar[dict[str, Any]]
    resource: ClassVar[str]
    options: ClassVar[dict[str, Any]] = {}
    route: ClassVar[str]
    """A glob of the requests that carry the rows."""

    def expected(self, desk: Desk) -> dict[tuple[str, ...], Any]:
        """Key -> some value of it, for every record that the vendor holds."""
        raise NotImplementedError

    def value(self, row: dict[str, Any]) -> Any:
        """The same value, of a landed row."""
        raise NotImplementedError

    def edit(self, desk: Desk) -> None:
        """Change one record's value, as a person at the vendor would."""
        raise NotImplementedError

    def remove(self, desk: Desk) -> None:
        """Make one record vanish."""
        raise NotImplementedError

    @pytest.fixture
    def desk(self, sandbox: Sandbox) -> Iterator[Desk]:
        desk = Desk(sandbox)
        yield desk
        desk.reset()

    @pytest.fixture
    def limiter(self) -> FreeLimiter:
        return FreeLimiter()

    @pytest.fixture
    def connector(self, sandbox: Sandbox, limiter: FreeLimiter) -> Iterator[Connector]:
        connector = connect(self.vendor, sandbox.base_url(self.vendor), self.login, limiter)
        yield connector
        connector.close()

    def landed(self, connector: Connector) -> Landed:
        resource = spec(self.vendor, self.resource, self.options)
        return Landed(connector.source().schema(resource)).read(connector.source(), resource)

    def again(self, connector: Connector, landed: Landed) -> Landed:
        return landed.read(connector.source(), spec(self.vendor, self.resource, self.options))

    def same(self, landed: Landed, desk: Desk) -> None:
        assert {key: self.value(row) for key, row in landed.rows.items()} == self.expected(desk)

    def test_reads_every_record_once(self, connector: Connector, desk: Desk) -> None:
        landed = self.landed(connector)
        assert landed.shown == len(landed.rows) > 0
        self.same(landed, desk)

    def test_columns_are_distinct_and_hold_the_key(self, connector: Connector) -> None:
        schema = connector.source().schema(spec(self.vendor, self.resource, self.options))
        names = [name.lower() for name in schema.names()]
        assert len(names) == len(set(names))
        assert set(schema.primary_key) <= set(schema.names())
        assert set(schema.cursor_columns) <= set(schema.names())

    def test_an_idle_read_shows_nothing(self, connector: Connector, desk: Desk) -> None:
        landed = self.landed(connector)
        before = landed.position
        assert self.again(connector, landed).shown == 0
        assert landed.position == before
        self.same(landed, desk)

    def test_the_same_position_twice_shows_the_same(self, connector: Connector, desk: Desk) -> None:
        landed = self.landed(connector)
        self.edit(desk)
        twin = Landed(landed.schema, dict(landed.rows), landed.position)
        assert self.again(connector, landed).rows == self.again(connector, twin).rows

    def test_an_edit_is_seen(self, connector: Connector, desk: Desk) -> None:
        landed = self.landed(connector)
        before = self.expected(desk)
        self.edit(desk)
        assert self.expected(desk) != before
        self.again(connector, landed)
        self.same(landed, desk)

    def test_a_removed_record_vanishes(self, connector: Connector, desk: Desk) -> None:
        landed = self.landed(connector)
        before = len(landed.rows)
        self.remove(desk)
        self.again(connector, landed)
        assert len(landed.rows) == before - 1
        self.same(landed, desk)

    @pytest.mark.parametrize(
        "fault",
        [
            {"status": 429, "body": "{}"},
            {"status": 503, "body": "down"},
            {"reset": True},
            {"lost_answer": True},
            CUT_SHORT,
        ],
        ids=["429 without Retry-After", "503", "reset", "lost answer", "cut short"],
    )
    def test_a_passing_failure_loses_nothing(
        self, connector: Connector, desk: Desk, fault: dict[str, Any]
    ) -> None:
        desk.faults({"vendor": self.vendor, "route": self.route, "nth": 1, **fault})
        self.same(self.landed(connector), desk)

    def test_a_wrong_login_is_named_without_being_shown(self, sandbox: Sandbox) -> None:
        connector = connect(self.vendor, sandbox.base_url(self.vendor), self.wrong_login)
        with pytest.raises(AuthError) as caught:
            self.landed(connector)
        assert self.vendor in str(caught.value)
        assert not any(
            str(value) in str(caught.value) for value in self.wrong_login.values() if len(str(value)) > 6
        )
        connector.close()

    def test_a_vendor_that_is_down_is_named_with_the_fix(self) -> None:
        connector = connect(self.vendor, "http://127.0.0.1:9", self.login)
        with pytest.raises(
            Unavailable, match=r"cannot reach http://127\.0\.0\.1:9 \(connection refused\)"
        ) as caught:
            self.landed(connector)
        assert "tailrace sandbox" in caught.value.fix
        connector.close()

    def test_every_request_draws_on_the_budget(
        self, connector: Connector, desk: Desk, limiter: FreeLimiter
    ) -> None:
        sent = len(desk.requests(self.vendor))
        self.landed(connector)
        assert len(limiter.acquired) == len(desk.requests(self.vendor)) - sent

    def test_the_account_is_the_sandbox(self, connector: Connector) -> None:
        assert connector.is_sandbox()
        assert connector.account() == connector.account() != ""
