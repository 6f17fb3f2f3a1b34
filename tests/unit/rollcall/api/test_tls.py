"""Files that are wrong stop the start, and say which and why."""

from pathlib import Path

import pytest

from rollcall.api.tls import check_tls, service_options
from rollcall.core.settings import Settings, WrongSettings
from tests.certificates import Certificate, write_certificate


def settings(made: Certificate) -> Settings:
    return Settings(_env_file=None, tls_cert_file=made.certificate, tls_key_file=made.key)


def test_without_files_there_is_no_tls() -> None:
    without = Settings(_env_file=None, tls_cert_file=None, tls_key_file=None)
    check_tls(without)
    assert service_options(without) == {"enabled": False}


def test_files_that_belong_together_will_do(tmp_path: Path) -> None:
    made = write_certificate(tmp_path)
    check_tls(settings(made))
    options = service_options(settings(made))
    assert (options["certfile"], options["keyfile"]) == (str(made.certificate), str(made.key))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    made = write_certificate(tmp_path)
    with pytest.raises(WrongSettings, match="TLS_CERT_FILE: the file cannot be read"):
        check_tls(settings(made._replace(certificate=tmp_path / "none.pem")))
    with pytest.raises(WrongSettings, match="TLS_KEY_FILE: the file cannot be read"):
        check_tls(settings(made._replace(key=tmp_path)))


def test_another_certificates_key_is_refused(tmp_path: Path) -> None:
    made, other = write_certificate(tmp_path / "a"), write_certificate(tmp_path / "b")
    with pytest.raises(WrongSettings, match="TLS_KEY_FILE: this is not the key"):
        check_tls(settings(made._replace(key=other.key)))


def test_a_key_with_a_password_is_refused_and_nobody_is_asked_for_it(tmp_path: Path) -> None:
    with pytest.raises(WrongSettings, match="without a password"):
        check_tls(settings(write_certificate(tmp_path, password=b"hush")))


@pytest.mark.parametrize(
    "content", [b"", b"hello", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
)
def test_what_is_no_certificate_is_refused(tmp_path: Path, content: bytes) -> None:
    made = write_certificate(tmp_path)
    made.certificate.write_bytes(content)
    with pytest.raises(WrongSettings, match="TLS_CERT_FILE: this is no certificate"):
        check_tls(settings(made))


def test_what_is_no_key_is_refused(tmp_path: Path) -> None:
    made = write_certificate(tmp_path)
    made.key.write_bytes(b"hello")
    with pytest.raises(WrongSettings, match="TLS_KEY_FILE: this is no key"):
        check_tls(settings(made))


def test_a_certificate_that_does_not_count_today_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WrongSettings, match=r"expired on \d{4}-\d\d-\d\d"):
        check_tls(settings(write_certificate(tmp_path, begins_in_days=-9, ends_in_days=-1)))
    with pytest.raises(WrongSettings, match=r"from \d{4}-\d\d-\d\d on only"):
        check_tls(settings(write_certificate(tmp_path, begins_in_days=1, ends_in_days=9)))
