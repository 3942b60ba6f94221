"""Secrets: values that print as `***`, where they come from, and the filter that keeps them out of any text."""

from __future__ import annotations

import base64
import hmac
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import quote, quote_plus, unquote, urlsplit

from tailrace.errors import BadInput
from tailrace.project.spec import Pipeline, Target

MASK = "***"
SECRET_OPTIONS = frozenset(
    (
        "access_token",
        "refresh_token",
        "client_secret",
        "developer_token",
        "api_key",
        "password",
        "private_key",
        "token",
    )
)
"""Options of a connection that are secrets whoever the vendor is."""

_SECRET_ENDINGS = ("_token", "_secret", "_password")
# `sandbox` or `changeme` written in a project file protects nothing, and masking it would blank that word in every log.
_PLACEHOLDER = re.compile(r"[a-z]{0,12}\Z")


class Secret:
    """A value that no print, log or error shows. Not a str, so that nothing joins it into a text by accident."""

    __slots__ = ("_parts", "_value", "is_placeholder")

    def __init__(self, value: str, *, parts: tuple[str, ...] = (), written: bool = False) -> None:
        """`parts`: secrets inside the value. `written`: a project file shows it, so that a plain word protects nothing."""
        self._value = value
        self._parts = parts
        self.is_placeholder = written and _PLACEHOLDER.match(value) is not None

    def reveal(self) -> str:
        """The value itself; call it where it is sent, and nowhere else."""
        return self._value

    def reveal_all(self) -> set[str]:
        """The value and the secrets inside it, for a Redactor."""
        return {self._value, *self._parts}

    def __repr__(self) -> str:
        return MASK

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return MASK

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(self._value.encode(), other._value.encode())

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: object) -> Secret:
        return self

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a secret is not pickled")


def is_secret_option(name: str) -> bool:
    """Whether an option of this name is taken for a secret before its connector is asked."""
    return name in SECRET_OPTIONS or name.endswith(_SECRET_ENDINGS)


