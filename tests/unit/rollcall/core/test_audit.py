"""What an entry's hashes are made of: nothing of it may ever change, for entries are kept for years."""

import hashlib
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from rollcall.core.audit import (
    GENESIS,
    NO_ENTRIES,
    Action,
    AuditEntry,
    digest_of,
    hash_of,
    moment_of,
    new_entry,
)
from rollcall.core.callers import Caller
from rollcall.core.people import PersonKey, PersonType

ADA = PersonKey(type=PersonType.STUDENT, code="Ab-1")
CHAINED_BYTES = (
    b"0000000000000000000000000000000000000000000000000000000000000000"
    b'{"Action":"enrolled","Actor":"caf\xc3\xa9","Address":"10.0.0.7","Details":"{\\"face_id\\":17}","Id":1,'
    b'"Moment":"2026-11-21T08:00:00.123Z","PersonDigest":null,"PersonType":null,"RequestId":"r-1"}'
)


def entry() -> AuditEntry:
    return AuditEntry(
        number=1,
        moment="2026-11-21T08:00:00.123Z",
        actor="café",
        address="10.0.0.7",
        request_id="r-1",
        action="enrolled",
        person_type=None,
        person_code=None,
        salt=None,
        person_digest=None,
        details='{"face_id":17}',
        previous_hash=GENESIS,
        hash="",
    )


def test_the_hash_is_of_the_bytes_that_are_documented() -> None:
    assert hash_of(entry()) == hashlib.sha256(CHAINED_BYTES).hexdigest()


@pytest.mark.parametrize("name", [field.name for field in fields(AuditEntry)])
def test_every_field_is_in_the_hash_but_the_erasable_ones(name: str) -> None:
    other: dict[str, Any] = {name: 2 if name == "number" else "another"}
    assert (hash_of(replace(entry(), **other)) == hash_of(entry())) is (
        name in ("person_code", "salt", "hash")
    )


def test_the_persons_digest_is_of_the_bytes_that_are_documented() -> None:
    expected = hashlib.sha256(b"00ff\nstudent\nab-1").hexdigest()
    assert digest_of("00ff", PersonType.STUDENT, "AB-1  ") == expected


def test_a_new_entry_follows_the_one_before() -> None:
    caller = Caller(name="gate", address="10.0.0.7", request_id="r-1")
    first = new_entry(NO_ENTRIES, caller, Action.ENROLLED, ADA, {"face_id": 17})
    assert (first.number, first.previous_hash, first.hash) == (1, GENESIS, hash_of(first))
    assert (first.actor, first.address, first.request_id) == ("gate", "10.0.0.7", "r-1")
    assert (first.person_type, first.person_code) == ("student", "Ab-1")
    assert first.salt is not None
    assert first.person_digest == digest_of(first.salt, "student", "ab-1")
    assert "ab-1" not in first.details.lower()


def test_two_entries_about_one_person_have_other_digests() -> None:
    caller = Caller(name="gate")
    digests = {new_entry(NO_ENTRIES, caller, Action.ENROLLED, ADA, {}).person_digest for _ in range(5)}
    assert len(digests) == 5


def test_what_is_too_long_for_its_column_is_cut_before_it_is_hashed() -> None:
    caller = Caller(name="n" * 300, address="a" * 300, request_id="r" * 300)
    made = new_entry(NO_ENTRIES, caller, Action.ENROLLED, None, {})
    assert [len(made.actor), len(made.address), len(made.request_id)] == [100, 64, 64]
    assert hash_of(made) == made.hash


def test_moments_are_utc_with_milliseconds() -> None:
    summer = datetime(2026, 7, 1, 0, 30, 5, 7_999, tzinfo=timezone(timedelta(hours=2)))
    assert moment_of(summer) == "2026-06-30T22:30:05.007Z"
    assert len(moment_of(datetime.now(UTC))) == 24
