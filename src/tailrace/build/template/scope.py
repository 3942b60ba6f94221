"""What a name in a template stands for, by whoever is being rendered: dbt's order of macros, packages and functions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from tailrace.build.template.failures import Mistake
from tailrace.build.template.index import INTERNAL, MacroIndex, Place
from tailrace.build.template.unit import Unit
from tailrace.errors import near_miss
from tailrace.project.spec import ModelFile, Project, SeedFile

if TYPE_CHECKING:
    from tailrace.build.calls import Calls
    from tailrace.build.graph import ModelNode
    from tailrace.warehouse.base import Warehouse


class Changing:
    """A name whose value depends on who is being rendered."""

    def __init__(self, now: Callable[[], Any]) -> None:
        self.now = now


class Macro:
    """A macro by name: its file is parsed when it is called first."""

    def __init__(
        self, place: Place, load: Callable[[Place], Callable[..., Any]], note: Callable[[Place], None]
    ) -> None:
        self.place = place
        self._load = load
        self._note = note
        self._loaded: Callable[..., Any] | None = None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self._loaded is None:
            self._loaded = self._load(self.place)
        self._note(self.place)
        return self._loaded(*args, **kwargs)


class Package:
    """A package's macros: `dbt_utils.star()`."""

    def __init__(self, name: str, macros: Mapping[str, Any]) -> None:
        self._name = name
        self._macros = macros

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name in ("unsafe_callable", "alters_data"):
            raise AttributeError(name)
        try:
            return self._macros[name]
        except KeyError:
            fix = near_miss(name, list(self._macros))
            raise Mistake(f"package {self._name} has no macro {name}", fix[:1].upper() + fix[1:]) from None

    def __getitem__(self, name: str) -> Any:
        return self._macros[name]

    def __contains__(self, name: str) -> bool:
        return name in self._macros

    def get(self, name: str, default: Any = None) -> Any:
        return self._macros.get(name, default)


