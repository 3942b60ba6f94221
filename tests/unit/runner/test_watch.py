"""What the watcher sees of saves, and how often it asks the disk."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tailrace.runner.watch import PART, Watched, settled


class Counted:
    """`os.stat`, counted."""

    def __init__(self):
        self.calls = 0

    def __call__(self, path):
        self.calls += 1
        return Path(path).stat()


@pytest.fixture
def root(tmp_path):
    for name in ("models/marts/a.sql", "models/b.sql", "macros/m.sql", "pyproject.toml"):
        write(tmp_path / name, "SELECT 1")
    return tmp_path


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def age(root: Path) -> None:
    """Everything was written long ago, and nothing counts as just touched."""
    for path in [root, *root.rglob("*")]:
        os.utime(path, (1e9, 1e9))


def test_nothing_is_seen_where_nothing_happened(root):
    watched = Watched(root)
    assert [watched.changed() for _ in range(5)] == [set()] * 5


def test_a_save_in_place(root):
    watched = Watched(root)
    write(root / "models/marts/a.sql", "SELECT 22")
    assert watched.changed() == {"models/marts/a.sql"}
    assert watched.changed() == set()


def test_a_save_by_renaming_keeps_even_size_and_time(root):
    age(root)
    watched = Watched(root)
    write(root / "models/.a.sql.swp", "x")
    write(root / "models/marts/a.sql.tmp", "SELECT 2")
    os.utime(root / "models/marts/a.sql.tmp", (1e9, 1e9))
    (root / "models/marts/a.sql.tmp").replace(root / "models/marts/a.sql")
    assert watched.changed() == {"models/marts/a.sql"}


def test_files_and_folders_come_and_go(root):
    watched = Watched(root)
    write(root / "models/new/deep/c.sql", "SELECT 3")
    assert watched.changed() == {"models/new/deep/c.sql"}
    write(root / "models/new/deep/c.sql", "SELECT 33")
    assert watched.changed() == {"models/new/deep/c.sql"}
    (root / "models/new/deep/c.sql").unlink()
    assert watched.changed() == {"models/new/deep/c.sql"}
    (root / "models/new/deep").rmdir()
    write(root / "seeds/s.csv", "a\n1\n")
    assert watched.changed() == {"seeds/s.csv"}
    for path in (root / "macros").iterdir():
        path.unlink()
    (root / "macros").rmdir()
    assert watched.changed() == {"macros/m.sql"}


def test_a_file_beside_the_folders_counts(root):
    watched = Watched(root)
    write(root / "pyproject.toml", "[tool.x]")
    (root / "README.md").write_text("nobody watches this")
    assert watched.changed() == {"pyproject.toml"}


def test_an_idle_look_at_a_thousand_models_asks_about_a_part_of_them(root):
    for number in range(1000):
        write(root / f"models/f{number % 20}/m{number}.sql", "SELECT 1")
    age(root)
    stat = Counted()
    watched = Watched(root, stat=stat)
    stat.calls = 0
    looks = 9
    assert [watched.changed() for _ in range(looks)] == [set()] * looks
    folders = 40
    assert stat.calls <= looks * (PART + folders)
    write(root / "models/f7/m7.sql", "SELECT 12")
    os.utime(root / "models/f7", (1e9, 1e9))
    assert set().union(*(watched.changed() for _ in range(3))) == {"models/f7/m7.sql"}


def test_a_file_that_is_still_being_written_is_waited_for(root):
    watched = Watched(root)
    texts = ["SEL", "SELECT 1, ", "SELECT 1, 2", None, None]

    def wait(_seconds):
        text = texts.pop(0) if texts else None
        if text:
            write(root / "models/b.sql", text)

    assert next(settled(watched, wait)) == {"models/b.sql"}
    assert texts == [None]


def test_folders_that_a_project_names_itself(root):
    write(root / "sql/x.sql", "SELECT 1")
    watched = Watched(root)
    watched.also(["models", "sql"])
    assert watched.changed() == set()
    write(root / "sql/x.sql", "SELECT 12")
    assert watched.changed() == {"sql/x.sql"}