def wrapped(name: str, value: Any) -> Any:
    """Values of options that are secrets by their name become Secrets, however deep they stand."""
    if isinstance(value, Mapping):
        return {key: wrapped(key, inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [wrapped(name, inner) for inner in value]
    if is_secret_option(name) and isinstance(value, str | int) and not isinstance(value, bool):
        return Secret(str(value), written=True)
    return value


def resolve(reference: str, root: Path = Path()) -> Secret:
    """`env:NAME`, `file:PATH` (relative to `root`, one trailing newline cut) or `keyring:SERVICE/NAME`; else BadInput."""
    scheme, colon, rest = reference.partition(":")
    if not colon or not rest or scheme not in ("env", "file", "keyring"):
        fix = "Write secret('env:NAME'), secret('file:/run/secrets/x') or secret('keyring:service/name')"
        raise BadInput("secret() was given no reference that it knows", fix)
    if scheme == "file":
        value = _from_file(root / Path(rest).expanduser())
    else:
        value = _from_env(rest) if scheme == "env" else _from_keyring(rest)
    if not value:
        raise BadInput(f"the secret {reference} is empty", "Set its value")
    return Secret(value)


def _from_env(name: str) -> str:
    if name not in os.environ:
        raise BadInput(f"the environment variable {name} is not set", f"Set {name} before you run this")
    return os.environ[name]


def _from_file(path: Path) -> str:
    try:
        text = path.read_text("utf-8")
    except OSError as error:
        raise BadInput(
            f"the secret file {path} cannot be read ({error.strerror})", "Check its path and permissions"
        ) from None
    except UnicodeDecodeError:
        raise BadInput(f"the secret file {path} is not UTF-8 text", "Check its path") from None
    return text.removesuffix("\n").removesuffix("\r")


def _from_keyring(name: str) -> str:
    service, slash, user = name.rpartition("/")
    if not slash or not service or not user:
        raise BadInput(f"keyring:{name} names no service and name", "Write keyring:service/name")
    try:
        import keyring
    except ImportError:
        raise BadInput(
            "the package keyring is not installed", "Install it: pip install 'tailrace[keyring]'"
        ) from None
    try:
        value = keyring.get_password(service, user)
    except keyring.errors.KeyringError as error:
        raise BadInput(
            f"the keyring cannot be read ({type(error).__name__})", "Unlock it, or use env: or file:"
        ) from None
    if value is None:
        raise BadInput(f"the keyring has no {service}/{user}", f"Add it: keyring set {service} {user}")
    return str(value)


def secrets_of(target: Target) -> list[Secret]:
    """Every Secret in a target: its connections' options, its engine's settings, its state's address."""
    places: list[Any] = [target.settings, *(connection.options for connection in target.connections.values())]
    places += [] if target.state is None else [target.state.url]
    return [value for place in places for _, value in _leaves("", place) if isinstance(value, Secret)]


def all_secret_values(
    target: Target, secret_option_names: set[str], pipelines: Sequence[Pipeline] = ()
) -> set[str]:
    """The texts that a Redactor has to hide: all Secrets, and plain values of options that connectors declare secret.

    Of pipelines also the password inside an address (`postgresql://user:password@host/db`).
    """
    inline = [value for pipeline in pipelines for _, value in _leaves("", pipeline.options)]
    inline += [] if target.state is None else [target.state.url]
    secrets = [*secrets_of(target), *(value for value in inline if isinstance(value, Secret))]
    found = {text for secret in secrets if not secret.is_placeholder for text in secret.reveal_all()}
    found |= {
        part
        for value in inline
        for part in _passwords(value.reveal() if isinstance(value, Secret) else value)
    }
    for connection in target.connections.values():
        for name, value in _leaves("", connection.options):
            if name in secret_option_names and isinstance(value, str):
                found.add(value)
    return found - {""}


def _passwords(value: Any) -> set[str]:
    """The password of an address, as it stands there and decoded."""
    if not isinstance(value, str) or "://" not in value:
        return set()
    try:
        password = urlsplit(value).password or ""
    except ValueError:
        return set()
    return {password, unquote(password)}


def _leaves(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Single values with the name of the option that they belong to."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _leaves(str(key), inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _leaves(name, inner)
    else:
        yield name, value


class Redactor:
    """Replaces secret values in a text by `***`, in the forms that a log may show them in."""

    def __init__(self, values: Iterable[str]) -> None:
        forms = {form for value in values for form in _forms(value)}
        ordered = sorted(forms, key=len, reverse=True)
        self._pattern = re.compile("|".join(_bounded(form) for form in ordered)) if ordered else None

    def redact(self, text: str) -> str:
        """The text without the secrets: as written, in JSON, URL-encoded, or inside base64 at any offset."""
        return text if self._pattern is None else self._pattern.sub(MASK, text)


def _bounded(form: str) -> str:
    """A short value is only hidden where it stands alone: `abc` must not blank every word that holds it."""
    escaped = re.escape(form)
    return escaped if len(form) >= 8 else rf"(?<![A-Za-z0-9]){escaped}(?![A-Za-z0-9])"


def _forms(value: str) -> set[str]:
    if not value:
        return set()
    stripped = value.strip()
    forms = {value, stripped, quote(value), quote(value, safe=""), quote_plus(value), json.dumps(value)[1:-1]}
    forms |= {json.dumps(value, ensure_ascii=False)[1:-1], repr(value)[1:-1]}
    forms |= {line.strip() for line in value.splitlines() if len(line.strip()) >= 8}
    raw = value.encode()
    # Inside a longer text that is encoded (`Basic user:password`), a value begins at one of three offsets; the
    # characters at its ends mix with its neighbours' bits and are left off.
    for offset in range(3):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            text = encode(b"\0" * offset + raw).decode().rstrip("=")
            start = (0, 2, 3)[offset]
            end = len(text) if (offset + len(raw)) % 3 == 0 else len(text) - 1
            if end - start >= 6:
                forms.add(text[start:end])
    return forms - {""}
