"""What a pipeline says of files, checked without opening one."""

from __future__ import annotations

import codecs
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tailrace.connectors.sdk.base import (
    Connector,
    Context,
    Declaration,
    Option,
    ResourceType,
)
from tailrace.connectors.sdk.inline import COLUMNS, PRIMARY_KEY, keyless_merge, write_option, write_problems
from tailrace.connectors.sdk.options import Problem
from tailrace.errors import near_miss

SUFFIXES = ("csv", "jsonl", "parquet")
PACKED = ("csv.gz", "jsonl.gz")
CSV_OPTIONS = ("delimiter", "header", "encoding", "null_words")
RESOURCE = (
    Option("path", required=True, description="a file or a glob, from the project's folder: data/*.csv"),
    PRIMARY_KEY,
    write_option("merge with a primary_key, else append"),
    COLUMNS,
    Option("delimiter", default=",", description="csv: what parts columns, one character"),
    Option("header", "bool", default=True, description="csv: the first line names the columns"),
    Option("encoding", default="utf-8", description="csv: the files' encoding"),
    Option("null_words", "texts", default=("",), description="csv: unquoted words that are NULL"),
)


def form_of(path: str) -> str:
    """`csv`, `jsonl` or `parquet` by the suffix; empty for any other."""
    name = path.lower()
    found = next((suffix for suffix in (*PACKED, *SUFFIXES) if name.endswith(f".{suffix}")), "")
    return found.removesuffix(".gz")


def validate_resource(_name: str, options: Mapping[str, Any]) -> list[Problem]:
    """A local path of a known suffix; CSV's options on CSV files only."""
    path = options["path"]
    problems = [*write_problems(options), *keyless_merge(options)]
    if "://" in path:
        problems.append((("path",), f"{path[:60]} is not local", "Download or mount it, and name the folder"))
    elif not form_of(path):
        suffix = Path(path).suffix.removeprefix(".")
        known = f"Use {', '.join((*SUFFIXES, *PACKED))}"
        fix = near_miss(suffix, SUFFIXES) if suffix else known
        what = f"nothing is known of files that end in .{suffix}" if suffix else "the path has no suffix"
        problems.append((("path",), what, fix if fix.startswith("did") else known))
    elif form_of(path) != "csv":
        defaults = {option.name: option.default for option in RESOURCE}
        changed = [name for name in CSV_OPTIONS if options[name] != defaults[name]]
        problems += [
            ((name,), f"{name} says nothing of {form_of(path)} files", "Remove it") for name in changed
        ]
    if len(options["delimiter"]) != 1:
        problems.append((("delimiter",), "delimiter must be one character", 'Write "\\t" for a tab'))
    try:
        codecs.lookup(options["encoding"])
    except LookupError:
        what = f"there is no encoding {options['encoding']}"
        problems.append(
            (("encoding",), what, near_miss(options["encoding"], ("utf-8", "latin-1", "cp1252", "utf-16")))
        )
    return problems


def validate_pipeline(
    _options: Mapping[str, Any], resources: Mapping[str, Mapping[str, Any]], _root: Path
) -> Sequence[Problem]:
    """A folder alone names nothing to land."""
    if resources:
        return []
    fix = "Add `resources: {events: {path: data/events-*.csv}}`"
    return [((), "a pipeline of files needs resources", fix)]


def open_source(options: Mapping[str, Any], context: Context) -> Connector:
    """Opens no file before something is asked for."""
    from tailrace.connectors.filesystem.source import Files

    return Files(options, context)


DECLARATION = Declaration(
    name="filesystem",
    options=(),
    resources=(
        ResourceType(
            "<resource>",
            RESOURCE,
            changes=False,
            any_name=True,
            description="the files of one path, together one table",
            cursor="size, time and content of each file",
            deletes="replace: rows not shown are gone; append: rows that left their file; merge: never",
        ),
    ),
    inline=True,
    open=open_source,
    validate_resource=validate_resource,
    validate_pipeline=validate_pipeline,
)
