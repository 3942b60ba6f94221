"""How the Graph API speaks of limits and errors (vendor-apis.md 7.3; codes and headers from memory, so all is tolerated)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from tailrace.connectors.sdk.http import Answer, Kind, Manners
from tailrace.errors import AuthError, FatalError, TailraceError, VendorRefused
from tailrace.records import Quota

THROTTLES = frozenset((4, 17, 32, 613, *range(80000, 80015)))
TOKEN_CODES = frozenset((102, 104, 190))
PERMISSION_CODES = frozenset((3, 10, *range(200, 300)))
TRANSIENT_CODES = frozenset((1, 2))
DEPRECATED = 2635
TERMS_CODES, TERMS_SUBCODES = frozenset((2655, 2663)), frozenset((1870090,))
"""The terms of custom audiences are not accepted (seen in issues of Meta's SDKs)."""
NO_UPDATE, BLOCKED, NOT_THERE = 2650, 1713230, 33
INVALID = 100
REDUCE_SUBCODE = 99
USAGE = "x-business-use-case-usage"
PERCENTS = ("call_count", "total_cputime", "total_time", "acc_id_util_pct", "app_id_util_pct")


class TokenRefused(AuthError):
    """The token itself is at fault: no account can be read with it."""


class TooMuch(VendorRefused):
    """Meta will not answer so much at once: ask for less."""


class InvalidParameter(VendorRefused):
    """Meta refuses a parameter and does not say of what kind: among many entries, one may be at fault."""


def graph_manners(interval: float) -> Manners:
    """`interval`: seconds to wait after a throttle that names no time."""
    return Manners(interval, wait=regain, message=message, kind=kind, quotas=quotas, refusal=refusal)


def error_of(answer: Answer) -> Mapping[str, Any]:
    """The `error` object; empty where there is none."""
    document = answer.document if isinstance(answer.document, Mapping) else {}
    error = document.get("error")
    return error if isinstance(error, Mapping) else {}


def code_of(answer: Answer) -> int:
    """The error's code; 0 where there is none."""
    code = error_of(answer).get("code")
    return code if isinstance(code, int) else 0


def message(answer: Answer) -> str:
    """What Meta says, with the codes and the trace id that its support asks for."""
    error = error_of(answer)
    words = str(error.get("error_user_msg") or error.get("message") or "").strip().rstrip(".")
    codes = "/".join(str(error[name]) for name in ("code", "error_subcode") if error.get(name))
    facts = [
        f"code {codes}" if codes else "",
        f"fbtrace_id {error['fbtrace_id']}" if error.get("fbtrace_id") else "",
    ]
    told = ", ".join(fact for fact in facts if fact)
    return f"{words} ({told})" if told else words


def kind(answer: Answer) -> Kind | None:
    """What an error answer means, by its code: Meta says nearly everything with status 400."""
    code = code_of(answer)
    if code in THROTTLES:
        return "limited"
    if code in TOKEN_CODES:
        return "expired"
    if _is_too_much(answer):
        return "refused"
    if code in TRANSIENT_CODES or error_of(answer).get("is_transient") is True:
        return "passing"
    return None


def _is_too_much(answer: Answer) -> bool:
    error = error_of(answer)
    told = "reduce the amount of data" in str(error.get("message", "")).lower()
    return told or (error.get("code") == 1 and error.get("error_subcode") == REDUCE_SUBCODE)


def refusal(answer: Answer, name: str, said: str) -> TailraceError | None:
    """The error that a refusal stands for; None where its status says it all."""
    code = code_of(answer)
    if code in TOKEN_CODES or answer.status == 401:
        fix = "make a new token (Business settings, System users) and put it into access_token"
        return TokenRefused(f"{name}: Meta refuses the access token{said}", fix)
    if "appsecret_proof" in str(error_of(answer).get("message", "")):
        return TokenRefused(f"{name}: Meta refuses the proof{said}", "check app_secret: it is of another app")
    if _is_too_much(answer):
        fix = "ask for fewer fields or breakdowns"
        return TooMuch(f"{name}: Meta will not answer so much at once{said}", fix)
    audience = _of_audience(answer, name, said)
    if audience is not None:
        return audience
    if code in PERMISSION_CODES:
        fix = "assign the ad account to the token's user, with ads_read, for audiences with ads_management"
        return AuthError(f"{name}: the token lacks a permission{said}", fix)
    if code == DEPRECATED:
        return VendorRefused(f"{name}: the API's version is no longer served{said}", "set api_version")
    if code == INVALID:
        return InvalidParameter(f"{name}: the vendor refuses the request ({answer.status}){said}")
    return None


def _of_audience(answer: Answer, name: str, said: str) -> TailraceError | None:
    """What a person has to do before an audience can be changed."""
    code, subcode = code_of(answer), error_of(answer).get("error_subcode")
    if code in TERMS_CODES or subcode in TERMS_SUBCODES:
        fix = "accept them for the ad account: https://www.facebook.com/customaudiences/app/tos/"
        return FatalError(f"{name}: the terms of custom audiences are not accepted{said}", fix)
    if subcode == BLOCKED:
        fix = "open the audience in the Audience Manager and appeal, or sync to a new one"
        return FatalError(f"{name}: Meta blocks uploads to the audience{said}", fix)
    if code == NO_UPDATE:
        fix = "name a customer-file audience (subtype CUSTOM) that the token's user may change"
        return FatalError(f"{name}: Meta does not change the audience{said}", fix)
    if code == INVALID and subcode == NOT_THERE:
        fix = "check the id, and that the token's user may use it (of an audience: with ads_management)"
        return VendorRefused(f"{name}: Meta shows no such object{said}", fix)
    return None


def usages(headers: Mapping[str, str]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """What the usage headers say: (what it is of, its numbers). What cannot be read is left out."""
    for header in ("x-app-usage", "x-ad-account-usage", "x-fb-ads-insights-throttle"):
        found = _parsed(headers.get(header))
        if found:
            yield header.removeprefix("x-").removeprefix("fb-"), found
    for account, entries in _parsed(headers.get(USAGE)).items():
        for entry in entries if isinstance(entries, list) else ():
            if isinstance(entry, Mapping):
                yield f"{entry.get('type', 'calls')} of {account}", entry


def _parsed(text: str | None) -> Mapping[str, Any]:
    try:
        found = orjson.loads(text or "{}")
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, Mapping) else {}


def regain(answer: Answer) -> float | None:
    """Seconds until access is regained: the header names minutes."""
    told = [usage.get("estimated_time_to_regain_access") for _, usage in usages(answer.headers)]
    minutes = [float(minute) for minute in told if isinstance(minute, int | float) and minute > 0]
    return 60.0 * max(minutes) if minutes else None


def quotas(headers: Mapping[str, str]) -> list[Quota]:
    """Percentages used, the highest of each header's numbers."""
    found = []
    for name, usage in usages(headers):
        used = [float(usage[key]) for key in PERCENTS if isinstance(usage.get(key), int | float)]
        if used:
            found.append(Quota(f"meta {name}", 100.0, max(0.0, 100.0 - max(used)), "percent"))
    return found
