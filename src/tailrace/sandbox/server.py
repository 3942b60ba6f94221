"""Starting and stopping the sandbox: in a thread for tests and the demo, in the foreground for the command line."""

from __future__ import annotations

import signal
import socket
import ssl
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, Self

import orjson
import uvicorn

from tailrace.sandbox.app import App
from tailrace.sandbox.faults import FaultBook, FaultError, parse_rules
from tailrace.sandbox.house import House, SandboxError, open_house
from tailrace.sandbox.vendor import Settings

HOST = "127.0.0.1"
START_SECONDS = 30


class Sandbox:
    """A running sandbox; made by `start`, ended by `close` or at the end of a `with`."""

    def __init__(self, house: House, server: uvicorn.Server, thread: threading.Thread, url: str) -> None:
        self.house = house
        self.url = url
        self.ca_file: Path | None = None
        self._server = server
        self._thread = thread
        self._ca_folder: tempfile.TemporaryDirectory[str] | None = None

    @classmethod
    def start(
        cls,
        port: int = 0,
        *,
        data: Path | None = None,
        contacts: int = 500,
        seed: int = 7,
        faults: Path | Sequence[dict[str, Any]] | None = None,
        limits: bool = True,
        tls: bool = False,
        today: date | None = None,
        token: str = "sandbox",  # noqa: S107  no secret: it opens nothing but this sandbox
    ) -> Sandbox:
        """Serve on 127.0.0.1 in a thread of this process; port 0 takes a free one. SandboxError where it cannot."""
        if contacts < 0:
            raise SandboxError(f"a world of {contacts} contacts cannot be made; --contacts takes 0 or more")
        day = {} if today is None else {"today": today}
        settings = Settings(seed=seed, contacts=contacts, limits=limits, token=token, **day)
        listener = _listen(port)
        try:
            house = open_house(settings, data)
            house.faults = _fault_book(faults, house)
            return cls._run(house, listener, tls)
        except BaseException:
            listener.close()
            raise

    @classmethod
    def _run(cls, house: House, listener: socket.socket, tls: bool) -> Sandbox:
        config = uvicorn.Config(
            App(house),
            http="h11",
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="critical",
            access_log=False,
            server_header=False,
            timeout_keep_alive=60,
            timeout_graceful_shutdown=1,
        )
        config.load()
        folder = _serve_tls(config) if tls else None
        server = uvicorn.Server(config)
        thread = threading.Thread(
            target=server.run, kwargs={"sockets": [listener]}, name="tailrace-sandbox", daemon=True
        )
        thread.start()
        _wait_until_started(server, thread)
        scheme = "https" if tls else "http"
        running = cls(house, server, thread, f"{scheme}://{HOST}:{listener.getsockname()[1]}")
        if folder is not None:
            running._ca_folder, running.ca_file = folder, Path(folder.name) / "ca.pem"
        return running

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self.url.rpartition(":")[2])

    @property
    def is_serving(self) -> bool:
        """False after `close`, or where the server died."""
        return self._thread.is_alive()

    def base_url(self, vendor: str) -> str:
        """Where one vendor's API begins, without a slash at the end."""
        return f"{self.url}/{vendor}"

    def close(self) -> None:
        """Stop serving; open connections are closed."""
        self._server.should_exit = True
        self._thread.join(timeout=10)
        if self._ca_folder is not None:
            self._ca_folder.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def serve(
    port: int = 8080,
    *,
    data: Path | None = None,
    contacts: int = 500,
    seed: int = 7,
    faults: Path | None = None,
    limits: bool = True,
    tls: bool = False,
) -> None:
    """Serve until SIGINT or SIGTERM, after one line on stdout that says where; only in the main thread."""
    stop = threading.Event()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    before = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with Sandbox.start(
            port, data=data, contacts=contacts, seed=seed, faults=faults, limits=limits, tls=tls
        ) as sandbox:
            sys.stdout.write(describe(sandbox) + "\n")
            sys.stdout.flush()
            while sandbox.is_serving and not stop.wait(1):
                pass
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def describe(sandbox: Sandbox) -> str:
    """One line: the URL, each vendor's base URL, and the CA file under TLS."""
    vendors = "  ".join(f"{name}={sandbox.base_url(name)}" for name in sandbox.house.fakes)
    authority = f"  ca={sandbox.ca_file}" if sandbox.ca_file else ""
    return f"sandbox at {sandbox.url}  {vendors}{authority}  token={sandbox.house.settings.token}"


def _listen(port: int) -> socket.socket:
    # asyncio turns Nagle's delay off only where the protocol number is given: without it every answer waits 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen(2048)
    except (OSError, OverflowError) as error:
        listener.close()
        raise SandboxError(
            f"port {port} on {HOST} cannot be used: {getattr(error, 'strerror', None) or error}. "
            "Choose another with --port, or end the process that has it"
        ) from error
    return listener


def _fault_book(faults: Path | Sequence[dict[str, Any]] | None, house: House) -> FaultBook:
    if faults is None:
        return FaultBook()
    if not isinstance(faults, Path):
        return FaultBook(parse_rules(list(faults), house.fakes))
    try:
        return FaultBook(parse_rules(orjson.loads(faults.read_bytes()), house.fakes))
    except OSError as error:
        raise SandboxError(f"{faults}: {error.strerror}") from error
    except orjson.JSONDecodeError as error:
        raise SandboxError(f"{faults}: not JSON: {error}. It holds a list of fault rules") from error
    except FaultError as error:
        raise SandboxError(f"{faults}: {error}") from error


def _serve_tls(config: uvicorn.Config) -> tempfile.TemporaryDirectory[str]:
    """Give the server a certificate of a new private CA; the CA lies in ca.pem of the returned folder."""
    import trustme

    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(HOST, "localhost").configure_cert(context)
    config.ssl = context
    folder = tempfile.TemporaryDirectory(prefix="tailrace-sandbox-")
    authority.cert_pem.write_to_path(Path(folder.name) / "ca.pem")
    return folder


def _wait_until_started(server: uvicorn.Server, thread: threading.Thread) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not server.started:
        if not thread.is_alive() or time.monotonic() > deadline:
            raise SandboxError("the server did not start")
        time.sleep(0.005)
