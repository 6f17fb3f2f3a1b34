import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from pydantic import SecretStr, ValidationError

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


def test_a_secret_of_a_file_counts_before_the_environments_default(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As in the container, whose image sets DATABASE_URL for those who have no MySQL."""
    (tmp_path / "database_url").write_text("mysql+pymysql://me:word@mysql/rollcall\n")
    monkeypatch.setenv("DATABASE_URL", "sqlite:////data/rollcall.db")
    monkeypatch.setenv("PORT", "9001")
    settings = load_settings(tmp_path)
    assert settings.database_url == SecretStr("mysql+pymysql://me:word@mysql/rollcall")
    assert settings.port == 9001


def test_secrets_are_read_as_kubernetes_mounts_them(tmp_path: Path) -> None:
    """A link to a file in a folder whose name changes with each change of the secret."""
    (tmp_path / "secrets" / "..2026").mkdir(parents=True)
    (tmp_path / "secrets" / "..2026" / "database_url").write_text("sqlite:///elsewhere.db")
    (tmp_path / "secrets" / "..data").symlink_to("..2026")
    (tmp_path / "secrets" / "database_url").symlink_to("..data/database_url")
    settings = load_settings(tmp_path / "secrets")
    assert settings.database_url == SecretStr("sqlite:///elsewhere.db")


def test_a_folder_of_secrets_that_is_not_there_changes_nothing(tmp_path: Path) -> None:
    assert load_settings(tmp_path / "none") == load_settings()


def test_a_wrong_secret_is_named_and_not_shown(tmp_path: Path) -> None:
    (tmp_path / "database_url").write_text("mysql://me:hush-word@host/db")
    with pytest.raises(WrongSettings, match="DATABASE_URL") as raised:
        load_settings(tmp_path)
    assert "hush" not in str(raised.value)


def test_an_empty_file_of_keys_does_not_open_the_server(tmp_path: Path) -> None:
    (tmp_path / "api_keys").write_text("\n")
    with pytest.raises(WrongSettings, match="API_KEYS"):
        load_settings(tmp_path)


def test_a_secret_that_is_no_text_is_named_and_not_shown(tmp_path: Path) -> None:
    (tmp_path / "api_keys").write_bytes(b"hush\xff")
    with pytest.raises(WrongSettings, match="api_keys") as raised:
        load_settings(tmp_path)
    assert "hush" not in str(raised.value)


def test_a_secret_that_may_not_be_read_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a container's user is told of a file that only its owner may read."""
    monkeypatch.chdir("/")
    with TemporaryDirectory(prefix="rollcall-secrets-", dir="/tmp") as folder:  # all may look in
        secret = Path(folder, "database_url")
        secret.write_text("sqlite:///hush.db")
        secret.chmod(0)
        Path(folder).chmod(0o755)
        with as_nobody(), pytest.raises(WrongSettings) as raised:
            load_settings(Path(folder))
    assert str(raised.value) == f"Wrong settings:\n{secret}: Permission denied"


@contextmanager
def as_nobody() -> Iterator[None]:
    """Without root's right to read anything, where the tests have it."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(user)


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
        ("RATE_LIMIT_STORAGE", "redis://"),
        ("MODEL_MIRROR_URL", "ftp://host"),
        ("MULTIPLE_FACES_POLICY", "smallest"),
        ("LOG_FORMAT", "xml"),
        ("OTEL_TRACES_EXPORTER", "zipkin"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4317"),
    ],
)
def test_a_wrong_value_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(WrongSettings, match=name):
        load_settings()


@pytest.mark.parametrize(
    ("environment", "endpoint"),
    [
        ({}, None),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:1/"}, "http://c:1/v1/traces"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:1/below"}, "http://c:1/below/v1/traces"),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://c:1/there"}, "http://c:1/there"),
        (
            {
                "OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:1",
                "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://d:2/t",
            },
            "http://d:2/t",
        ),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, "http://localhost:4318/v1/traces"),
        ({"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:1"}, None),
        ({"OTEL_SDK_DISABLED": "True", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:1"}, None),
        (
            {"OTEL_SDK_DISABLED": "false", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:1"},
            "http://c:1/v1/traces",
        ),
    ],
)
def test_traces_go_where_opentelemetrys_settings_say(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], endpoint: str | None
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert load_settings().traces_endpoint == endpoint


@pytest.mark.parametrize(
    "address",
    [
        "redis://:se/cret@host",
        "redis://:12/cret@host",
        "redis://:se#cret@host",
        "redis://:12#cret@host",
        "redis://user:12?cret@host",
        "redis://user:12?cret=1@host",
        "redis://:se@cret@host",
        "redis://:se[cret@host",
        "redis://:secret@",
        "rediss://cret:notaport/0",
        "redis://cret:70000",
        "redis://host/cret",
        "redis://host?cret=1",
        "redis://host?ssl_ca_certs=/cret.pem",
    ],
)
def test_a_wrong_address_of_redis_is_one_line_that_does_not_quote_it(
    monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setenv("RATE_LIMIT_STORAGE", address)
    with pytest.raises(WrongSettings) as raised:
        load_settings()
    [_, line] = str(raised.value).splitlines()
    assert line.startswith("RATE_LIMIT_STORAGE: ")
    assert "cret" not in line


@pytest.mark.parametrize(
    "address",
    [
        "redis://localhost",
        "redis://:se%2Fcret@host:6379/0",
        "redis://user:secret@[::1]:6379/",
        "rediss://host:6380/1?ssl_ca_certs=/etc/ca.pem",
    ],
)
def test_an_address_of_redis(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("RATE_LIMIT_STORAGE", address)
    assert load_settings().rate_limit_storage == address


def test_secrets_show_neither_in_errors_nor_in_repr(monkeypatch: pytest.MonkeyPatch) -> None:
    digest = "5ec2e7" * 10 + "abcd"
    monkeypatch.setenv("API_KEYS", f"gate:kiosk:{digest}")
    monkeypatch.setenv("DATABASE_URL", "mysql+pymysql://me:hush-word@host/db")
    monkeypatch.setenv("RATE_LIMIT_STORAGE", "redis://:hush-word@host")
    monkeypatch.setenv("MODEL_MIRROR_URL", "https://me:hush-word@host/")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "https://me:hush-word@host/")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "https://me:hush-word@host/")
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
