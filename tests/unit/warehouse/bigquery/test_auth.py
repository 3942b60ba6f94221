"""Who asks: each way's mistakes are told in one sentence with its fix, and real credentials go nowhere unencrypted."""

from __future__ import annotations

import json

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from tests.unit.warehouse.bigquery.google import google

from tailrace.errors import AuthError, WarehouseError
from tailrace.project.secrets import Secret
from tailrace.warehouse.bigquery.auth import SCOPES, credentials
from tailrace.warehouse.bigquery.connection import connect, endpoint, is_emulated
from tailrace.warehouse.bigquery.jobs import Jobs

SETTINGS = {"project": "acme", "location": "EU"}


@pytest.fixture(autouse=True)
def alone(monkeypatch, tmp_path):
    """No credentials of the machine that tests run on, and no metadata server."""
    for name in ("BIGQUERY_EMULATOR_HOST", "GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_CLOUD_PROJECT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path / "none"))


@pytest.fixture(scope="session")
def private_key():
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@pytest.fixture
def server():
    with google() as found:
        yield found


def key(private_key, **more):
    return {
        "type": "service_account",
        "client_email": "run@acme.iam.gserviceaccount.com",
        "private_key": private_key,
        "token_uri": "https://oauth2.googleapis.com/token",
        **more,
    }


def written(tmp_path, content):
    path = tmp_path / "key.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return {**SETTINGS, "keyfile": str(path)}


def test_a_keyfile(tmp_path, private_key):
    found = credentials(written(tmp_path, key(private_key)))
    assert found.service_account_email == "run@acme.iam.gserviceaccount.com"
    assert tuple(found.scopes) == SCOPES


def test_a_key_in_the_profile_itself_its_secrets_hidden(private_key):
    hidden = {**key(""), "private_key": Secret(private_key.replace("\n", "\\n"))}
    for given in (hidden, Secret(json.dumps(key(private_key)))):
        found = credentials({**SETTINGS, "method": "service-account-json", "keyfile_json": given})
        assert found.service_account_email == "run@acme.iam.gserviceaccount.com"


def test_tokens():
    found = credentials({**SETTINGS, "method": "oauth-secrets", "token": Secret("t0ken")})
    assert found.token == "t0ken"


def test_impersonation_asks_for_what_the_other_account_needs(tmp_path, private_key):
    settings = written(tmp_path, key(private_key))
    found = credentials({**settings, "impersonate_service_account": "run@acme.iam.gserviceaccount.com"})
    assert (found._target_principal, tuple(found._target_scopes)) == (
        "run@acme.iam.gserviceaccount.com",
        SCOPES,
    )
    assert tuple(found._source_credentials.scopes) == ("https://www.googleapis.com/auth/iam",)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", ("is not JSON", "keys create")),
        ("[]", ("is not a service account's key",)),
        ({"private_key": "hush"}, ("names no type",)),
        ({"type": "authorized_user", "refresh_token": "hush"}, ("is of type authorized_user", "GOOGLE_APPLICATION_CREDENTIALS")),
        ({"type": "external_account"}, ("is of type external_account", "GOOGLE_APPLICATION_CREDENTIALS")),
        ({"type": "service_account", "private_key": "hush"}, ("has no client_email, token_uri",)),
        ({"type": "service_account", "private_key": "hush", "client_email": "a@b", "token_uri": "x"}, ("private key", "cannot be read")),
    ],
)  # fmt: skip
def test_a_keyfile_that_is_none(tmp_path, content, words):
    with pytest.raises(AuthError) as caught:
        credentials(written(tmp_path, content))
    text = str(caught.value)
    assert all(word in text for word in words) and "hush" not in text and "\n" not in text


def test_a_keyfile_that_is_not_there(tmp_path):
    with pytest.raises(AuthError, match=r"there is no file .*nowhere.json"):
        credentials({**SETTINGS, "keyfile": str(tmp_path / "nowhere.json")})
    with pytest.raises(AuthError, match="cannot be read"):
        credentials({**SETTINGS, "keyfile": str(tmp_path)})


