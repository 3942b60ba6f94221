"""What a run leaves that is not at the vendor as it should be, each with the command that shows it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tailrace.cli.render import count

LEFT_OVER = (
    ("dead", "refused by the vendor: tailrace dead list"),
    ("unmatched", 'without a record at the vendor: tailrace query "{sql}"'),
    ("conflict", 'left as people edited them: tailrace query "{sql}"'),
    ("unknown", "without an answer: the next run finds out"),
    ("pending", "not sent yet: the next run sends them"),
)
LISTING = "SELECT sync, primary_key, error FROM tailrace_meta.ledger WHERE status = '{status}'"


def left_over(details: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Rows of the syncs that are not at the vendor as they should be, and what shows them."""
    for status, words in LEFT_OVER:
        rows = sum(int(detail.get(status, 0)) for detail in details if not detail.get("stopped"))
        if rows:
            yield f"{count(rows, 'row')} {words.format(sql=LISTING.format(status=status))}"
    kept, over = (sum(int(detail.get(word, 0)) for detail in details) for word in ("kept", "overwritten"))
    if kept:
        yield f"{count(kept, 'field')} left as people edited them, of the rows sent: tailrace show --key KEY"
    if over:
        yield f"{count(over, 'field')} written over what people had edited, as declared: tailrace show --key KEY"
