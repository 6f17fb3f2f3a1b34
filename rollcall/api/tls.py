"""The certificate and its key, looked at before anything is started with them."""

import ssl
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from cryptography import x509

from rollcall.core.settings import Settings, WrongSettings

# uvicorn's own choice leaves TLS 1.2 with nothing but old ones. TLS 1.3 has its own, which are all good.
CIPHERS: Final = "ECDHE+AESGCM:ECDHE+CHACHA20"


def check_tls(settings: Settings) -> None:
    """Nothing, where TLS is off.

    Raises:
        WrongSettings: a file cannot be read, they do not belong together, or the certificate does not count
            today.
    """
    if settings.tls_cert_file is None or settings.tls_key_file is None:
        return
    certificate = _read(settings.tls_cert_file, "TLS_CERT_FILE")
    _read(settings.tls_key_file, "TLS_KEY_FILE")
    try:
        _require_valid(x509.load_pem_x509_certificates(certificate)[0], datetime.now(UTC))
    except ValueError:
        raise WrongSettings("TLS_CERT_FILE: this is no certificate in PEM format") from None
    try:
        # Without a password OpenSSL would ask at the terminal.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(
            settings.tls_cert_file, settings.tls_key_file, password=lambda: ""
        )
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise WrongSettings("TLS_KEY_FILE: this is not the key of TLS_CERT_FILE") from None
        raise WrongSettings("TLS_KEY_FILE: this is no key in PEM format without a password") from None


def service_options(settings: Settings) -> dict[str, Any]:
    """BentoML's `ssl` for the service that listens."""
    if settings.tls_cert_file is None or settings.tls_key_file is None:
        return {"enabled": False}
    return {
        "enabled": True,
        "certfile": str(settings.tls_cert_file),
        "keyfile": str(settings.tls_key_file),
        "ciphers": CIPHERS,
    }


def _read(path: Path, setting: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise WrongSettings(f"{setting}: the file cannot be read ({error.strerror})") from None


def _require_valid(certificate: x509.Certificate, now: datetime) -> None:
    if now > certificate.not_valid_after_utc:
        raise WrongSettings(
            f"TLS_CERT_FILE: the certificate expired on {certificate.not_valid_after_utc:%Y-%m-%d}"
        )
    if now < certificate.not_valid_before_utc:
        raise WrongSettings(
            f"TLS_CERT_FILE: the certificate counts from {certificate.not_valid_before_utc:%Y-%m-%d} on only"
        )
