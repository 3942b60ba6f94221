"""People as Google compares them: each value brought into Google's form and hashed, so that no plain one leaves the house.

The forms are Google's page "Format user data" (developers.google.com/data-manager/api/devguides/concepts/formatting).
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Mapping
from typing import Any

from tailrace.connectors.google_data_manager.declaration import ADDRESS

GMAIL = ("gmail.com", "googlemail.com")
PUNCTUATION = re.compile(r"[^\w\s]|_")
LONGEST_PHONE, SHORTEST_PHONE = 15, 7


class Unsendable(ValueError):
    """A value that is none of its kind; `field` says which. The message never repeats it."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


def email_address(value: Any, gmail_rules: bool = True) -> str:
    """Lower case, no whitespace; of Gmail's addresses neither dots nor what follows a plus sign."""
    text = re.sub(r"\s", "", str(value)).lower()
    local, at, domain = text.rpartition("@")
    if not at or not local or "@" in local or "." not in domain.strip("."):
        raise Unsendable("email", "it is no e-mail address")
    if gmail_rules and domain in GMAIL:
        local = local.partition("+")[0].replace(".", "")
        if not local:
            raise Unsendable("email", "it is no e-mail address")
    return f"{local}@{domain}"


def phone_number(value: Any) -> str:
    """E.164: a plus sign, the country's code, digits. What people put between the digits is left out."""
    text = re.sub(r"[\s().\-/]", "", str(value))
    if not re.fullmatch(rf"\+[1-9][0-9]{{{SHORTEST_PHONE - 1},{LONGEST_PHONE - 1}}}", text):
        raise Unsendable("phone", "it is no phone number with + and the country's code")
    return text


def person_name(value: Any) -> str:
    """Lower case, without punctuation and outer whitespace."""
    return " ".join(PUNCTUATION.sub("", str(value)).lower().split())


def region_code(value: Any) -> str:
    """Two letters of ISO 3166-1; not hashed."""
    text = str(value).strip().upper()
    if not re.fullmatch(r"[A-Z]{2}", text):
        raise Unsendable("region_code", "it is no country's code of two letters")
    return text


class Identifiers:
    """Makes the `userIdentifiers` of one person. `encoding`: hex or base64."""

    def __init__(self, encoding: str = "hex", gmail_rules: bool = True) -> None:
        self._hex, self._gmail = encoding == "hex", gmail_rules

    def of(self, match_field: str, key: Any, values: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The match key first, then the other fields; an address only where all of its four parts are there."""
        for name, value in ((match_field, key), *values.items()):
            try:
                str(value).encode()
            except UnicodeEncodeError:
                raise Unsendable(name, "it has half a character in it (a lone surrogate)") from None
        more = [name for name in ("email", "phone") if values.get(name) not in (None, "")]
        found = [self._single(match_field, key), *(self._single(name, values[name]) for name in more)]
        if all(values.get(name) not in (None, "") for name in ADDRESS):
            found.append({"address": self._address(values)})
        return [one for number, one in enumerate(found) if one not in found[:number]]

    def _single(self, name: str, value: Any) -> dict[str, Any]:
        if name == "email":
            return {"emailAddress": self._hashed(email_address(value, self._gmail))}
        return {"phoneNumber": self._hashed(phone_number(value))}

    def _address(self, values: Mapping[str, Any]) -> dict[str, str]:
        names: tuple[tuple[str, str], ...] = (("givenName", "given_name"), ("familyName", "family_name"))
        found = {theirs: self._named(ours, values[ours]) for theirs, ours in names}
        plain: tuple[tuple[str, str, Callable[[Any], str]], ...] = (
            ("regionCode", "region_code", region_code),
            ("postalCode", "postal_code", lambda value: str(value).strip()),
        )
        return {**found, **{theirs: form(values[ours]) for theirs, ours, form in plain}}

    def _named(self, field: str, value: Any) -> str:
        name = person_name(value)
        if not name:
            raise Unsendable(field, "it is no name")
        return self._hashed(name)

    def _hashed(self, text: str) -> str:
        digest = hashlib.sha256(text.encode()).digest()
        return digest.hex() if self._hex else base64.b64encode(digest).decode()