def test_a_machine_without_credentials(monkeypatch, tmp_path):
    with pytest.raises(AuthError, match="this machine has none.*gcloud auth application-default login"):
        credentials(SETTINGS)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "nowhere.json"))
    with pytest.raises(AuthError, match=r"nowhere.json of GOOGLE_APPLICATION_CREDENTIALS cannot be used"):
        credentials(SETTINGS)


def test_methods_that_lack_their_secrets():
    with pytest.raises(AuthError, match="lacks some"):
        credentials({**SETTINGS, "method": "oauth-secrets", "client_id": "a"})
    with pytest.raises(AuthError, match="needs a `keyfile`"):
        credentials({**SETTINGS, "method": "service-account"})


def test_an_emulator_gets_no_real_credentials(monkeypatch, tmp_path, private_key, server):
    settings = {**written(tmp_path, key(private_key)), "base_url": server.address}
    server.answer = lambda _request: (200, {"datasets": []})
    client = connect(settings)
    assert list(client.list_datasets()) == []
    client.close()
    assert server.requests[0].headers["authorization"] == "Bearer emulator"
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", "127.0.0.1:9050")
    assert (endpoint(SETTINGS), is_emulated(SETTINGS)) == ("http://127.0.0.1:9050", True)


def test_another_address_of_this_machines_name_is_no_emulator(tmp_path, private_key):
    settings = {**written(tmp_path, key(private_key)), "base_url": "http://127.0.0.1.example.com"}
    assert not is_emulated(settings)
    with pytest.raises(AuthError, match="unencrypted"):
        connect(settings)


# What Google's token services answer, from memory of their documentation: "Using OAuth 2.0 for Server to Server Applications",
# "Troubleshoot service account credentials", IAM's generateAccessToken.
TOKENS = [
    (400, {"error": "invalid_grant", "error_description": "Invalid JWT Signature."}, ("does not know the key", "new key")),
    (400, {"error": "invalid_grant", "error_description": "Invalid grant: account not found"}, ("does not know the key",)),
    (400, {"error": "invalid_grant", "error_description": "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your iat and exp values in the JWT claim."}, ("clock is wrong", "set the clock")),
    (400, {"error": "invalid_grant", "error_description": "Token has been expired or revoked."}, ("expired or were revoked", "gcloud auth application-default login")),
    (401, {"error": "unauthorized_client", "error_description": "hush"}, ("refuses the credentials", "tailrace doctor")),
]  # fmt: skip


@pytest.mark.parametrize(("status", "body", "words"), TOKENS)
def test_a_key_that_google_refuses(tmp_path, private_key, server, status, body, words):
    server.answer = lambda _request: (status, body)
    settings = written(tmp_path, key(private_key, token_uri=f"{server.address}/token"))
    text = refused({**settings, "base_url": "https://bigquery.invalid"})
    assert all(word in text for word in words) and "hush" not in text and private_key[30:60] not in text


def test_a_caller_that_may_not_impersonate(tmp_path, private_key, server, monkeypatch):
    denied = {"error": {"code": 403, "message": "Permission 'iam.serviceAccounts.getAccessToken' denied on resource (or it may not exist).", "status": "PERMISSION_DENIED"}}  # fmt: skip
    server.answer = lambda request: (
        (200, {"access_token": "hush", "expires_in": 3600}) if request.path == "/token" else (403, denied)
    )
    settings = written(tmp_path, key(private_key, token_uri=f"{server.address}/token"))
    found = credentials({**settings, "impersonate_service_account": "other@acme.iam.gserviceaccount.com"})
    found._iam_endpoint_override = f"{server.address}/generate"
    monkeypatch.setattr("tailrace.warehouse.bigquery.auth.credentials", lambda _settings: found)
    text = refused({**settings, "base_url": "https://bigquery.invalid"})
    assert (
        "may not impersonate" in text
        and "roles/iam.serviceAccountTokenCreator" in text
        and "hush" not in text
    )


def refused(settings) -> str:
    jobs = Jobs(connect(settings), settings)
    try:
        with pytest.raises((AuthError, WarehouseError)) as caught:
            jobs.rows("SELECT 1")
    finally:
        jobs.close()
    assert isinstance(caught.value, AuthError), caught.value
    return str(caught.value)
