"""What Google refuses at once: a request that is not well formed, as a whole, with the places of what is wrong."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from tailrace.sandbox.google import ApiError

MOST_MEMBERS, MOST_IDENTIFIERS, MOST_DESTINATIONS = 10_000, 10, 10
COMMON = frozenset({"destinations", "audienceMembers", "encoding", "encryptionInfo", "validateOnly"})
INGEST = COMMON | {"consent", "termsOfService"}
MEMBER = frozenset({"userData", "consent", "destinationReferences"})
IDENTIFIER = frozenset({"emailAddress", "phoneNumber", "address"})
ADDRESS_REQUIRED = ("givenName", "familyName", "regionCode", "postalCode")
ADDRESS = frozenset({*ADDRESS_REQUIRED, "addressLine", "city", "administrativeArea"})
ACCOUNT_TYPES = frozenset(
    {
        *("GOOGLE_ADS", "DISPLAY_VIDEO_PARTNER", "DISPLAY_VIDEO_ADVERTISER", "DATA_PARTNER"),
        *("GOOGLE_ANALYTICS_PROPERTY", "GOOGLE_AD_MANAGER_AUDIENCE_LINK"),
    }
)
CONSENTS = frozenset({"CONSENT_GRANTED", "CONSENT_DENIED", "CONSENT_STATUS_UNSPECIFIED"})
Violation = tuple[str, str, str]
"""Field, description, reason."""


def check(body: Mapping[str, Any], *, ingest: bool, audiences: Collection[str]) -> None:
    """ApiError 400 with every violation; nothing of such a request is processed."""
    found = [*_destinations(body, audiences), *_members(body)]
    if body.get("encoding") not in ("HEX", "BASE64"):
        found.append(("encoding", "The encoding is required.", "REQUIRED_FIELD_MISSING"))
    if ingest:
        found += _terms(body)
    if found:
        raise refused(found)


def refused(found: list[Violation]) -> ApiError:
    """google.rpc.BadRequest, one violation a field."""
    violations = [
        {"field": field, "description": text, "reason": reason} for field, text, reason in found[:100]
    ]
    detail = {"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": violations}
    message = "There was a problem with the request."
    return ApiError(400, message, [detail])


def _destinations(body: Mapping[str, Any], audiences: Collection[str]) -> Iterator[Violation]:
    """Google's words for an audience that is not there are from memory."""
    destinations = body.get("destinations")
    if not isinstance(destinations, list) or not 1 <= len(destinations) <= MOST_DESTINATIONS:
        yield "destinations", "Between 1 and 10 destinations are required.", "INVALID_DESTINATION"
        return
    for place, one in enumerate(destinations):
        account = one.get("operatingAccount") or {}
        known = account.get("accountType") in ACCOUNT_TYPES and str(account.get("accountId", "")).isdigit()
        if not known or str(one.get("productDestinationId", "")) not in audiences:
            yield f"destinations[{place}]", "The destination is not valid.", "INVALID_DESTINATION"


def _members(body: Mapping[str, Any]) -> Iterator[Violation]:
    members = body.get("audienceMembers")
    if not isinstance(members, list) or not 1 <= len(members) <= MOST_MEMBERS:
        yield "audience_members", "Between 1 and 10000 audience members are required.", "INVALID_SIZE"
        return
    for place, member in enumerate(members):
        where = f"audience_members.audience_members[{place}]"
        if not isinstance(member, dict) or member.keys() - MEMBER or "userData" not in member:
            yield where, "The audience member has no user data.", "INVALID_AUDIENCE_MEMBER"
            continue
        yield from _identifiers(f"{where}.user_data", member["userData"], str(body.get("encoding")))


def _identifiers(where: str, data: Mapping[str, Any], encoding: str) -> Iterator[Violation]:
    identifiers = data.get("userIdentifiers") or []
    if not 1 <= len(identifiers) <= MOST_IDENTIFIERS:
        yield where, "Between 1 and 10 user identifiers are required.", "INVALID_USER_IDENTIFIERS"
    for number, one in enumerate(identifiers):
        place = f"{where}.user_identifiers[{number}]"
        if len(one) != 1 or one.keys() - IDENTIFIER:
            yield place, "Exactly one identifier must be set.", "INVALID_USER_IDENTIFIER"
        elif "address" in one:
            yield from _address(f"{place}.address", one["address"], encoding)
        elif not _is_hash(next(iter(one.values())), encoding):
            yield place, "The value is not a SHA-256 hash in the request's encoding.", "INVALID_SHA256_FORMAT"


def _address(where: str, address: Mapping[str, Any], encoding: str) -> Iterator[Violation]:
    missing = [name for name in ADDRESS_REQUIRED if not address.get(name)]
    if missing or address.keys() - ADDRESS:
        yield where, "Given name, family name, region code and postal code are required.", "INVALID_ADDRESS"
        return
    if not all(_is_hash(address[name], encoding) for name in ("givenName", "familyName")):
        yield where, "The value is not a SHA-256 hash in the request's encoding.", "INVALID_SHA256_FORMAT"
    if not re.fullmatch(r"[A-Z]{2}", address["regionCode"]):
        yield f"{where}.region_code", "The region code is not valid.", "INVALID_REGION_CODE"


def _terms(body: Mapping[str, Any]) -> Iterator[Violation]:
    terms = body.get("termsOfService") or {}
    if terms.get("customerMatchTermsOfServiceStatus") != "ACCEPTED":
        text = "The terms of service for Customer Match have not been accepted."
        yield "terms_of_service", text, "TERMS_AND_CONDITIONS_NOT_SIGNED"
    consent = body.get("consent") or {}
    for name in ("adUserData", "adPersonalization"):
        if consent.get(name, "CONSENT_STATUS_UNSPECIFIED") not in CONSENTS:
            yield f"consent.{name}", "The consent is not valid.", "INVALID_CONSENT"


def _is_hash(value: Any, encoding: str) -> bool:
    if not isinstance(value, str):
        return False
    if encoding == "HEX":
        return re.fullmatch(r"[0-9a-fA-F]{64}", value) is not None
    try:
        return len(base64.b64decode(value, validate=True)) == 32
    except binascii.Error:
        return False
