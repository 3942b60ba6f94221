"""A project's pipelines/*.py as text: which functions there are, without importing anything."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from pathlib import Path

from tailrace.errors import near_miss

FOLDER = "pipelines"
Function = ast.FunctionDef | ast.AsyncFunctionDef


class NotThere(Exception):
    """There is no such file or function, or the file is no Python."""

    def __init__(self, message: str, fix: str) -> None:
        super().__init__(message)
        self.message, self.fix = message, fix


def file_of(root: Path, function: str) -> Path:
    """The file that `module:function` names."""
    module = function.partition(":")[0]
    return root / FOLDER / Path(*module.split(".")).with_suffix(".py")


def find(root: Path, function: str) -> Function | None:
    """The definition; None for a name that is bound in another way (imported, assigned). Raises NotThere."""
    path, name = file_of(root, function), function.partition(":")[2]
    shown = path.relative_to(root).as_posix()
    if not path.is_file():
        modules = [found.stem for found in sorted((root / FOLDER).glob("*.py"))]
        raise NotThere(f"there is no file {shown}", near_miss(path.stem, modules) or f"Write it in {FOLDER}/")
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError) as error:
        line = f":{error.lineno}" if isinstance(error, SyntaxError) else ""
        said = error.msg if isinstance(error, SyntaxError) else str(error)
        raise NotThere(f"{shown}{line} is no Python: {said}", "Mend the file") from None
    bound = dict(_bound(tree.body))
    if name not in bound:
        raise NotThere(f"{shown} has no function {name}", near_miss(name, list(bound)))
    return bound[name]


def _bound(statements: Sequence[ast.stmt]) -> Iterator[tuple[str, Function | None]]:
    """Names bound at the top of a module, inside `if` and `try` too."""
    for statement in statements:
        if isinstance(statement, Function):
            yield statement.name, statement
        elif isinstance(statement, ast.ClassDef):
            yield statement.name, None
        elif isinstance(statement, ast.Import | ast.ImportFrom):
            yield from ((alias.asname or alias.name, None) for alias in statement.names)
        elif isinstance(statement, ast.Assign):
            yield from ((target.id, None) for target in statement.targets if isinstance(target, ast.Name))
        elif isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            yield statement.target.id, None
        for inner in ("body", "orelse", "finalbody"):
            if isinstance(statement, ast.If | ast.Try | ast.With):
                yield from _bound(getattr(statement, inner, []))


def named(function: Function) -> tuple[list[str], list[str], bool]:
    """Its arguments, those without a default, and whether it takes any others."""
    spec = function.args
    positional = [*spec.posonlyargs, *spec.args]
    optional = len(spec.defaults)
    needed = [argument.arg for argument in positional[: len(positional) - optional]]
    pairs = zip(spec.kwonlyargs, spec.kw_defaults, strict=True)
    needed += [argument.arg for argument, default in pairs if default is None]
    every = [argument.arg for argument in (*positional, *spec.kwonlyargs)]
    return every, needed, spec.kwarg is not None
