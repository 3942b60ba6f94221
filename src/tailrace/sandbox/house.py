"""Everything that one sandbox holds: its vendors, its clock, the fault rules and the log of requests."""

from __future__ import annotations

import importlib
import pkgutil
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from tailrace.sandbox.clock import Clock, iso
from tailrace.sandbox.faults import FaultBook, Rule
from tailrace.sandbox.redact import without_secrets
from tailrace.sandbox.vendor import Fake, RowError, Settings
from tailrace.sandbox.wire import Request, Response
from tailrace.sandbox.world import make_world


class SandboxError(Exception):
    """The sandbox cannot start or go on; the message says why and what to do."""


@dataclass
class House:
    """The vendors by name, and what surrounds them."""

    settings: Settings
    clock: Clock
    fakes: dict[str, Fake]
    data: Path | None = None
    faults: FaultBook = field(default_factory=FaultBook)
    log: list[dict[str, Any]] = field(default_factory=list)
    rounds_done: int = 0

    def answer(self, vendor: str, request: Request, fired: list[Rule]) -> Response:
        """Let a vendor's fake handle a request, the row errors of the fired rules in force."""
        fake = self.fakes[vendor]
        with _refusing(fake, [rule.row_error for rule in fired if rule.row_error]):
            return fake.handle(request)

    def record(self, vendor: str, request: Request, response: Response | None, fired: list[Rule]) -> None:
        """Add a request to the log, without its secrets; no response means that none was given."""
        entry: dict[str, Any] = {
            "time": iso(self.clock.now()),
            "vendor": vendor,
            "method": request.method,
            "path": without_secrets(request.path, request.query),
            "status": response.status if response else None,
            "rows_written": response.rows_written if response else 0,
        }
        if fired:
            entry["fault"] = "+".join(rule.effect for rule in fired)
        self.log.append(entry)

    def advance(self, rounds: int) -> None:
        """People keep working; a round's randomness depends on the seed, the vendor and its number alone."""
        for _ in range(rounds):
            for name, fake in self.fakes.items():
                rng = random.Random(f"{self.settings.seed}/{name}/{self.rounds_done}")
                fake.advance(rng, self.rounds_done)
            self.rounds_done += 1

    def reset(self) -> None:
        """The records as they were at the start, files of --data included; the log stays."""
        for fake in self.fakes.values():
            fake.reset()
        self.rounds_done = 0
        load_data(self.fakes, self.data)


@contextmanager
def _refusing(fake: Fake, errors: list[RowError]) -> Iterator[None]:
    if not errors:
        yield
        return
    fake.row_errors = errors
    try:
        yield
    finally:
        fake.row_errors = []


def open_house(settings: Settings, data: Path | None = None) -> House:
    """Make the world and every vendor's fake, then put the files of `data` in the place of what was generated."""
    world = make_world(settings.seed, settings.contacts, settings.today)
    clock = Clock()
    fakes = {name: make(world, clock, settings) for name, make in sorted(_vendor_classes().items())}
    load_data(fakes, data)
    return House(settings, clock, fakes, data)


def _vendor_classes() -> dict[str, Any]:
    """Every module of this package that sets FAKE, by the vendor's name."""
    package = importlib.import_module("tailrace.sandbox")
    found = {}
    for module in pkgutil.iter_modules(package.__path__):
        fake = getattr(importlib.import_module(f"{package.__name__}.{module.name}"), "FAKE", None)
        if fake is not None:
            found[module.name] = fake
    return found


def load_data(fakes: dict[str, Fake], data: Path | None) -> None:
    """Read DIR/<vendor>/<object>.jsonl; a vendor that has a folder keeps nothing generated."""
    if data is None:
        return
    if not data.is_dir():
        raise SandboxError(f"{data}: no such folder. --data wants a folder with one folder per vendor")
    for folder in sorted(path for path in data.iterdir() if path.is_dir()):
        if folder.name not in fakes:
            raise SandboxError(f"{folder}: unknown vendor; known: {', '.join(fakes)}")
        fake = fakes[folder.name]
        for obj in fake.objects():
            fake.replace(obj, [])
        for path in sorted(folder.glob("*.jsonl")):
            _load_file(fake, path)


def _load_file(fake: Fake, path: Path) -> None:
    records = list(_read_lines(path))
    try:
        fake.replace(path.stem, records)
    except (KeyError, ValueError) as error:
        raise SandboxError(f"{path}: {error.args[0] if error.args else error}") from error


def _read_lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                record = orjson.loads(line)
            except orjson.JSONDecodeError as error:
                raise SandboxError(f"{path}:{number}: not JSON: {error}. One record a line") from error
            if not isinstance(record, dict):
                raise SandboxError(f"{path}:{number}: not a JSON object. One record a line")
            yield record
