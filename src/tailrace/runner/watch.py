"""Which of a project's files changed, asked by stat alone: every folder each time, and of many files a part."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from tailrace import interrupts
from tailrace.project.spec import Project

EVERY = 0.3
"""Seconds between two looks."""
PART, LOOKS = 350, 10
"""Files that are asked about in one look, unless they would take more than so many looks; what was just saved is always."""
RECENT = 2.0
"""Seconds for which a file or folder that changed may change again within one tick of its clock."""
FOLDERS = (
    "models",
    "macros",
    "seeds",
    "snapshots",
    "tests",
    "packages",
    "dbt_packages",
    "expectations",
    "reverse",
    "pipelines",
)
FILES = ("pyproject.toml", "profiles.yml", "dbt_project.yml", "packages.yml", "dependencies.yml")
SUFFIXES = (".sql", ".yml", ".yaml", ".csv", ".md", ".toml", ".json")
Mark = tuple[int, int, int]
Stat = Callable[[str], os.stat_result]


class Watched:
    """The state of files and folders as last seen. `stat` is counted by tests."""

    def __init__(self, root: Path, folders: Iterable[str] = FOLDERS, stat: Stat = os.stat) -> None:
        self._root = str(root)
        self._stat = stat
        self._roots = [os.path.join(self._root, folder) for folder in dict.fromkeys(folders)]  # noqa: PTH118  (a thousand of them)
        self._alone = [os.path.join(self._root, name) for name in FILES]  # noqa: PTH118
        self._folders: dict[str, int] = {}
        self._files: dict[str, Mark | None] = dict.fromkeys(self._alone)
        self._recent: dict[str, float] = {}
        self._slice = 0
        self.changed()
        for path in self._alone:
            self._is_other(path)
        self._recent.clear()

    def also(self, folders: Iterable[str]) -> None:
        """Watch these folders, too, as they are now."""
        known = len(self._roots)
        paths = (os.path.join(self._root, folder) for folder in folders)  # noqa: PTH118
        self._roots = list(dict.fromkeys([*self._roots, *paths]))
        for path in self._roots[known:]:
            if (at := self._folder_mark(path)) is not None:
                self._recent |= dict.fromkeys(self._read(path, at), 0.0)

    def changed(self) -> set[str]:
        """Files that were written, made or removed since they were last asked about, as paths in the project."""
        found = set(self._look_at_folders())
        slices = min(LOOKS, -(-len(self._files) // PART))
        self._slice = (self._slice + 1) % slices
        for number, path in enumerate(list(self._files)):
            asked = number % slices == self._slice or path in self._recent
            if asked and path not in found and self._is_other(path):
                found.add(path)
        now = time.time()
        self._recent |= dict.fromkeys(found, now)
        self._recent = {path: at for path, at in self._recent.items() if now - at < RECENT}
        return {os.path.relpath(path, self._root) for path in found}

    def _look_at_folders(self) -> Iterator[str]:
        """What came into folders or left them; a folder that was touched just now is read again the next time, too."""
        for path in [*self._roots, *(one for one in self._folders if one not in self._roots)]:
            at = self._folder_mark(path)
            if at is None:
                yield from self._gone(path)
            elif at != self._folders.get(path) or abs(time.time() - at / 1e9) < RECENT:
                yield from self._read(path, at)

    def _folder_mark(self, path: str) -> int | None:
        try:
            return self._stat(path).st_mtime_ns
        except OSError:
            return None

    def _read(self, folder: str, at: int) -> Iterator[str]:
        self._folders[folder] = at
        here: set[str] = set()
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    if entry.name.startswith("."):
                        continue
                    if entry.is_dir():
                        if (
                            entry.path not in self._folders
                            and (mark := self._folder_mark(entry.path)) is not None
                        ):
                            yield from self._read(entry.path, mark)
                    elif entry.name.endswith(SUFFIXES):
                        here.add(entry.path)
        except OSError:
            return
        for path in here:
            if self._is_other(path):
                yield path
        for path in [one for one in self._files if os.path.dirname(one) == folder and one not in here]:  # noqa: PTH120
            del self._files[path]
            yield path

    def _gone(self, folder: str) -> Iterator[str]:
        """A folder that is no more takes its files with it."""
        if self._folders.pop(folder, None) is not None:
            for path in [one for one in self._files if one.startswith(folder + os.sep)]:
                del self._files[path]
                yield path

    def _is_other(self, path: str) -> bool:
        """Whether a file is not as it was; the new state is remembered."""
        try:
            found = self._stat(path)
        except OSError:
            mark = None
        else:
            mark = (found.st_mtime_ns, found.st_size, found.st_ino)
        before = self._files.get(path, ())
        self._files[path] = mark
        return mark != before


def folders_of(project: Project) -> list[str]:
    """The folders where a project's files lie."""
    paths = [
        *(model.path for model in project.models),
        *(seed.path for seed in project.seeds),
        *(test.path for test in project.data_tests),
        *(test.path for test in project.unit_tests),
        *(package.path for package in project.packages.values()),
        *project.macros,
    ]
    return list(dict.fromkeys(path.split("/")[0] for path in paths if "/" in path))


def settled(watched: Watched, wait: Callable[[float], None] = time.sleep) -> Iterator[set[str]]:
    """What was saved, each time once nothing more is written; ends by KeyboardInterrupt."""
    waiting: set[str] = set()
    while True:
        wait(EVERY)
        interrupts.check()
        found = watched.changed()
        waiting |= found
        if waiting and not found:
            yield waiting
            waiting = set()
