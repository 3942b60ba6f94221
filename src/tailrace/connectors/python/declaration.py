"""What a pipeline says of its own Python, and what of it shows without running a line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tailrace.connectors.python.functions import FOLDER, NotThere, find, named
from tailrace.connectors.sdk.base import (
    Connector,
    Context,
    Declaration,
    Option,
    ResourceType,
)
from tailrace.connectors.sdk.inline import COLUMNS, PRIMARY_KEY, write_option, write_problems
from tailrace.connectors.sdk.options import Problem
from tailrace.errors import near_miss

OPTIONS = (
    Option(
        "function",
        required=True,
        description="`module:function`, a @dlt.source or @dlt.resource of pipelines/module.py",
    ),
    Option("args", "mapping", description="what the function is called with"),
)
RESOURCE = (PRIMARY_KEY, write_option("what the resource's own write_disposition says"), COLUMNS)
_FUNCTION = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*\Z")


def validate_options(options: Mapping[str, Any]) -> list[Problem]:
    """A module's name and a function's."""
    if _FUNCTION.match(options["function"]):
        return []
    fix = f"Write module:function, for a function of {FOLDER}/module.py"
    return [(("function",), f"function: {options['function'][:60]!r} names no function", fix)]


def validate_resource(_name: str, options: Mapping[str, Any]) -> list[Problem]:
    return list(write_problems(options))


def validate_pipeline(
    options: Mapping[str, Any], _resources: Mapping[str, Mapping[str, Any]], root: Path
) -> Sequence[Problem]:
    """The file and the function are there, and the arguments are the function's."""
    try:
        function = find(root, options["function"])
    except NotThere as missing:
        return [(("function",), missing.message, missing.fix)]
    return [] if function is None else list(_arguments(named(function), options))


def _arguments(takes: tuple[list[str], list[str], bool], options: Mapping[str, Any]) -> Iterator[Problem]:
    every, needed, open_ended = takes
    given = options.get("args") or {}
    name = options["function"]
    for argument in given:
        if argument not in every and not open_ended:
            yield ("args", argument), f"{name} takes no argument {argument}", near_miss(argument, every)
    for argument in needed:
        if argument not in given:
            yield ("function",), f"{name} needs the argument {argument}", "Give it under `args:`"


def open_source(options: Mapping[str, Any], context: Context) -> Connector:
    """Runs nothing of the person's before something is asked for."""
    from tailrace.connectors.python.source import PythonSource

    return PythonSource(options, context)


DECLARATION = Declaration(
    name="python",
    options=OPTIONS,
    resources=(
        ResourceType(
            "<resource>",
            RESOURCE,
            changes=False,
            any_name=True,
            description="a resource of the function, by its dlt name",
            cursor="dlt.sources.incremental, where the resource has one",
            deletes="replace: rows not shown are gone; merge: a hard_delete column; append: never",
        ),
    ),
    inline=True,
    open=open_source,
    validate_resource=validate_resource,
    validate_connection=validate_options,
    validate_pipeline=validate_pipeline,
)
