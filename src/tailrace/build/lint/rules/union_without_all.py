"""UNION alone removes duplicates, which costs a sort and is seldom meant; BigQuery asks which of the two it shall be."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from sqlglot import TokenType

from tailrace.build.lint.subject import Found, Subject


def check(model: Subject) -> Iterator[Found]:
    for token, after in pairwise(model.tokens):
        if token.token_type == TokenType.UNION and after.text.upper() not in ("ALL", "DISTINCT"):
            fix = "Write UNION ALL, or UNION DISTINCT where they shall go"
            yield Found("UNION removes duplicate rows without saying so", fix, token.start)
