import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from rollcall.core.api_keys import ApiKey, Role
from rollcall.core.settings import Settings, WrongSettings, load_settings
from tests.servers import ROOT, clean_environment


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting of this machine, and no .env file, gets into these tests."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)


def test_the_defaults_are_the_contracts() -> None:
    settings = load_settings()
    assert settings.insightface_model == "buffalo_l"
    assert settings.similarity_threshold == 0.6
    assert (settings.max_concurrent_requests, settings.max_queued_requests) == (10, 100)
    assert settings.database_pool_size == 5
    assert settings.rate_limit_per_minute == 100
    assert (settings.host, settings.port) == ("0.0.0.0", 8000)
    assert settings.model_fallback == "face_recognition"
    assert settings.cors_origins == ("*",)
    assert settings.api_keys == ()
    assert settings.request_timeout_seconds == 60
    assert (settings.tls_cert_file, settings.tls_key_file) == (None, None)
    assert settings.inference_threads is None


def test_settings_come_from_the_environment_and_then_from_a_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("PORT=9000\nLOG_LEVEL=debug\nAPI_KEYS=\n")
    monkeypatch.setenv("PORT", "9001")
    monkeypatch.setenv("CORS_ORIGINS", "https://a.example, https://b.example")
    monkeypatch.setenv("SIMILARITY_THRESHOLD", "auto")
    settings = load_settings()
    assert settings.port == 9001
    assert settings.log_level == "DEBUG"
    assert settings.api_keys == ()
    assert settings.cors_origins == ("https://a.example", "https://b.example")
    assert settings.similarity_threshold == "auto"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SIMILARITY_THRESHOLD", "1.5"),
        ("SIMILARITY_THRESHOLD", "high"),
        ("MAX_CONCURRENT_REQUESTS", "0"),
        ("DATABASE_URL", "postgresql://host/db"),
        ("LOG_LEVEL", "LOUD"),
        ("API_KEYS", " , "),
        ("API_KEYS", "a-plain-key"),
        ("REQUEST_TIMEOUT_SECONDS", "0"),
        ("TLS_CERT_FILE", "/etc/cert.pem"),
        ("TLS_KEY_FILE", "/etc/key.pem"),
        ("INSIGHTFACE_MODEL", "../elsewhere"),
        ("HOST", "localhost:80"),
        ("PORT", "70000"),
        ("RATE_LIMIT_EXEMPT", "10.0.0.0/33"),
        ("RATE_LIMIT_STORAGE", "memcached://host"),
        ("MODEL_MIRROR_URL", "ftp://host"),
        ("MULTIPLE_FACES_POLICY", "smallest"),
    ],
)
def test_a_wrong_value_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(WrongSettings, match=name):
        load_settings()


def test_secrets_show_neither_in_errors_nor_in_repr(monkeypatch: pytest.MonkeyPatch) -> None:
    digest = "5ec2e7" * 10 + "abcd"
    monkeypatch.setenv("API_KEYS", f"gate:kiosk:{digest}")
    monkeypatch.setenv("DATABASE_URL", "mysql+pymysql://me:hush-word@host/db")
    monkeypatch.setenv("RATE_LIMIT_STORAGE", "redis://:hush-word@host")
    monkeypatch.setenv("MODEL_MIRROR_URL", "https://me:hush-word@host/")
    assert "hush" not in repr(load_settings())
    assert digest not in repr(load_settings())
    assert load_settings().api_keys == (ApiKey(name="gate", role=Role.KIOSK, digest=digest),)
    monkeypatch.setenv("DATABASE_URL", "mysql://me:hush-word@host/db")
    monkeypatch.setenv("API_KEYS", f"hush-key, gate:kiosk:{digest}")
    for load in (load_settings, Settings):
        with pytest.raises((WrongSettings, ValidationError)) as raised:
            load()
        assert "API_KEYS" in str(raised.value).upper()
        assert "hush" not in str(raised.value)
        assert digest not in str(raised.value)


def test_a_wrong_setting_stops_the_start_with_a_clear_message() -> None:
    started = subprocess.run(
        [sys.executable, "-m", "bentoml", "serve", "service:FaceAPI"],
        cwd=ROOT,
        env=clean_environment({"PORT": "eighty"}),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert started.returncode != 0
    assert "PORT" in started.stderr
    assert "Traceback" not in started.stderr
