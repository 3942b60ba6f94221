"""The vendors on localhost: stateful fakes of the HTTP APIs that tailrace talks to, with faults on demand."""

from __future__ import annotations

from tailrace.sandbox.house import SandboxError
from tailrace.sandbox.server import Sandbox, serve

__all__ = ["Sandbox", "SandboxError", "serve"]
