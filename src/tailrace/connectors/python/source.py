"""A person's dlt source, run from the project's pipelines folder and nowhere else."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from tailrace.connectors.python.functions import FOLDER, file_of
from tailrace.connectors.sdk.base import Context, ResourceSpec
from tailrace.connectors.sdk.dlt_errors import told
from tailrace.connectors.sdk.dlt_items import Offer
from tailrace.connectors.sdk.dlt_offer import offer_of
from tailrace.connectors.sdk.dlt_source import DltConnector
from tailrace.connectors.sdk.inline import WrongSetting, revealed
from tailrace.errors import TailraceError

PREFIX = "tailrace_pipelines."
"""Of the names that modules get while they run: `pipelines/json.py` must not stand in for Python's own."""


class PythonSource(DltConnector):
    """The module is run once; the function is called for each resource."""

    def __init__(self, options: Mapping[str, Any], context: Context) -> None:
        super().__init__(options, context)
        self._function, self._args = options["function"], revealed(options.get("args") or {})
        self._folder = context.root / FOLDER
        self._module: ModuleType | None = None

    @contextmanager
    def opened(self) -> Iterator[None]:
        """The folder's modules can import each other, for as long as they run."""
        with super().opened():
            sys.path.insert(0, str(self._folder))
            try:
                yield
            finally:
                sys.path.remove(str(self._folder))

    def told(self, error: Exception) -> TailraceError:
        return told(error, self.context.connection, self._folder)

    def listed(self) -> Sequence[str]:
        from dlt.extract import DltSource

        found = self._called()
        return list(found.resources.selected) if isinstance(found, DltSource) else [found.name]

    def offer(self, resource: ResourceSpec, known: Mapping[str, Any]) -> Offer:  # noqa: ARG002
        from dlt.extract import DltSource

        found = self._called()
        names = list(found.resources) if isinstance(found, DltSource) else [found.name]
        if resource.name not in names:
            raise self.unknown(resource.name, names)
        return offer_of(resource, found)

    def close(self) -> None:
        """What was imported from the folder goes: another project's modules may have the same names."""
        super().close()
        for name, module in list(sys.modules.items()):
            file = getattr(module, "__file__", None)
            if file and Path(file).is_relative_to(self._folder):
                del sys.modules[name]
        self._module = None

    def _called(self) -> Any:
        """A DltSource or DltResource; WrongSetting where the function makes neither."""
        from dlt.extract import DltResource, DltSource

        function = getattr(self._loaded(), self._function.partition(":")[2])
        if isinstance(function, DltResource) and not callable(function._pipe.gen):  # noqa: SLF001
            found: Any = function  # made of data, not of a function
        elif callable(function):
            found = function(**self._args)
        else:
            found = function
        if not isinstance(found, DltSource | DltResource):
            what = f"{self._function} gives no dlt source or resource, but {type(found).__name__}"
            raise WrongSetting(("function",), what, "Decorate it with @dlt.source or @dlt.resource")
        return found

    def _loaded(self) -> ModuleType:
        if self._module is None:
            path = file_of(self.context.root, self._function)
            name = PREFIX + self._function.partition(":")[0]
            spec = importlib.util.spec_from_file_location(name, path)
            assert spec is not None, "check has found the file"
            assert spec.loader is not None, "and it is Python"
            module = importlib.util.module_from_spec(spec)
            sys.modules[name] = module
            try:
                spec.loader.exec_module(module)
            except BaseException:
                del sys.modules[name]
                raise
            self._module = module
        return self._module
