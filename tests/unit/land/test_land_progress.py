"""What a landing tells of itself while it works."""

from __future__ import annotations

from tests.unit.land.scripted import Landing, page

from tailrace.events import Progress, listening


def test_every_page_is_told_with_the_rows_so_far():
    landing, told = Landing(), []
    with listening(told.append):
        landing.land(
            page({"id": "1"}, {"id": "2"}, at=1),
            page({"id": "1"}, at=2, deleted=True),
            page({"id": "3"}, at=3),
        )
    found = [(event.done, event.pages) for event in told if isinstance(event, Progress)]
    assert found == [(2, 1), (3, 2), (4, 3)]
