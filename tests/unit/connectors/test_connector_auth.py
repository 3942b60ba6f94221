from __future__ import annotations

import base64
import json
import threading
import time
from datetime import UTC, datetime, timedelta

import pytest

from tailrace.connectors.sdk.auth import Bearer, Renewing, refresh_grant, reveal, service_account
from tailrace.errors import AuthError

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


class Wrapped:
    def __init__(self, text: str) -> None:
        self.text = text

    def reveal(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return "***"


class Clock:
    def __init__(self) -> None:
        self.at = NOON

    def __call__(self) -> datetime:
        return self.at


def test_secrets_are_revealed_only_in_headers():
    auth = Bearer(Wrapped("abc"), {"developer-token": Wrapped("dev")})
    assert auth.headers() == {"Authorization": "Bearer abc", "developer-token": "dev"}
    assert set(auth.secrets()) == {"abc", "dev"}
    assert reveal("plain") == "plain"


def test_a_token_is_renewed_a_minute_before_its_end():
    clock, minted = Clock(), []

    def mint() -> tuple[str, float]:
        minted.append(f"t{len(minted)}")
        return minted[-1], 1800.0

    auth = Renewing(mint, clock)
    assert auth.headers() == auth.headers() == {"Authorization": "Bearer t0"}
    clock.at += timedelta(seconds=1739)
    assert auth.headers() == {"Authorization": "Bearer t0"}
    clock.at += timedelta(seconds=1)
    assert auth.headers() == {"Authorization": "Bearer t1"}


def test_threads_share_one_renewal():
    minted = []

    def mint() -> tuple[str, float]:
        time.sleep(0.01)
        minted.append(1)
        return f"t{len(minted)}", 1800.0

    auth = Renewing(mint, Clock())
    first = auth.headers()
    threads = [threading.Thread(target=auth.renew, args=(first,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(minted) == 2
    assert auth.headers() == {"Authorization": "Bearer t2"}


def test_the_refresh_grant_sends_the_form_and_follows_expires_in():
    sent = []

    def post(form):
        sent.append(dict(form))
        return 200, {"access_token": "a", "expires_in": 60}

    form = {"client_id": "c", "client_secret": Wrapped("s"), "refresh_token": Wrapped("r")}
    assert refresh_grant("crm", post, form)() == ("a", 60.0)
    assert sent == [
        {"grant_type": "refresh_token", "client_id": "c", "client_secret": "s", "refresh_token": "r"}
    ]


def test_a_refused_refresh_token_says_why():
    answer = {"error": "invalid_grant", "error_description": "refresh token is invalid, expired or revoked"}
    with pytest.raises(AuthError, match="crm: the refresh token was refused .400: refresh token is invalid"):
        refresh_grant("crm", lambda form: (400, answer), {"refresh_token": "r"})()


def _part(text: str) -> dict:
    return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))


def test_a_service_account_signs_its_own_token(tmp_path):
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import padding, rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    path = tmp_path / "key.json"
    path.write_text(
        json.dumps({"client_email": "robot@x.example", "private_key": pem, "private_key_id": "k1"})
    )
    token, lives = service_account("web", str(path), ("scope.a", "scope.b"), Clock())()
    head, claims, signature = token.split(".")
    assert _part(head) == {"alg": "RS256", "typ": "JWT", "kid": "k1"}
    assert _part(claims) == {
        "iss": "robot@x.example",
        "sub": "robot@x.example",
        "scope": "scope.a scope.b",
        "iat": int(NOON.timestamp()),
        "exp": int(NOON.timestamp()) + 3600,
    }
    assert lives == 3600.0
    raw = base64.urlsafe_b64decode(signature + "=" * (-len(signature) % 4))
    key.public_key().verify(raw, f"{head}.{claims}".encode(), padding.PKCS1v15(), hashes.SHA256())


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "cannot read"),
        ("not json", "is not JSON"),
        ("{}", "has no client_email"),
        ('{"client_email": "a", "private_key": "b"}', "no RSA private key"),
    ],
)
def test_a_key_file_that_is_none_is_named(tmp_path, content, words):
    path = tmp_path / "key.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(AuthError, match=words) as caught:
        service_account("web", str(path), (), Clock())()
    assert str(path) in str(caught.value)
