"""The vendors on localhost: stateful fakes of the HTTP APIs that tailrace talks to, with faults on demand."""

from __future__ import annotations
