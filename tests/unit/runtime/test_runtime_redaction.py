"""No secret gets into what leaves the program: not in a message, an exception, a warning, nor in any of the forms that texts give it."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, SecretStr

from benchmate.runtime.redaction import REMOVED, _secret_values, secrets_of, without_secrets
from benchmate.runtime.settings import LibraryProfile, ModelProfile, TelemetryProfile, load_settings

VALUE = "q7/Zx+9w!K2 'm\"p"  # every character that some writing escapes


@pytest.mark.parametrize(
    "name",
    [
        "OPENAI_API_KEY", "GITHUB_TOKEN", "AWS_SECRET_ACCESS_KEY", "PGPASSWORD", "DB_PASSWORD", "VAULT_SECRETS",
        "my_apikey", "SSH_PASSPHRASE", "MYSQL_PWD", "SMTP_PASS", "GOOGLE_CREDENTIALS", "TOKEN", "KEY",
    ],
)  # fmt: skip
def test_a_variable_whose_name_says_so_is_a_secret(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, VALUE)
    assert without_secrets(f"sent {VALUE} to the server") == f"sent {REMOVED} to the server"


@pytest.mark.parametrize(
    "name", ["PWD", "TOKENIZERS_PARALLELISM", "KEYBOARD_LAYOUT", "LAB_API_KEY_ENV", "HOME"]
)
def test_other_variables_are_none(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "/home/ada")
    assert without_secrets("read /home/ada/iris.csv") == "read /home/ada/iris.csv"


@pytest.mark.parametrize("written", [str, quote, lambda v: quote(v, safe=""), json.dumps, repr])
def test_a_secret_is_removed_as_urls_json_and_reprs_write_it(
    written: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAB_TOKEN", VALUE)
    assert callable(written)
    text = without_secrets(f"at {written(VALUE)} here")
    assert text.startswith("at ") and text.endswith(" here")
    assert "q7" not in text and "K2" not in text


def test_a_short_secret_is_removed_as_a_word_and_a_flag_is_not_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOOR_PASSWORD", "cat")
    monkeypatch.setenv("USE_TOKEN", "1")
    monkeypatch.setenv("NO_KEY", "true")
    assert without_secrets("cat: catalysis took 1 s, true") == f"{REMOVED}: catalysis took 1 s, true"


def test_of_two_secrets_of_which_one_holds_the_other_nothing_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_TOKEN", "abcdefgh")
    monkeypatch.setenv("B_TOKEN", "abcdefgh-ijklmnop")
    assert without_secrets("abcdefgh-ijklmnop") == REMOVED


def test_each_line_of_a_private_key_is_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = ["-----BEGIN PRIVATE KEY-----", "MIIEvQIBADANBgkqhkiG9w0BAQ", "-----END PRIVATE KEY-----"]
    monkeypatch.setenv("SIGNING_KEY", "\n".join(lines))
    assert lines[1] not in without_secrets(f"read:\n  {lines[1]}\n")


def test_headers_for_the_collector_are_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(
        "OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20Zm9vYmFy123,x-tenant-id=lab-seven"
    )
    told = without_secrets("Bearer Zm9vYmFy123 | Zm9vYmFy123 | lab-seven")
    assert "Zm9v" not in told and "seven" not in told


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer S3CR3Tvalue99",
        "authorization: token S3CR3Tvalue99",
        '{"Authorization": "Bearer S3CR3Tvalue99"}',
        "headers=[(b'authorization', b'Bearer S3CR3Tvalue99')]",
        "Headers({'authorization': 'Basic S3CR3Tvalue99=='})",
        "sent bearer S3CR3Tvalue99 upstream",
        "(b'x-api-key', b'S3CR3Tvalue99')",
        "X-API-Key: S3CR3Tvalue99",
        "GET https://eutils.example.org/efetch?db=gene&api_key=S3CR3Tvalue99&id=1",
        "GET https://maps.example.org/?key=S3CR3Tvalue99",
        "postgresql://ada:S3CR3Tvalue99@db:5432/lab",
        "connect(password='S3CR3Tvalue99')",
        '"client_secret": "S3CR3Tvalue99"',
        "Set-Cookie: session=S3CR3Tvalue99; Path=/",
        "key sk-S3CR3Tvalue99abcdefgh was refused",
        "ghp_S3CR3Tvalue99abcdefgh",
    ],
)
def test_what_stands_as_a_credential_is_removed_wherever_it_came_from(text: str) -> None:
    told = without_secrets(text)
    assert "S3CR3T" not in told and REMOVED in told


@pytest.mark.parametrize(
    "text",
    [
        "used 120 completion tokens: 80 of the prompt",
        "CC(=O)Oc1ccccc1C(=O)O has logP 1.31",
        "call.finished compute_descriptors 2.03 s",
        'HTTP Request: POST http://127.0.0.1:8000/v1/chat/completions "HTTP/1.1 200 OK"',
        "secretin and tokenin are peptides; the key step is the Diels-Alder reaction",
    ],
)
def test_plain_text_stands_as_it_is(text: str) -> None:
    assert without_secrets(text) == text


@given(st.text(min_size=6, max_size=40), st.text(max_size=20), st.text(max_size=20))
def test_no_known_secret_is_left(secret: str, before: str, after: str) -> None:
    told = without_secrets(f"{before}{secret}{after}", [secret])
    assert secret not in told.replace(REMOVED, "\0") or secret in before + after + REMOVED


def test_settings_name_their_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_MODEL", "key-of-the-model")  # its name does not say so; the profile does
    settings = load_settings(
        profile="mine",
        profiles={
            "mine": ModelProfile(
                engine="http", base_url="https://ada:pw-of-the-server@host/v1", endpoints=("https://b:pw-of-another@other/v1",), api_key_env="LAB_MODEL",
            )
        },
        database="postgresql://ada:pw%2Fof-the-database@db/lab",
        telemetry=TelemetryProfile(endpoint="https://t:pw-of-the-collector@host:4318"),
        library=LibraryProfile(server="http://l:pw-of-the-library@host:8000"),
    )  # fmt: skip
    assert set(secrets_of(settings)) >= {
        "key-of-the-model", "pw-of-the-server", "pw-of-another", "pw/of-the-database", "pw-of-the-collector", "pw-of-the-library",
    }  # fmt: skip


def test_secret_fields_are_found_at_any_depth() -> None:
    class Inner(BaseModel):
        token: SecretStr

    class Outer(BaseModel):
        plain: str
        inner: Inner
        more: dict[str, list[Inner]]

    outer = Outer(
        plain="seen", inner=Inner(token=SecretStr("one")), more={"x": [Inner(token=SecretStr("two"))]}
    )
    assert sorted(_secret_values(outer)) == ["one", "two"]
