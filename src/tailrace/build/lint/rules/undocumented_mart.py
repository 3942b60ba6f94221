"""A mart is read by people who did not write it: what one row of it is has to stand somewhere."""

from __future__ import annotations

from collections.abc import Iterator

from tailrace.build.lint.subject import Found, Subject

needs_tree = False


def check(model: Subject) -> Iterator[Found]:
    if model.is_mart and not model.file.description:
        fix = "Say in a YAML file beside it what one row is: models: [{name: ..., description: ...}]"
        yield Found(f"the mart {model.file.name} has no description", fix)