class Scope:
    """Who is being rendered, the warehouse that is open for it, and what its names stand for.

    `nodes` are the whole graph's, once it is known, and `flags` what the command says. `functions` are the context's own, `internal` what dbt brings as macros and is Python here; they may be overridden as in dbt.
    """

    ABSENT = object()

    def __init__(
        self, project: Project, index: MacroIndex, now: datetime, load: Callable[[Place], Callable[..., Any]]
    ) -> None:
        self.project = project
        self.index = index
        self.now = now
        self.root = project.dbt.name if project.dbt else project.name
        self.database = project.target.path.stem if project.target.path else ""
        self.unit = Unit("", "")
        self.warehouse: Warehouse | None = None
        self.writing = False
        self.nodes: Mapping[str, ModelNode] = {}
        self.flags: Mapping[str, Any] = {}
        self.functions: Mapping[str, Any] = {}
        self.internal: Mapping[str, Any] = {}
        self._calls: Calls | None = None
        self._load = load
        self._macros: dict[tuple[str, str], Macro] = {}
        self._visible: dict[str, Mapping[str, Any]] = {}
        self._packages: Mapping[str, Package] | None = None
        every: tuple[ModelFile | SeedFile, ...] = (*project.models, *project.seeds)
        self._files = {(file.package, file.name): file for file in every}

    @property
    def calls(self) -> Calls:
        """The functions of the owner that is being rendered."""
        if self._calls is None:
            raise Mistake("outside a macro there is no model to call this", "Put it into a macro")
        return self._calls

    def enter(self, unit: Unit, calls: Calls | None) -> tuple[Unit, Calls | None]:
        """Names are those of this unit from now on; returns whose they were."""
        before = self.unit, self._calls
        self.unit, self._calls = unit, calls
        return before

    def ask(self) -> Warehouse | None:
        """The warehouse; where none is open, notes that the template needs one."""
        if self.warehouse is None:
            self.calls.said.late = True
        return self.warehouse

    def files(self) -> Iterable[ModelFile | SeedFile]:
        """Every model, snapshot and seed."""
        return self._files.values()

    def file(self, package: str, name: str) -> ModelFile | SeedFile | None:
        """The model, snapshot or seed of that name."""
        return self._files.get((package, name))

    @property
    def is_guessing(self) -> bool:
        """Whether the template got an empty answer because no warehouse is open."""
        return self.warehouse is None and self._calls is not None and self._calls.said.late

    def find(self, name: str) -> Any:
        """What a bare name stands for; ABSENT if nothing."""
        if name in self.unit.names:
            return self.unit.names[name]
        visible = self.visible(self.unit.package)
        if name in visible:
            return visible[name]
        packages = self.packages()
        if name in packages and name not in self.functions:
            return packages[name]
        if name in self.functions:
            value = self.functions[name]
            return value.now() if isinstance(value, Changing) else value
        return self.internals().get(name, self.ABSENT)

    def visible(self, package: str) -> Mapping[str, Any]:
        """Macros by bare name: the package's own, then the project's; in a project of ours those of its folders as well."""
        if package not in self._visible:
            found: dict[str, Any] = {}
            if self.project.dbt is None:
                for other in sorted(self.index.by_package, reverse=True):
                    if other not in (INTERNAL, *self.project.packages):
                        found |= self._of(other)
            self._visible[package] = found | self._of("") | self._of(package)
        return self._visible[package]

    def internals(self) -> Mapping[str, Any]:
        """What dbt brings itself."""
        if INTERNAL not in self._visible:
            self._visible[INTERNAL] = {**self.internal, **self._of(INTERNAL)}
        return self._visible[INTERNAL]

    def packages(self) -> Mapping[str, Package]:
        """Packages by name, the project's own among them."""
        if self._packages is None:
            found = {name: Package(name, self._of(name)) for name in self.index.by_package if name}
            found |= {name: Package(name, {}) for name in self.project.packages if name not in found}
            found[self.root] = Package(self.root, self._of(""))
            found[INTERNAL] = Package(INTERNAL, self.internals())
            self._packages = found
        return self._packages

    def macro(self, name: str, package: str) -> Any:
        """A macro of one package, or None; `package` None asks in the order of bare names."""
        if package == INTERNAL:
            return self.internals().get(name)
        return self._of("" if package == self.root else package).get(name)

    def dispatched(self, name: str, namespace: str | None, packages: list[str] | None = None) -> Any:
        """The macro that adapter.dispatch() finds: `<dialect>__name` before `default__name`, package by package."""
        tried = []
        for package in packages or self._search(namespace):
            for prefix in (self.project.dialect, "default"):
                wanted = f"{prefix}__{name}"
                tried.append(f"{package}.{wanted}" if package else wanted)
                found = self.macro(wanted, package) if package else self._bare(wanted)
                if found is not None:
                    return found
        raise Mistake(
            f"there is no macro {name} to dispatch to: looked for {', '.join(tried)}", "Write one of them"
        )

    def _search(self, namespace: str | None) -> list[str]:
        order = self.project.dbt.dispatch.get(namespace or "") if self.project.dbt else None
        if order:
            return list(order)
        known = (
            namespace == INTERNAL or namespace in self.index.by_package or namespace in self.project.packages
        )
        return [self.root, namespace] if namespace and known else [""]

    def _bare(self, name: str) -> Any:
        found = self.visible(self.unit.package).get(name)
        return self.internals().get(name) if found is None else found

    def _of(self, package: str) -> dict[str, Any]:
        return {name: self._macro(place) for name, place in self.index.of(package).items()}

    def _macro(self, place: Place) -> Macro:
        key = (place.package, place.name)
        if key not in self._macros:
            self._macros[key] = Macro(place, self._load, self._called)
        return self._macros[key]

    def _called(self, place: Place) -> None:
        """The template that is being rendered depends on this macro's file; what dbt brings is ours."""
        if self._calls is not None and place.package != INTERNAL:
            self._calls.said.macro_files[place.path] = None

    def known(self) -> Iterator[str]:
        """Every name that can be written here, for near misses."""
        yield from self.unit.names
        yield from self.visible(self.unit.package)
        yield from self.packages()
        yield from self.functions
        yield from self.internals()
