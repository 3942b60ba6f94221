"""A sync finds its rows in the CRM again by this key: two rows of one key, or none, and the wrong record is changed."""

from __future__ import annotations

from collections.abc import Iterator

from tailrace.build.lint.subject import Found, Subject
from tailrace.project.spec import Project, Sync

needs_tree = False


def check(model: Subject) -> Iterator[Found]:
    for sync in model.project.syncs:
        if sync.model == model.file.name and not _is_tested(model.project, sync):
            said = f"nothing checks that {sync.primary_key} is unique in {sync.model}"
            fix = f"Add a suite with `key: {sync.primary_key}`, or the data test unique"
            yield Found(said, fix, location=sync.marks.at("primary_key"))


def _is_tested(project: Project, sync: Sync) -> bool:
    key = sync.primary_key.casefold()
    if any(suite.model == sync.model and (suite.key or "").casefold() == key for suite in project.suites):
        return True
    return any(
        test.model == sync.model
        and test.column.casefold() == key
        and test.test.rpartition(".")[2] == "unique"
        for test in project.data_tests
    )
