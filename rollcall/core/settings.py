"""All settings, read once, in the composition root."""

import ipaddress
import re
from pathlib import Path
from typing import Annotated, Final, Literal, Self, TypeAlias
from urllib.parse import parse_qsl, urlsplit

from pydantic import BeforeValidator, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from rollcall.core.api_keys import ApiKey, parse_api_keys

# A model's name becomes a folder below MODEL_DIR, so it must not lead out of it.
MODEL_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")

# Where Docker and Kubernetes put secrets: a file for each setting, named as it is, in lower case.
SECRETS_FOLDER: Final = Path("/run/secrets")
# Where the SDK itself sends to, unless told otherwise.
OTLP_DEFAULT: Final = "http://localhost:4318"

# What may follow the address of a Redis behind TLS: paths of files.
_REDIS_OPTIONS: Final = frozenset({"ssl_ca_certs", "ssl_certfile", "ssl_keyfile"})
_REDIS_DATABASE: Final = re.compile(r"(/[0-9]{0,9})?")

IPNetwork: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network


class WrongSettings(Exception):
    """A setting has a wrong value; the text names it and never holds the value of a secret."""


def _split(value: object) -> object:
    """`a, b` → `("a", "b")`."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


def _keys(value: object) -> object:
    return parse_api_keys(value) if isinstance(value, str) else value


def _is_redis(address: str) -> bool:
    """Whether each part is what it seems to be: a password that is not encoded ends in another one."""
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname, parts.port
        options = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    except ValueError:
        return False
    known = _REDIS_OPTIONS if parts.scheme == "rediss" else frozenset()
    return (
        address.startswith(("redis://", "rediss://"))
        and bool(host)
        and parts.netloc.count("@") <= 1
        and _REDIS_DATABASE.fullmatch(parts.path) is not None
        and not parts.fragment
        and {name for name, _ in options} <= known
    )


Words: TypeAlias = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
Keys: TypeAlias = Annotated[tuple[ApiKey, ...], NoDecode, BeforeValidator(_keys)]
Threshold: TypeAlias = Annotated[float, Field(ge=0, le=1)] | Literal["auto"]
Share: TypeAlias = Annotated[float, Field(ge=0, le=1)]
Days: TypeAlias = Annotated[int, Field(ge=1, le=36500)]
Networks: TypeAlias = Annotated[tuple[IPNetwork, ...], NoDecode, BeforeValidator(_split)]


class Settings(BaseSettings):
    """Files of secrets, then the environment, then a `.env` file; the names are SPEC's, in lower case."""

    model_config = SettingsConfigDict(
        env_file=".env",
        env_file_encoding="utf-8",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
    )

    insightface_model: str = "buffalo_l"
    ab_model: str | None = None
    ab_share: Share = 0.5
    shadow_model: str | None = None
    shadow_rate: Share = 0.1
    similarity_threshold: Threshold = 0.6
    max_concurrent_requests: int = Field(default=10, ge=1)
    max_queued_requests: int = Field(default=100, ge=0)
    request_timeout_seconds: int = Field(default=60, ge=1, le=3600)
    database_url: SecretStr = SecretStr("sqlite:///data/rollcall.db")
    database_pool_size: int = Field(default=5, ge=1)
    database_timeout_seconds: int = Field(default=10, ge=1, le=3600)
    log_retention_days: Days | None = None
    log_format: Literal["json", "text"] = "json"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] = "INFO"
    enable_face_quality_check: bool = True
    auto_download_models: bool = True
    model_dir: Path = Path("models")
    model_mirror_url: str | None = Field(default=None, repr=False)  # may hold a password
    model_fallback: Literal["face_recognition", "none"] = "face_recognition"
    host: str = "0.0.0.0"
    port: int = Field(default=8000, ge=1, le=65535)
    rate_limit_per_minute: int = Field(default=100, ge=0)
    rate_limit_exempt: Networks = ()
    rate_limit_storage: str = Field(default="memory", repr=False)  # may hold a password
    cors_origins: Words = ("*",)
    trusted_proxies: Networks = ()
    api_keys: Keys = ()
    tls_cert_file: Path | None = None
    tls_key_file: Path | None = None
    inference_backend: Literal["auto", "onnxruntime", "openvino", "cuda"] = "auto"
    inference_threads: int | None = Field(default=None, ge=1)
    multiple_faces_policy: Literal["largest", "reject"] = "largest"
    unknown_person_policy: Literal["create", "reject"] = "create"
    import_dir: Path = Path("data/imports")
    max_import_mb: int = Field(default=2048, ge=1, le=1_000_000)
    prometheus_multiproc_dir: Path | None = None  # BentoML sets it for its workers
    # OpenTelemetry's own names. Its SDK reads all others; these say whether there are traces, and where to.
    otel_exporter_otlp_endpoint: str | None = Field(default=None, repr=False)  # may hold a password
    otel_exporter_otlp_traces_endpoint: str | None = Field(default=None, repr=False)
    otel_traces_exporter: Literal["otlp", "none"] | None = None
    otel_sdk_disabled: str = ""

    @property
    def traces_endpoint(self) -> str | None:
        """Where spans are to be sent; None where no traces are asked for."""
        if self.otel_traces_exporter == "none" or self.otel_sdk_disabled.strip().lower() == "true":
            return None
        if self.otel_exporter_otlp_traces_endpoint is not None:
            return self.otel_exporter_otlp_traces_endpoint
        if self.otel_exporter_otlp_endpoint is None and self.otel_traces_exporter is None:
            return None
        return f"{(self.otel_exporter_otlp_endpoint or OTLP_DEFAULT).rstrip('/')}/v1/traces"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        # A secret is mounted on purpose, while an image's environment has defaults: with the environment
        # first, a container would write to SQLite in spite of its database_url.
        return init_settings, file_secret_settings, env_settings, dotenv_settings

    @field_validator("log_level", mode="before")
    @classmethod
    def _any_case(cls, value: object) -> object:
        return value.upper() if isinstance(value, str) else value

    @field_validator("insightface_model", "ab_model", "shadow_model")
    @classmethod
    def _is_a_folder_name(cls, value: str | None) -> str | None:
        if value is not None and not MODEL_NAME.fullmatch(value):
            raise ValueError("must be a plain folder name")
        return value

    @field_validator("host")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        ipaddress.ip_address(value)
        return value

    @field_validator("model_mirror_url", "otel_exporter_otlp_endpoint", "otel_exporter_otlp_traces_endpoint")
    @classmethod
    def _is_http(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("http://", "https://")):
            raise ValueError("must begin with http:// or https://")
        return value

    @field_validator("rate_limit_storage")
    @classmethod
    def _is_a_storage(cls, value: str) -> str:
        if value != "memory" and not _is_redis(value):
            raise ValueError(
                "must be memory, or redis://[:PASSWORD@]HOST[:PORT][/NUMBER], or the same with rediss://; in "
                "the password, signs such as / : @ # ? must be percent-encoded"
            )
        return value

    @model_validator(mode="after")
    def _has_both_files_of_tls(self) -> Self:
        if (self.tls_cert_file is None) != (self.tls_key_file is None):
            raise ValueError("TLS_CERT_FILE and TLS_KEY_FILE: both must be set, or neither")
        return self

    @field_validator("database_url")
    @classmethod
    def _is_a_database(cls, value: SecretStr) -> SecretStr:
        if not value.get_secret_value().startswith(("sqlite:///", "mysql+pymysql://")):
            raise ValueError("must begin with sqlite:/// or mysql+pymysql://")
        return value


def load_settings(secrets_folder: Path = SECRETS_FOLDER) -> Settings:
    """Read the settings.

    Raises:
        WrongSettings: with one line for each wrong value, or the file of a secret that cannot be read.
    """
    try:
        return Settings(_secrets_dir=secrets_folder if secrets_folder.is_dir() else None)
    except SettingsError as error:
        cause = error.__cause__
        # A cause of another kind could quote the file.
        what = f"{cause.filename}: {cause.strerror}" if isinstance(cause, OSError) else str(error)
        raise WrongSettings(f"Wrong settings:\n{what}") from None
    except ValidationError as error:
        # Not str(error): it quotes the values, and some of them are secret.
        lines = [": ".join((*(str(p).upper() for p in e["loc"][:1]), e["msg"])) for e in error.errors()]
        raise WrongSettings("Wrong settings:\n" + "\n".join(dict.fromkeys(lines))) from None
